"""Traces are kept for a while (`[logging] keep_days`, `max_mb`): the store's retention, run behind the requests a minute after the start and then
each hour."""

from __future__ import annotations

import asyncio
import logging

from localrouter.core.errors import RouterError
from localrouter.daemon.faultlog import log_defect
from localrouter.daemon.services import Services

log = logging.getLogger("localrouter")

FIRST_S, EACH_S = 60.0, 3600.0


async def retain(services: Services, *, first_s: float = FIRST_S, each_s: float = EACH_S) -> None:
    """Runs until it is cancelled. A run that fails is told in the log and tried again."""
    await asyncio.sleep(first_s)
    while True:
        try:
            done = await services.store.retention.prune(services.keep)
            if done.dropped or done.emptied:
                log.info("%d traces were dropped and %d emptied, as [logging] says", done.dropped, done.emptied)
        except RouterError as exc:
            log.warning("old traces could not be dropped: %s", exc.text)
        except Exception:
            log_defect("old traces could not be dropped")
        await asyncio.sleep(each_s)
