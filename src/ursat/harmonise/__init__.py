"""Making the reference comparable with the input: bands, shift, radiometry, point spread. Arrays in, arrays out."""
