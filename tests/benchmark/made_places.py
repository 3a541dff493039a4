"""Images of ground truth for the benchmark's tests: texture with a 1/f spectrum, shared by the bands."""

import numpy as np

from ursat.benchmark.places import PlaceImage


def texture(shape, rng, slope=1.2):
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]
    radius = np.hypot(fy, fx)
    radius[0, 0] = 1
    spectrum = radius**-slope * np.fft.rfft2(rng.standard_normal(shape))
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, shape)
    return field / field.std()


def place_image(seed=0, shape=(96, 112), place="meadow", large=False):
    rng = np.random.default_rng(seed)
    common = texture(shape, rng)
    bands = [110 + 10 * b + (28 + 4 * b) * (common + 0.15 * texture(shape, rng)) for b in range(3)]
    pixels = np.clip(np.rint(bands), 0, 255).astype(np.uint8)
    return PlaceImage(f"{place}/{seed}", place, 0.5, pixels, large)
