"""Reading and writing rasters: the only place with rasterio."""
