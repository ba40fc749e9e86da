"""`python -m rtau_train` is `rtau-train`."""

import sys

from rtau_train.commands.main import main

sys.exit(main())
