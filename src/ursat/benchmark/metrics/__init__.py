"""Figures of merit: one file each, listed in `registry`; what needs a whole set of images is in `sets`."""
