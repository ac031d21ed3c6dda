"""Carrying out: a suite's benchmark runs, each stored when it is done, and comparisons on one data set."""
