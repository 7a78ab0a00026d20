"""The jobs of the inspector's one working thread: those that a client waits for, in their order, and behind them those for the record.

A scan that a client waits for may be done in the middle of one for the record; one that stands behind new settings may not, since a batch is
scanned under the settings that it was sent with.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

Job = dict[str, Any]


class Line:
    """Filled by the thread that reads, emptied by the one that works. A job with `"record": true` keeps nobody waiting."""

    def __init__(self) -> None:
        self._some = threading.Condition()
        self._clients: deque[Job] = deque()
        self._record: deque[Job] = deque()
        self._ended = False

    def put(self, job: Job) -> None:
        with self._some:
            # What was sent under the settings of before is scanned before they change, and nobody overtakes it.
            if job.get("op") == "configure":
                self._clients.extend({**waiting, "record": False} for waiting in self._record)
                self._record.clear()
            (self._record if job.get("record") else self._clients).append(job)
            self._some.notify()

    def drop(self, ident: object) -> None:
        """Nobody wants this job any more; one that is being worked on goes on."""
        with self._some:
            for line in (self._clients, self._record):
                for job in [j for j in line if j.get("id") == ident]:
                    line.remove(job)

    def end(self) -> None:
        """Nothing more comes."""
        with self._some:
            self._ended = True
            self._some.notify()

    def take(self) -> Job | None:
        """The next job; waits for it. None when nothing more comes, whatever still waits for the record."""
        with self._some:
            while not (self._clients or self._record or self._ended):
                self._some.wait()
            if self._clients:
                return self._clients.popleft()
            return self._record.popleft() if self._record and not self._ended else None

    def urgent(self) -> Job | None:
        """The next scan that a client waits for, when it may be done at once; never waits."""
        with self._some:
            return self._clients.popleft() if self.waits() else None

    def waits(self) -> bool:
        """Whether there is an `urgent` one. Takes no lock: it is asked between the steps of the encoder's pass."""
        try:
            return self._clients[0].get("op") == "inspect"
        except IndexError:
            return False
