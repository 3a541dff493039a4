"""The weights that ship with this version, and the model that runs when none is named. Imports nothing."""

from __future__ import annotations

DEFAULT_MODEL = "core-xs"
# sha256 of models/weights/NAME.safetensors, by NAME; written by scripts/pin_weights.py
SHA256: dict[str, str] = {
    "core-xs": "6e17b7e8b3b42ea3409673e03755a61427d2c82416e0fe1a9aed17560ac46a8b",
    "paper-mini": "3973db62f5631ed17157a7b29329cbf93d566ec5a44c38e0c4b077c88b4c6bde",
}
