"""`python -P -m farm.app.cli`, as which a supervisor starts the parts of the farm."""

import sys

from farm.app.cli import main

if __name__ == "__main__":
    sys.exit(main())
