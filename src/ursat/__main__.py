"""Entry point of `ursat` and of `python -m ursat`."""

from __future__ import annotations

import os
import sys

# OpenMP threads that spin while another process wants the core slow both down many times over. The runtime reads
# these once, when torch is first imported; whoever set them already knows better.
for _name, _value in (("OMP_WAIT_POLICY", "PASSIVE"), ("GOMP_SPINCOUNT", "0"), ("KMP_BLOCKTIME", "0")):
    os.environ.setdefault(_name, _value)


def main() -> None:
    """Run the command line and leave with its exit code."""
    from ursat.cli.app import run  # noqa: PLC0415  (after the environment above is set)

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
