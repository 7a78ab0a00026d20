"""`python -m localrouter` is `localrouter`."""

import sys

from localrouter.cli import main

sys.exit(main())
