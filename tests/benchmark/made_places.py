"""Images of ground truth for the benchmark's tests: texture with a 1/f spectrum, shared by the bands."""

import numpy as np

from made_texture import texture
from ursat.benchmark.places import PlaceImage


def place_image(seed=0, shape=(96, 112), place="meadow", large=False):
    rng = np.random.default_rng(seed)
    common = texture(shape, rng)
    bands = [110 + 10 * b + (28 + 4 * b) * (common + 0.15 * texture(shape, rng)) for b in range(3)]
    pixels = np.clip(np.rint(bands), 0, 255).astype(np.uint8)
    return PlaceImage(f"{place}/{seed}", place, 0.5, pixels, large)
