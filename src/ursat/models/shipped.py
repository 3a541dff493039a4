"""The weights that ship with this version, and the model that runs when none is named. Imports nothing."""

from __future__ import annotations

DEFAULT_MODEL = "core-xs"
# sha256 of models/weights/NAME.safetensors, by NAME; written by scripts/pin_weights.py
SHA256: dict[str, str] = {
    "core-xs": "d5f3d1e45cbc1200bf24e323a862a1305651b25ce3b35677e0ae8a1885f04f3a",
    "paper-mini": "3973db62f5631ed17157a7b29329cbf93d566ec5a44c38e0c4b077c88b4c6bde",
}
