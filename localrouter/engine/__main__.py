"""`python -m localrouter.engine`: the engine's process. Started by the daemon, spoken to in frames."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
"""numpy's own threads would spin beside the model's, for sums that take microseconds. It is read when numpy is imported."""

from localrouter.engine.worker import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
