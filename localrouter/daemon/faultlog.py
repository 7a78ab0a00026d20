"""Log a defect of ours without its message: an exception's text may quote a prompt; its type and its frames cannot."""

from __future__ import annotations

import logging
import sys
import traceback

log = logging.getLogger("localrouter")


def log_defect(what: str) -> None:
    """Call it in an `except` block. Logs `what`, the exception's type and where it came from."""
    kind, _, frames = sys.exc_info()
    where = "".join(traceback.format_tb(frames)) if frames is not None else ""
    log.error("%s: %s\n%s", what, kind.__name__ if kind is not None else "no exception", where.rstrip())
