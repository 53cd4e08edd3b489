"""`python -m gwtop.load CONFIG`: the load's process. Knows nothing else."""

import sys

from gwtop.load.sending import main

if __name__ == "__main__":
    main(sys.argv[1])
