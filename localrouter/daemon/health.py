"""How hosts and models do: what each call shows of them, kept for some minutes, in memory only. A restart is a fresh look.

Nothing is asked of anybody for it; probes are sent when a person asks (`localrouter doctor --probe`). A decision reads a snapshot
(core/standing.Health), which is worked out anew only when something happened.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from localrouter.core import errors as e
from localrouter.core.decide import Attempt
from localrouter.core.standing import FEWEST, ailing
from localrouter.core.standing import Health as Condition
from localrouter.daemon.breaker import Breaker

KEPT, KEPT_S = 50, 600.0
"""Calls of which shares are made, and how long each counts: a model that is asked less for what it did is looked at again after that."""
SUBJECTS = 512
"""Hosts and models that are remembered; who was not called for the longest time is forgotten first."""
USUAL = 0.001
"""How much one answer moves what is usual, after the first thousand: half of a change is usual after some 700 answers."""
OUTLIER = 1.5
"""Times the usual at which a time is cut before it moves the usual: what is slow now shall not become usual while it is noticed."""
SLOW, SLOW_MS = 3.0, 500.0
"""A call is slow whose first word takes so many times the usual, and so much longer."""
TOLD = 1.2
"""Times the usual from which on slowness is told; it costs a model its rank only from core/standing.SLOWER on."""
FLUSH_S = 1.0
"""A snapshot is at most so old where only time passed."""

Kind = Literal["well", "error", "refusal", "broken"]


def verdict(error: e.RouterError | None) -> Kind | None:
    """What an attempt's end says of its model; None: nothing (the request was at fault, the client left, this daemon stops)."""
    if error is None:
        return "well"
    if isinstance(error, (e.Refused, e.ContentFiltered)):
        return "refusal"
    if isinstance(error, e.AnswerFault):
        return "broken"
    if isinstance(error, (e.HostRejected, e.TimeIsUp, e.CutOff)):
        return None
    if isinstance(error, e.HostFault) or (isinstance(error, e.LaneFault) and not isinstance(error, (e.Stopping, e.Busy))):
        return "error"
    return None


def hosts_fault(error: e.RouterError | None) -> bool:
    """Whether the host failed, and not its answer, its limits or we."""
    no = (e.AnswerFault, e.HostRejected, e.HostRateLimited, e.TimeIsUp, e.CutOff)
    return isinstance(error, e.HostFault) and not isinstance(error, no)


@dataclass(slots=True)
class Record:
    """Of one host or model."""

    calls: deque[tuple[float, Kind, bool]] = field(default_factory=lambda: deque(maxlen=KEPT))
    firsts: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=KEPT))
    speeds: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=KEPT))
    usual: float | None = None
    answers: int = 0
    seen: Condition | None = None
    good_until: float = math.inf

    def first(self, now: float, ms: float) -> bool:
        """A first word after `ms`. Whether that is slow for it."""
        slow = self.usual is not None and self.answers >= 10 and ms > max(SLOW * self.usual, self.usual + SLOW_MS)
        self.firsts.append((now, ms))
        self.answers += 1
        if self.usual is None:
            self.usual = ms
        else:
            cut = min(ms, OUTLIER * self.usual) if self.answers > 10 else ms
            self.usual += (cut - self.usual) * max(USUAL, 1 / self.answers)
        self.seen = None
        return slow

    def ended(self, now: float, kind: Kind, slow: bool) -> None:
        self.calls.append((now, kind, slow))
        self.seen = None

    def wrote(self, now: float, tokens_s: float) -> None:
        self.speeds.append((now, tokens_s))
        self.seen = None

    def condition(self, now: float) -> Condition:
        """As decisions read it, without the breaker."""
        if self.seen is not None and now < self.good_until:
            return self.seen
        for kept in (self.calls, self.firsts, self.speeds):
            while kept and now - kept[0][0] > KEPT_S:
                kept.popleft()
        n = len(self.calls)
        kinds = [kind for _, kind, _ in self.calls]
        firsts = sorted(ms for _, ms in self.firsts)
        speeds = sorted(s for _, s in self.speeds)
        oldest = min((kept[0][0] for kept in (self.calls, self.firsts, self.speeds) if kept), default=math.inf)
        self.good_until = oldest + KEPT_S
        self.seen = Condition(
            calls=n,
            errors=_share(kinds.count("error"), n),
            refusals=_share(kinds.count("refusal"), n),
            broken=_share(kinds.count("broken"), n),
            slow=_share(sum(slow and kind == "well" for _, kind, slow in self.calls), n),
            first_ms=_quantile(firsts, 0.5),
            first_p95_ms=_quantile(firsts, 0.95),
            usual_ms=round(self.usual, 1) if self.usual is not None and self.answers >= 10 else None,
            tokens_s=_quantile(speeds, 0.5),
        )
        return self.seen


def in_words(condition: Condition, wall: float) -> str:
    """What is to be said of a host or model that does not do well, or ""."""
    if condition.state == "open":
        return f"cut off after failing again and again; it is tried again in {max(1.0, condition.until - wall):.0f} s"
    if condition.state == "half_open":
        return "failed of late; the next request tries it"
    why = ailing(condition)
    if why:
        return f"{why}, so it is asked later than others"
    if (
        condition.first_ms
        and condition.usual_ms
        and condition.calls >= FEWEST
        and condition.first_ms >= TOLD * condition.usual_ms
    ):
        return f"its first word takes {condition.first_ms:.0f} ms of late, usually {condition.usual_ms:.0f}"
    return ""


def _share(count: int, n: int) -> float:
    return round(count / n, 4) if n else 0.0


def _quantile(values: list[float], q: float) -> float | None:
    """The smallest value that a share `q` of all does not exceed."""
    return round(values[max(0, math.ceil(q * len(values)) - 1)], 1) if values else None


class Health:
    """See the module. `now`: monotonic seconds. `breaker`: whether hosts are cut off."""

    def __init__(self, now: Callable[[], float] = time.monotonic, *, breaker: bool = True) -> None:
        self._now, self._cuts = now, breaker
        self._records: OrderedDict[str, Record] = OrderedDict()
        self._breakers: dict[str, Breaker] = {}
        self._snapshot: dict[str, Condition] = {}
        self._stale_at = -math.inf

    # --- what happens ------------------------------------------------------------------------------

    def began(self, attempt: Attempt) -> float:
        """A call begins; returns when, for `first` and `ended`. Raises errors.CutOff where the host is not to be asked now."""
        now = self._now()
        host = attempt.model.host if attempt.model is not None else ""
        breaker = self._breakers.get(host)
        if breaker is not None and not breaker.begin(now):
            wait = max(1.0, breaker.state(now)[1] - now)
            why = "another request is trying it" if breaker.probe is not None else f"it is left alone for {wait:.0f} seconds"
            text = f"{host} failed again and again, so {why}."
            raise e.CutOff(text, "Ask again then; `localrouter status` shows how each host is.", retry_after=wait)
        if breaker is not None and breaker.probe == now:
            self._changed()
        return now

    def first(self, attempt: Attempt, began: float, *, timed: bool = True) -> bool:
        """The first content came. Whether that took long for this model. `timed`: not of an answer that comes all at once."""
        now = self._now()
        ms = (now - began) * 1000
        slow = timed and self._record(attempt.id).first(now, ms)
        if attempt.model is not None:
            if timed:
                self._record(attempt.model.host).first(now, ms)
            breaker = self._breakers.get(attempt.model.host)
            if breaker is not None and breaker.until is not None:
                breaker.well(now)  # it answers: the probe succeeded, whatever becomes of the answer
        self._changed()
        return slow

    def ended(
        self,
        attempt: Attempt,
        error: e.RouterError | None,
        *,
        gone: bool = False,
        ours: bool = False,
        slow: bool = False,
        tokens_s: float | None = None,
    ) -> None:
        """An attempt is over. `gone`: its client left before the end. `ours`: it was given up at a limit of the route, so a time-out says that
        the model is slow and nothing of its host. `slow`: as `first` said. `tokens_s`: tokens written a second."""
        now = self._now()
        kind = verdict(error)
        host = attempt.model.host if attempt.model is not None else ""
        breaker = self._breakers.get(host)
        if gone or kind is None:
            # A host that finds fault with a request is alive.
            if breaker is not None and breaker.until is not None:
                breaker.well(now) if isinstance(error, e.HostRejected) else breaker.released()
                self._changed()
            return
        self._record(attempt.id).ended(now, kind, slow)
        if tokens_s is not None:
            self._record(attempt.id).wrote(now, tokens_s)
        if host:
            breaker = self._breakers.setdefault(host, Breaker()) if self._cuts else Breaker()
            if hosts_fault(error) and ours:
                breaker.released()  # it may have been about to answer: neither its fault nor its merit
            elif hosts_fault(error):
                self._record(host).ended(now, "error", False)
                breaker.fault(now)
            else:
                self._record(host).ended(now, "well", False)
                breaker.well(now)
        self._changed()

    def probed(self, host: str, error: e.RouterError | None) -> None:
        """A person had the host asked for its list of models."""
        now = self._now()
        breaker = self._breakers.setdefault(host, Breaker()) if self._cuts else Breaker()
        if hosts_fault(error):
            breaker.fault(now)
        else:
            if breaker.until is not None:
                breaker.until = min(breaker.until, now)
            breaker.well(now)
        self._changed()

    # --- what is read ------------------------------------------------------------------------------

    def standing(self, wall: float) -> dict[str, Condition]:
        """For a decision: who is known, by name of host and id of model. `wall`: the time that the decision is made at, in which `until` is said."""
        now = self._now()
        if now >= self._stale_at:
            self._snapshot = self._taken(now, wall)
            moving = any(b.until is not None for b in self._breakers.values())
            self._stale_at = now + (0.05 if moving else FLUSH_S)
        return self._snapshot

    def table(self, wall: float) -> list[dict[str, object]]:
        """For people: each host and model that was called of late."""
        return [
            {
                "name": name,
                "state": c.state,
                "wait_s": round(max(0.0, c.until - wall), 1) if c.state == "open" else 0.0,
                "calls": c.calls,
                "errors": c.errors,
                "refusals": c.refusals,
                "broken": c.broken,
                "slow": c.slow,
                "first_ms": c.first_ms,
                "first_p95_ms": c.first_p95_ms,
                "usual_ms": c.usual_ms,
                "tokens_s": c.tokens_s,
                "words": in_words(c, wall),
            }
            for name, c in sorted(self._taken(self._now(), wall).items())
        ]

    def _taken(self, now: float, wall: float) -> dict[str, Condition]:
        out: dict[str, Condition] = {}
        for name, record in self._records.items():
            condition = record.condition(now)
            if condition.calls or condition.first_ms is not None:
                out[name] = condition
        for host, breaker in self._breakers.items():
            state, until = breaker.state(now)
            if state != "closed" or breaker.row:
                said = wall + (until - now) if state != "closed" else 0.0
                out[host] = replace(out.get(host, Condition()), state=state, until=said, in_a_row=breaker.row)
        return out

    def _record(self, name: str) -> Record:
        record = self._records.get(name)
        if record is None:
            record = self._records[name] = Record()
            while len(self._records) > SUBJECTS:
                gone, _ = self._records.popitem(last=False)
                self._breakers.pop(gone, None)
        else:
            self._records.move_to_end(name)
        return record

    def _changed(self) -> None:
        self._stale_at = -math.inf
