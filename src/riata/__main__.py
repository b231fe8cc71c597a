"""Run the command line: ``python -m riata``."""

import sys

from riata.cli import main

sys.exit(main())
