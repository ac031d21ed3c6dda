"""Searches in a browser while they go on: the report of a run, and the runs of an archive, served on loopback alone."""
