"""`python -m rtau_train` is `rtau-train`."""

import sys

from rtau_train.cli import main

sys.exit(main())
