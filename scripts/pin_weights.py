"""Ships files of weights: checks them, stores them in the package and pins their sha256.

    python scripts/pin_weights.py WEIGHTS.safetensors ... [--calibration FILE.json] [--licence NAME]

Each file is named after the preset it holds; what the options name is changed in its header, the tensors stay bit for
bit. `ursat.models.shipped.DEFAULT_MODEL` stays as it is.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from pathlib import Path

from ursat.models import shipped
from ursat.models.core.weights import load_weights, save_weights
from ursat.models.gains import Calibration
from ursat.models.paper.weights import is_paper, load_paper, save_paper
from ursat.models.registry import WEIGHTS
from ursat.models.stored import SUFFIX

_PINS = re.compile(r"SHA256: dict\[str, str\] = \{.*?\}\n", re.DOTALL)


def pinned(text: str, sums: dict[str, str]) -> str:
    """The source of `ursat.models.shipped` with these sums."""
    lines = "".join(f'    "{name}": "{sums[name]}",\n' for name in sorted(sums))
    table = f"{{\n{lines}}}" if sums else "{}"
    return _PINS.sub(f"SHA256: dict[str, str] = {table}\n", text)


def main() -> None:
    """Check, complete, store and pin."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--calibration", type=Path, help="what `python -m ursat.training.calibrate` printed")
    parser.add_argument("--licence")
    arguments = parser.parse_args()
    sums = dict(shipped.SHA256)
    WEIGHTS.mkdir(exist_ok=True)
    for path in arguments.files:
        paper = is_paper(path)
        net, info = load_paper(path) if paper else load_weights(path)
        if arguments.calibration:
            printed = json.loads(arguments.calibration.read_text("utf-8"))
            info = replace(info, calibration=Calibration.parse(printed["calibration"]))
        info = replace(info, licence=arguments.licence or info.licence)
        target = WEIGHTS / f"{info.config.name}{SUFFIX}"
        save = save_paper if paper else save_weights
        sums[info.config.name] = save(target, net.state_dict(), info.to_meta())
        print(f"{info.config.name}  {target.stat().st_size / 1e6:.2f} MB  {sums[info.config.name]}")
    source = Path(shipped.__file__)
    source.write_text(pinned(source.read_text("utf-8"), sums), "utf-8")


if __name__ == "__main__":
    main()
