"""`python -m gwtop` and the `gwtop` command: arguments in, exit status out. Knows nothing else."""

import sys

from gwtop.cli import main as run


def main() -> None:
    sys.exit(run())


if __name__ == "__main__":
    main()
