"""The recorded protocol: all methods on the tabular suites, and the pages of benchmarks/results."""
