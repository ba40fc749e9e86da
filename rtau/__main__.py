"""`python -m rtau` is the command line."""

import sys

from rtau.cli.main import main

sys.exit(main())
