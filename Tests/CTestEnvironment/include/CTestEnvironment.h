// Nothing to call: the process gets a cache of its own before it begins, see CTestEnvironment.c.
