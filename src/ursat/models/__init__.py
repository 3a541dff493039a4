"""The wavelet cascade, its operators and its stages (torch; no raster library)."""
