"""`python -m locum` is the `locum` command."""

import sys

from locum.cli import main

sys.exit(main())
