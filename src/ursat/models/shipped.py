"""The weights that ship with this version, and the model that runs when none is named. Imports nothing."""

from __future__ import annotations

DEFAULT_MODEL = "core-xs"
# sha256 of models/weights/NAME.safetensors, by NAME; written by scripts/pin_weights.py
SHA256: dict[str, str] = {
    "core-xs": "96412bcfffc7b2a6ccc6d69635a0b9a93ca5afd4a310df136ef1c5686ecf7b38",
}
