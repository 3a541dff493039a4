"""Entry point of `ursat` and of `python -m ursat`."""

from __future__ import annotations

import sys

from ursat.openmp import wait_asleep

wait_asleep()


def main() -> None:
    """Run the command line and leave with its exit code."""
    from ursat.cli.app import run  # noqa: PLC0415  (after the environment above is set)

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
