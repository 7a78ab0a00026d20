"""Faults of a host through a running daemon, for a client of one dialect and a host of one wire: what happens, and what has to.

One typed outcome, one settlement a call, no second model after the first word, in its time, in bounded memory. The limits to hosts are
shortened where they are waited for; nothing else differs from a user's daemon.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import clients
import psutil
import pytest
from conftest import BUSY_S, Daemon, call, start, stop, wait
from table import OWN, TABLE, Fault, Place, Want, code_for
from upstream import Liar
from wires import TEXT, WIRES, WORDS, Name

PROGRAM = """
import aiohttp.resolver, signal, socket
from localrouter.daemon import breaker, egress, retries, serve

def shorten(*_):  # for the hosts that are waited for; to all others the limits are as long as a busy machine may need
    egress.FIRST_BYTE_S = {True: 3.0, False: 3.0}; egress.IDLE_S = 2.5; egress.TOTAL_S = 6.0
    egress._TIMEOUTS["timeout"] |= {"connect": 2.5, "pool": 2.5}

egress._TIMEOUTS["timeout"] |= {"connect": 60.0, "pool": 60.0}
signal.signal(signal.SIGUSR1, shorten)
breaker.IN_A_ROW = 2
retries.LEAST = retries.MOST = 100000.0  # the daemon's budget has a test of its own

class Unknown(aiohttp.resolver.ThreadedResolver):  # no name is asked of a network
    async def resolve(self, host, port=0, family=socket.AF_INET):
        if host.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return await super().resolve(host, port, family)

aiohttp.resolver.DefaultResolver = aiohttp.connector.DefaultResolver = Unknown
raise SystemExit(serve.main())
"""
ROOM = 10
"""Times the seconds of table.py: sixteen cases run at once, beside other tests. Who is not held to the limits is held by nothing: those hosts
are silent for longer than that, or never end."""
GROWTH = 112 << 20
"""Bytes: the largest answer (egress.MAX_BODY, 64 MiB) and what an allocator keeps of it for the next."""


@dataclass(frozen=True)
class Case:
    """A fault at its place, before a client of one dialect."""

    fault: Fault
    place: Place
    client: Name = "chat"
    wire: Name = "chat"

    @property
    def model(self) -> str:
        return f"{self.fault.name}.{self.place}"

    @property
    def host(self) -> str:
        return f"h-{self.fault.name}-{self.place}"

    @property
    def want(self) -> Want:
        return self.fault.on(self.wire)[self.place]

    @property
    def code(self) -> str:
        """What the client is told, in its own dialect's word."""
        return code_for(self.client, self.want)


def cases(client: Name = "chat", wire: Name = "chat", faults: tuple[Fault, ...] = (*TABLE, *OWN)) -> list[Case]:
    """Every fault that the wire has words for, at every place."""
    return [Case(fault, place, client, wire) for fault in faults for place in fault.on(wire)]


@dataclass
class Seen:
    """What a client saw, and what the ledger holds."""

    status: int = 0
    code: str = ""
    text: str = ""
    model: str = ""
    retry_after: str = ""
    ended: bool = False
    seconds: float = 0.0
    holds: tuple[dict[str, Any], ...] = ()
    raw: str = ""
    wrong: str = ""


def write(home: Path, liar: Liar, cases: list[Case], wire: Name) -> None:
    """A host for each case, so that the health of one says nothing of another; and one that answers."""
    (home / "config" / "recipes").mkdir(parents=True, mode=0o700)
    (home / "config").chmod(0o700)
    lines = ['port = 0\nrecipe = "faults"\n[budgets]\nday_usd = "10000"\nmonth_usd = "10000"']

    def add(host: str, origin: str, *models: str) -> None:
        spoken = WIRES[wire].config
        lines.append(
            f'[hosts.{host}]\norigin = "{origin}"\nwire = "{spoken}"\nregion = "eu"\nretention_days = 0\ntrains_on_data = false'
        )
        for model in models:
            lines.append(
                f'[models."{host}/{model}"]\nhost = "{host}"\nname = "{model}"\nprice_in = "0.25"\nprice_out = "2.00"\n'
                "context = 400000\nmax_output = 2048\ntools = true\njson_schema = true"
            )

    origins = {
        "refused": f"http://127.0.0.1:{liar.refused_port}/v1",
        "tls-cert": f"https://localhost:{liar.tls_port}/v1",
        "tls-stall": f"https://localhost:{liar.stall_port}/v1",
        "dns": "https://nobody.invalid/v1",
    }
    plain = [f"http://127.0.0.1:{port}/v1" for port in liar.ports]  # who lies leaves its connection in no good state
    for case, one, two in zip(cases, plain[1::2], plain[2::2], strict=True):
        add(case.host, origins.get(case.fault.name, one), case.model)
        add(f"{case.host}-2", origins.get(case.fault.name, two), f"{case.model}-then")
    add("good", plain[0], "ok")
    (home / "config" / "config.toml").write_text("\n".join(lines) + "\n")
    (home / "config" / "recipes" / "faults.toml").write_text(
        'name = "faults"\nextends = "balanced"\n'
        '[[route]]\nname = "two"\nmatch = { model = ["*-then"] }\ntry = ["asked", "good/ok"]\n'
        '[[route]]\nname = "one"\ntry = ["asked"]\n'
    )


def ask(daemon: Daemon, client: Name, model: str, words: str, stream: bool, *, ours: bool = False) -> Seen:
    """One request, as bytes. `ours`: the host speaks another wire than the client."""
    seen = Seen()
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    try:
        headers = {"content-type": "application/json", "authorization": f"Bearer {daemon.client}"}
        connection.request("POST", clients.PATHS[client], json.dumps(clients.body(client, model, words, stream)), headers)
        answer = connection.getresponse()
        raw = answer.read().decode()
    finally:
        connection.close()
    seen.seconds = time.monotonic() - began
    seen.status, seen.raw = answer.status, raw[-2000:]
    seen.model, seen.retry_after = answer.headers.get("x-localrouter-model", ""), answer.headers.get("retry-after", "")
    try:
        if answer.headers.get_content_type() == "text/event-stream":
            told = clients.stream(client, raw, ours=ours)
        else:
            told = clients.whole(client, json.loads(raw))
        seen.code, seen.text, seen.ended = told.code, told.text, told.ended
    except (AssertionError, LookupError, ValueError) as exc:
        seen.wrong = f"{type(exc).__name__}: {exc}"  # told by the test of this case, not by all
    idle_until_settled(daemon, answer.headers["x-localrouter-id"], seen)
    return seen


def idle_until_settled(daemon: Daemon, request: str, seen: Seen) -> None:
    """What it reserved stands in the ledger before a host is called; a request without any was answered without a call."""
    end = time.monotonic() + BUSY_S
    while True:
        db = sqlite3.connect(f"file:{daemon.home}/state/localrouter.db?mode=ro", uri=True)
        db.row_factory = sqlite3.Row
        try:
            rows = [dict(r) for r in db.execute("SELECT * FROM holds WHERE request = ? ORDER BY rowid", (request,))]
        finally:
            db.close()
        if all(r["settled"] is not None for r in rows) or time.monotonic() > end:
            seen.holds = tuple(rows)
            return
        time.sleep(0.05)


def state(daemon: Daemon, host: str) -> str:
    """Of the breaker; closed where nothing is known."""
    rows = call(daemon, "/control/status")[1]["health"]
    return next((str(row["state"]) for row in rows if row["name"] == host), "closed")


class Peak:
    """The most memory that a process had while it was watched, in bytes above where it began."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.base = self.most = self._process.memory_info().rss
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            self.most = max(self.most, self._process.memory_info().rss)

    def __enter__(self) -> Peak:
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()


@dataclass
class Run:
    alone: dict[str, Seen]
    then: dict[str, Seen]
    state: dict[str, str]
    growth: int
    liar: Liar
    seconds: float
    daemon: Daemon
    cases: list[Case]


WAITED = frozenset({"silence", "tls-stall", "100-flood", "drip", "gap", "comments", "pings"})
"""Last and together, under shortened limits: all that these do is to take their time."""
HEAVY = frozenset({"gzip-bomb", "line-long", "empties", "headers-endless", "utf8"})
"""Alone, so that each is measured by its own time and memory."""


def ran(folder: Path, cases: list[Case]) -> Iterator[Run]:
    """All cases, which share client and wire, many at a time: most of them wait."""
    home = folder / "home"
    home.mkdir()
    client, wire = cases[0].client, cases[0].wire
    with Liar(folder, 1 + 2 * len(cases)) as liar:
        write(home, liar, cases, wire)
        process = start(home, program=PROGRAM)
        try:
            daemon = wait(home, process, None)  # type: ignore[arg-type]  # no rehearsal host is behind this one
            ask(daemon, client, "good/ok", "first", False)
            seen = Run({}, {}, {}, 0, liar, 0.0, daemon, cases)

            def one(case: Case) -> None:
                stream, crosses = (
                    case.place != "whole",
                    client != wire and case.fault.name != "tool-cut",
                )  # its last call is no JSON
                if case.fault.name == "tls-cert" and not liar.tls_port:
                    return
                seen.alone[case.model] = ask(
                    daemon, client, f"{case.host}/{case.model}", f"hello {case.model}", stream, ours=crosses
                )
                if case.want.calls == 1 and case.want.code:  # two failures open the breaker
                    ask(daemon, client, f"{case.host}/{case.model}", f"hello {case.model} again", stream, ours=crosses)
                seen.state[case.model] = state(daemon, case.host)
                seen.then[case.model] = ask(
                    daemon, client, f"{case.host}-2/{case.model}-then", f"hello {case.model} then", stream, ours=crosses
                )
                if seen.alone[case.model].seconds > 1.5:
                    print(f"{case.model}: {seen.alone[case.model].seconds:.1f} s, then {seen.then[case.model].seconds:.1f} s")

            began = time.monotonic()
            with Peak(daemon.pid) as peak:
                with ThreadPoolExecutor(16) as pool:
                    list(pool.map(one, [c for c in cases if c.fault.name not in HEAVY | WAITED]))
                print(f"light ones: {time.monotonic() - began:.1f} s, memory up by {(peak.most - peak.base) >> 20} MiB")
                for case in cases:
                    if case.fault.name in HEAVY:
                        since = time.monotonic()
                        one(case)
                        print(f"{case.model}: {time.monotonic() - since:.1f} s, memory up by {(peak.most - peak.base) >> 20} MiB")
                os.kill(daemon.pid, signal.SIGUSR1)
                with ThreadPoolExecutor(16) as pool:
                    list(pool.map(one, [c for c in cases if c.fault.name in WAITED]))
            seen.growth, seen.seconds = peak.most - peak.base, time.monotonic() - began
            print(
                f"{client} over {wire}: {len(cases)} cases in {seen.seconds:.0f} s, memory up by {seen.growth >> 20} MiB at most"
            )
            yield seen
        finally:
            stop(process)


# --- what has to happen --------------------------------------------------------------------------


def one_target(run: Run, case: Case) -> None:
    """What the client is told, once and in its time, and what each call cost."""
    seen, want = taken(run.alone, case), case.want
    assert not seen.wrong, seen.raw
    assert (seen.status, seen.code) == (want.status, case.code), seen.raw
    assert len(seen.holds) == want.calls, "one reservation a call"
    for hold in seen.holds:
        settled(hold, case)
    assert seen.seconds <= ROOM * want.seconds
    if want.status == 200 and want.code:
        assert not seen.ended and TEXT.startswith(seen.text), "what came, and no end"
    if want.status == 200 and not want.code:
        assert seen.ended
        if case.fault.name not in ("tool-jump", "utf8"):
            assert seen.text == TEXT
        if case.fault.name == "utf8":
            assert seen.text.endswith("vier €🙂.")
    if want.status == 429:
        waits = {"429-2": "2", "429-date": "7", "429-3600": "3600"}
        assert seen.retry_after == waits.get(case.fault.name, ""), "what the host asks for, and nothing made up"


EXACT = {"usage-absurd": 4_000_003, "usage-zero": 0}
"""Micro-dollars of what those hosts report, at 0.25 and 2.00 dollars a million tokens, rounded up; all others report 11 and 4 tokens."""


def settled(hold: dict[str, Any], case: Case) -> None:
    cost, most, want = hold["cost"], hold["micro"], case.want
    assert hold["settled"] is not None and hold["outcome"] == ("done" if not want.code else "error")
    match want.settles:
        case "zero":
            assert cost == 0
        case "ceiling":
            assert cost == most and hold["estimated"]
        case "estimate":
            assert 0 < cost <= most and hold["estimated"]
        case "reported":
            assert not hold["estimated"] and cost == EXACT.get(case.fault.name, 11)


def taken(seen: dict[str, Seen], case: Case) -> Seen:
    if case.model not in seen:
        pytest.skip("no openssl on this machine")
    return seen[case.model]


def two_targets(run: Run, case: Case) -> None:
    """Another model answers whole and once where nothing was told; after the first word, and for a fault of the request, none does."""
    seen, want = taken(run.then, case), case.want
    assert not seen.wrong, seen.raw
    if want.falls and want.code:
        assert (seen.status, seen.code, seen.ended, seen.text) == (200, "", True, TEXT), seen.raw
        assert seen.model == "good/ok" and [h["model"] for h in seen.holds][-1] == "good/ok"
    else:
        assert (seen.status, seen.code) == (want.status, case.code), seen.raw
        assert all(h["model"] != "good/ok" for h in seen.holds)
    assert all(h["settled"] is not None for h in seen.holds)
    assert len(seen.holds) == want.calls + (want.falls and bool(want.code))


def the_breaker(run: Run, case: Case) -> None:
    taken(run.alone, case)
    assert run.state[case.model] == ("open" if case.want.opens else "closed")


def bounded(run: Run) -> None:
    """Memory and time of all cases together; no redirect was followed."""
    assert run.growth <= GROWTH
    assert run.liar.evil == 0
    assert run.seconds < ROOM * 60, "a minute, on a machine with nothing else to do"


def never_mixed(run: Run) -> None:
    """The words of two answers."""
    for case in run.cases:
        for seen in (run.alone.get(case.model), run.then.get(case.model)):
            if seen is not None and case.place == "after" and case.want.code:
                assert seen.text in ("", "".join(WORDS), TEXT)
