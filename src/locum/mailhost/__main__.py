"""`python -m locum.mailhost` is `locum-mailhost`."""

import sys

from locum.mailhost import main

sys.exit(main())
