"""`python -m case_closure.cli`: the same as `case-closure`."""

import sys

from case_closure.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
