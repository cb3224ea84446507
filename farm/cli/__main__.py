"""`python -P -m farm.cli`, as which a supervisor starts the parts of the farm."""

import sys

from farm.cli import main

if __name__ == "__main__":
    sys.exit(main())
