"""`python -m localrouter.engine`: the engine's process. Started by the daemon, spoken to in frames."""

from __future__ import annotations

import sys

from localrouter.engine.worker import main

if __name__ == "__main__":
    sys.exit(main())
