"""SR modules that Algorithm 1 of the paper takes its conditions from: anything that enlarges an image."""
