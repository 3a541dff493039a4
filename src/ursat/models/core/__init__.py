"""The core family: a wavelet-domain diffusion stage that starts from the best classical answer."""
