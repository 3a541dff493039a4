"""The systems of the paper (arXiv 2412.18996): WaveDiffUR and CSP-WaveDiffUR."""
