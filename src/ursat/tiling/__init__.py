"""Integer geometry of levels, tiles and halos."""
