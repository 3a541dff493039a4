"""Tables that decide the core family's design, one a question, as Markdown on stdout.

    python scripts/ablation.py diffuse    --data DIR --weights FILE   which Haar bands the sample may move
    python scripts/ablation.py projection --data DIR --weights FILE   how the result is brought back to the observation
    python scripts/ablation.py steps      --data DIR --weights FILE [--pack DIR]   evaluations of the flow
    python scripts/ablation.py training   --pack DIR [--steps 500]    start, self-forcing, reference dropout
    python scripts/ablation.py width      [--pack DIR] [--steps 200]  parameters, work and speed against the gain

The first three run given weights on the validation images, cut to --crop pixels a side, as `ursat.benchmark` degrades
them (`sensor` unless told otherwise); training and width learn small networks from a pack of scenes (`ursat train`
makes one, with validation scenes in its subfolder val) and score them as training does. All figures but the seconds
of `width` are the same on every run. Progress goes to stderr.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ursat.openmp import wait_asleep


def numbers(text: str) -> tuple[int, ...]:
    """'4,8' -> (4, 8)."""
    return tuple(int(part) for part in text.split(","))


def ranges(text: str) -> tuple[int, ...]:
    """'0:3,7:9' -> (0, 1, 2, 7, 8)."""
    ends = [tuple(int(end) for end in part.split(":")) for part in text.split(",")]
    return tuple(n for first, stop in ends for n in range(first, stop))


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="table", required=True)
    for name in ("diffuse", "projection", "steps"):
        command = commands.add_parser(name)
        command.add_argument("--data", type=Path, required=True, help="the data pack's folder")
        command.add_argument("--weights", type=Path, required=True, help="a .safetensors file of the core family")
        command.add_argument("--scales", type=numbers, default=(4, 8))
        command.add_argument("--tracks", type=lambda text: tuple(text.split(",")), default=("noref", "ref"))
        command.add_argument("--degradation", default="sensor")
        command.add_argument("--limit", type=int, default=5, help="images, dealt to the places in turn")
        command.add_argument("--crop", type=int, default=320, help="pixels a side of the truth")
        command.add_argument("--seed", type=int, default=1)
        if name == "steps":
            command.add_argument("--counts", type=numbers, default=(1, 2, 3, 4, 7), help="evaluations of the flow")
            command.add_argument("--tiles", type=int, default=0, help="calibrate every count on so many training tiles")
        else:
            command.add_argument("--steps", type=int, default=2, help="evaluations of the flow")
        if name == "diffuse":
            command.add_argument("--closure", choices=("auto", "off", "exact"), default="auto")
    for name, steps in (("training", 500), ("width", 200)):
        command = commands.add_parser(name)
        command.add_argument("--pack", type=Path, required=name == "training", help="folder of scenes")
        command.add_argument("--scenes", type=ranges, default=ranges("0:400"), help="numbers, as 0:400,2344:2645")
        command.add_argument("--steps", type=int, default=steps, help="of the optimiser")
        command.add_argument("--seeds", type=int, default=1, help="runs a row; their mean is printed")
        command.add_argument("--batch", type=int, default=8)
        command.add_argument("--side", type=int, default=48, help="cells of a patch")
    return top


def main() -> None:
    asked = parser().parse_args()
    wait_asleep()
    import ablation_inference  # torch, which reads OpenMP's settings when it is imported
    import ablation_training
    import torch

    torch.set_num_threads(1)
    module = ablation_training if asked.table in {"training", "width"} else ablation_inference
    print(getattr(module, f"{asked.table}_table")(asked))


if __name__ == "__main__":
    main()
