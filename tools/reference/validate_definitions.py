#!/usr/bin/env python3
"""Checks definition files against schemas/model.schema.json with a JSON Schema validator that is not ours.

Usage: validate_definitions.py SCHEMA FILE... [--reject FILE...]

Every FILE must be valid, and must become invalid as soon as any of its mappings gets one more field. Every FILE after
--reject must be invalid. Needs jsonschema and PyYAML. Exits 0 if all is as it must be, else 1 with one line per fault.
"""
import copy
import json
import sys

import jsonschema
import yaml


def mappings(node, path=()):
    """The paths of all mappings in a document."""
    if isinstance(node, dict):
        yield path
        for key, value in node.items():
            yield from mappings(value, path + (key,))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from mappings(value, path + (index,))


def with_unknown_field(document, path):
    changed = copy.deepcopy(document)
    node = changed
    for step in path:
        node = node[step]
    node["no_such_field"] = 1
    return changed


def main(arguments):
    schema_path, *files = arguments
    rejected = []
    if "--reject" in files:
        at = files.index("--reject")
        files, rejected = files[:at], files[at + 1:]
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    faults = 0
    variants = 0
    for path in files:
        with open(path, encoding="utf-8") as file:
            document = yaml.safe_load(file)
        for error in validator.iter_errors(document):
            print(f"{path}: {'.'.join(map(str, error.absolute_path))}: {error.message}")
            faults += 1
        for place in mappings(document):
            variants += 1
            if validator.is_valid(with_unknown_field(document, place)):
                print(f"{path}: {'.'.join(map(str, place))}: an unknown field is accepted")
                faults += 1
    for path in rejected:
        with open(path, encoding="utf-8") as file:
            document = yaml.safe_load(file)
        if validator.is_valid(document):
            print(f"{path}: valid, but must not be")
            faults += 1
    print(f"{len(files)} definitions, {variants} variants with an unknown field, {len(rejected)} to reject: {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
