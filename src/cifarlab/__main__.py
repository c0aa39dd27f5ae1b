"""The command line as `python -m cifarlab`, for where no script was installed."""

import sys

from cifarlab.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
