"""Puts this folder on the path, for `made_places` in the folders below."""
