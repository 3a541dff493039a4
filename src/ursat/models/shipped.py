"""The weights that ship with this version, and the model that runs when none is named. Imports nothing."""

from __future__ import annotations

DEFAULT_MODEL = "core-xs"
# sha256 of models/weights/NAME.safetensors, by NAME; written by scripts/pin_weights.py
SHA256: dict[str, str] = {
    "core-xs": "487746cb7ee6ee7c584f08933c1b3f4920d4fc61a032245e8a8d6a271e327918",
    "paper-mini": "3973db62f5631ed17157a7b29329cbf93d566ec5a44c38e0c4b077c88b4c6bde",
}
