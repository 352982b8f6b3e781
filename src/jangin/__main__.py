"""`python -m jangin` is `jangin`."""

import sys

from jangin.cli import main

if __name__ == "__main__":
    sys.exit(main())
