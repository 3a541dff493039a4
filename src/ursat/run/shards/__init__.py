"""Outputs too large for one file: a plan, blocks of output made by whoever comes, and what ties them together."""
