"""Texture as land has it: a spectrum that falls as a power of the frequency."""

import numpy as np


def texture(shape, rng, slope=1.2):
    """(h, w) of amplitude f**-slope, mean 0 and standard deviation 1."""
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]
    radius = np.hypot(fy, fx)
    radius[0, 0] = 1
    spectrum = radius**-slope * np.fft.rfft2(rng.standard_normal(shape))
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, shape)
    return field / field.std()
