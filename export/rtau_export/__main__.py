"""`python -m rtau_export` is `rtau-export`."""

import sys

from rtau_export.cli import main

sys.exit(main())
