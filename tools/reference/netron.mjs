// Prints the layers that Netron shows for a file, one a line: its name and the shapes of its weights.
//
//     node tools/reference/netron.mjs FOLDER_OF_THE_PYTHON_PACKAGE_NETRON FILE.h5
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, file] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(path.join(folder, name)).href);
await load('base.js'); // extends BigInt
const hdf5 = await load('hdf5.js');
const { ModelFactory } = await load('keras.js');

const root = hdf5.File.open(new Uint8Array(fs.readFileSync(file))).read();
// What Netron's own window gives a format: the file's name and content.
const context = {
    identifier: path.basename(file),
    peek: async (type) => (type === 'hdf5' ? root : null),
    metadata: async () => ({ type: (name) => ({ name }), attribute: () => null, input: () => null, output: () => null }),
    set: (type, value) => { context.type = type; context.value = value; return { type, value }; },
    fetch: async () => { throw new Error('no other file'); },
    error: (error) => { throw error; }
};
const factory = new ModelFactory();
if (!await factory.match(context)) {
    throw new Error('Netron does not know the file');
}
const model = await factory.open(context);
for (const graph of model.modules || model.graphs) {
    for (const node of graph.nodes) {
        const shapes = node.inputs.flatMap((input) => input.value.map((value) => `${value.type?.shape}`));
        console.log(node.name, shapes.join(' '));
    }
}
