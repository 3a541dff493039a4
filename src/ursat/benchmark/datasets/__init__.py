"""Data sets of the benchmark: one file each, and a line in `registry`."""
