"""The weights that ship with this version, and the model that runs when none is named. Imports nothing."""

from __future__ import annotations

DEFAULT_MODEL = "core-xs"
# sha256 of models/weights/NAME.safetensors, by NAME; written by scripts/pin_weights.py
SHA256: dict[str, str] = {
    "core-xs": "472316c0e7fe4f25228e5b6674c0c6e3feacec8a20f9a381fcb48962211202af",
}
