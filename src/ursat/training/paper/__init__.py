"""Training of the paper's networks (arXiv 2412.18996, sections 3.3 and 4.3)."""
