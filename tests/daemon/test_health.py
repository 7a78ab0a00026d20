"""Health and its breaker on a clock of the test's own: what opens it, what does not, who probes, what is forgotten; a request as it is watched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localrouter.core import commands as c
from localrouter.core import errors as e
from localrouter.core import events as ev
from localrouter.core.catalogue import Model
from localrouter.core.chat import Channel, Chunk, Finish, Piece
from localrouter.core.decide import Attempt
from localrouter.core.money import Usage
from localrouter.daemon.breaker import BASE_S, IN_A_ROW, MOST_S
from localrouter.daemon.health import KEPT, KEPT_S, SUBJECTS, Health, hosts_fault, in_words, verdict
from localrouter.daemon.health_watch import Watch

WALL = 1_700_000_000.0


class World:
    """A clock, and calls on it."""

    def __init__(self) -> None:
        self.now = 50.0
        self.health = Health(lambda: self.now)

    def call(
        self, error: e.RouterError | None = None, *, id_: str = "h/m", ms: float = 400, gap: float = 1.0, ours: bool = False
    ) -> None:
        attempt = of(id_)
        began = self.health.began(attempt)
        slow = False
        if error is None or isinstance(error, e.AnswerFault):
            self.now += ms / 1000
            slow = self.health.first(attempt, began)
        self.health.ended(attempt, error, slow=slow, ours=ours)
        self.now += gap

    def state(self, name: str = "h") -> str:
        known = self.health.standing(WALL)
        return known[name].state if name in known else "closed"


def of(id_: str) -> Attempt:
    host, _, name = id_.partition("/")
    return Attempt(
        id_, "local" if host == "local:chat" else "hosted", 100, 0, None if host == "local:chat" else Model(id_, host, name)
    )


DOWN = e.HostUnreachable("down")


def test_five_faults_in_a_row_open_it_and_one_request_probes() -> None:
    w = World()
    for _ in range(IN_A_ROW - 1):
        w.call(DOWN)
    w.call()
    for _ in range(IN_A_ROW - 1):
        w.call(DOWN)
    assert w.state() == "closed", "an answer in between begins the count anew"
    w.call(DOWN, gap=0)
    assert w.state() == "open"
    assert w.health.standing(WALL)["h"].until == pytest.approx(WALL + BASE_S)
    with pytest.raises(e.CutOff) as refused:
        w.call(DOWN)
    assert refused.value.retryable and not refused.value.money_at_risk
    w.now += BASE_S
    assert w.state() == "half_open"
    probe = w.health.began(of("h/m"))
    assert w.state() == "open", "while one request tries it, no other does"
    with pytest.raises(e.CutOff):
        w.health.began(of("h/other"))
    w.health.first(of("h/m"), probe)
    assert w.state() == "closed"


def test_each_time_it_opens_it_stays_open_longer_up_to_five_minutes() -> None:
    w, waits = World(), []
    for _ in range(IN_A_ROW):
        w.call(DOWN, gap=0)
    for _ in range(13):
        waits.append(w.health.standing(WALL)["h"].until - WALL)
        w.now += waits[-1]
        w.call(DOWN, gap=0)
    assert waits[:4] == pytest.approx([BASE_S, 2 * BASE_S, 3 * BASE_S, 4 * BASE_S])
    assert max(waits) == pytest.approx(MOST_S) and waits[-1] == pytest.approx(MOST_S)
    w.now += MOST_S
    w.call()
    w.now += MOST_S + 1
    for _ in range(IN_A_ROW):
        w.call(DOWN, gap=0)
    assert w.health.standing(WALL)["h"].until - WALL == pytest.approx(BASE_S), "after a quiet time it starts anew"


def test_more_than_half_of_twenty_in_a_minute_open_it() -> None:
    w = World()
    for i in range(19):
        w.call(DOWN if i % 5 < 3 else None, ms=0, gap=1)
    assert w.state() == "closed", "nineteen are too few"
    w.call(DOWN, ms=0, gap=0)
    assert w.state() == "open"
    slow = World()
    for i in range(100):
        slow.call(DOWN if i % 5 < 3 else None, ms=0, gap=5)
    assert slow.state() == "closed", "twelve a minute are too few to be sure"


@pytest.mark.parametrize(
    "error",
    [
        e.HostRejected("bad", status=400),
        e.HostRejected("key", status=401),
        e.HostRejected("money", status=402),
        e.HostRejected("gone", status=404),
        e.HostRateLimited("slow down"),
        e.Refused("no"),
        e.SchemaFailed("no"),
        e.TimeIsUp("over"),
        e.ContextTooLong(10, 20),
        e.BudgetExceeded("none"),
    ],
)
def test_what_is_no_fault_of_the_host_never_opens_it(error: e.RouterError) -> None:
    w = World()
    for _ in range(60):
        w.call(error, gap=0.1)
    assert w.state() == "closed" and not hosts_fault(error)


def test_a_limit_of_the_routes_own_says_that_a_model_is_slow_and_nothing_of_its_host() -> None:
    w = World()
    for _ in range(20):
        w.call(e.HostTimeout("late"), ours=True, gap=0)
    known = w.health.standing(WALL)
    assert "h" not in known and known["h/m"].errors == 1


def test_a_retry_of_a_host_that_was_just_cut_off_is_told_for_how_long() -> None:
    w = World()
    for _ in range(IN_A_ROW):
        w.call(DOWN, gap=0)
    with pytest.raises(e.CutOff, match="left alone for 30 seconds") as refused:
        w.health.began(of("h/m"))
    assert refused.value.retry_after == pytest.approx(BASE_S)


def test_a_hurried_probe_that_gets_no_word_is_the_hosts_fault_again() -> None:
    w = World()
    for _ in range(IN_A_ROW):
        w.call(DOWN, gap=0)
    w.now += BASE_S
    watched = Watch(w.health, stream=True, now=lambda: w.now)
    watched.begins(c.Call(replace(of("h/m"), first_ms=10_000), first_s=10.0))
    w.now += 10
    watched.saw(NEXT, ev.Failed(e.HostTimeout("late")))
    assert w.state() == "open" and w.health.standing(WALL)["h"].until - WALL == pytest.approx(2 * BASE_S)


def test_a_probe_whose_client_leaves_frees_the_place() -> None:
    w = World()
    for _ in range(IN_A_ROW):
        w.call(DOWN, gap=0)
    w.now += BASE_S
    w.health.began(of("h/m"))
    w.health.ended(of("h/m"), None, gone=True)
    assert w.state() == "half_open"
    w.health.began(of("h/m"))
    w.health.ended(of("h/m"), e.HostRejected("bad", status=400))
    assert w.state() == "closed", "a host that finds fault with a request is alive"


def test_what_was_under_way_when_it_opened_does_not_lengthen_it() -> None:
    w = World()
    for _ in range(IN_A_ROW + 20):
        w.health.began(of("h/m")) if w.state() == "closed" else None
    for _ in range(IN_A_ROW + 20):
        w.health.ended(of("h/m"), DOWN)
    assert w.health.standing(WALL)["h"].until - WALL == pytest.approx(BASE_S)


def test_a_person_who_asks_is_a_probe() -> None:
    w = World()
    for _ in range(IN_A_ROW):
        w.call(DOWN, gap=0)
    w.health.probed("h", None)
    assert w.state() == "closed"


def test_shares_and_quantiles_are_of_the_last_calls() -> None:
    w = World()
    for i in range(200):
        w.call(e.Refused("no") if i % 10 == 0 else e.SchemaFailed("no") if i % 10 == 1 else None, ms=100 + i % 10 * 100, gap=0.5)
    m = w.health.standing(WALL)["h/m"]
    assert (m.calls, m.refusals, m.broken, m.errors) == (KEPT, 0.1, 0.1, 0.0)
    assert m.first_ms == pytest.approx(500) and m.first_p95_ms == pytest.approx(1000)
    assert w.health.standing(WALL)["h"].errors == 0, "the host did nothing wrong"


def test_what_is_old_is_forgotten_so_that_a_demoted_model_is_tried_again() -> None:
    w = World()
    for i in range(30):
        w.call(e.HostBroken("500") if i % 3 == 0 else None, ms=1, gap=0.1)
    assert "of its last 30 calls failed" in in_words(w.health.standing(WALL)["h/m"], WALL)
    w.now += KEPT_S
    assert "h/m" not in w.health.standing(WALL)


def test_a_call_of_many_times_the_usual_is_slow() -> None:
    w = World()
    for i in range(60):
        w.call(ms=4000 if i >= 40 and i % 3 == 0 else 400, gap=0.1)
    m = w.health.standing(WALL)["h/m"]
    assert m.slow == pytest.approx(6 / 50) and m.first_ms == pytest.approx(400)
    assert m.usual_ms is not None and m.usual_ms < 440, "what is slow now does not become usual"


def test_memory_is_bounded() -> None:
    w = World()
    for i in range(5 * SUBJECTS):
        w.call(DOWN if i % 2 else None, id_=f"h{i}/m", gap=0)
    assert len(w.health._records) <= SUBJECTS and len(w.health._breakers) <= SUBJECTS


def test_every_error_has_a_verdict() -> None:
    todo, seen = [e.RouterError], set()
    while todo:
        kind = todo.pop()
        seen.add(kind)
        todo += kind.__subclasses__()
    for kind in (k for k in seen if k.__module__ == e.__name__):
        error = kind(10, 20) if kind is e.ContextTooLong else kind("x")
        assert verdict(error) in ("error", "refusal", "broken", None)
        assert not hosts_fault(error) or isinstance(error, e.HostFault)
    assert verdict(e.LocalUnavailable("x")) == "error" and verdict(e.Busy("x")) is None and verdict(e.Stopping("x")) is None


# --- a request as it is watched --------------------------------------------------------------------


def chunk(text: str = "", kind: str = "text", finish: Finish | None = None, terminal: bool = False) -> ev.Got:
    pieces = (Piece(Channel(0, kind), text),) if text else ()  # type: ignore[arg-type]
    return ev.Got(Chunk(pieces, b"", {}, finish={0: finish} if finish else {}, terminal=terminal))


def watch(*seen: tuple[c.Command, ev.Event], stream: bool = True) -> World:
    w = World()
    watched = Watch(w.health, stream=stream, now=lambda: w.now)
    for command, event in seen:
        if isinstance(command, c.Call):
            watched.begins(command)
        w.now += 0.25
        watched.saw(command, event)
    watched.close()
    return w


CALL = (c.Call(of("h/m")), ev.Done())
NEXT = c.Next()


def known(w: World) -> tuple[float, float, float, int]:
    m = w.health.standing(WALL).get("h/m")
    return (m.errors, m.refusals, m.broken, m.calls) if m is not None else (0, 0, 0, 0)


def test_a_good_answer() -> None:
    settled = c.Settle("1", 5, Usage(input=9, output=40), False, "done")
    w = watch(
        CALL,
        (NEXT, chunk("Hello, and ")),
        (NEXT, chunk("more")),
        (NEXT, chunk("", finish="stop", terminal=True)),
        (settled, ev.Done()),
    )
    assert known(w) == (0, 0, 0, 1)
    m = w.health.standing(WALL)["h/m"]
    assert m.first_ms == pytest.approx(500) and m.tokens_s == pytest.approx(80)
    whole = watch(CALL, (NEXT, chunk("Hello", finish="stop", terminal=True)), stream=False)
    assert whole.health.standing(WALL)["h/m"].first_ms is None, "an answer that comes at once has no first word"


@pytest.mark.parametrize(
    "seen",
    [
        [(NEXT, chunk("I'm sorry, but I can't help with that.", terminal=True))],
        [(NEXT, chunk("I will not.", "refusal")), (NEXT, chunk(terminal=True))],
        [(NEXT, chunk("Part", finish="content_filter")), (NEXT, chunk(terminal=True))],
        [
            (NEXT, chunk("x", finish="refusal", terminal=True)),
            (c.Settle("1", 0, Usage(), False, "error", e.Refused("no")), ev.Done()),
        ],
    ],
)
def test_refusals_by_every_sign(seen: list[tuple[c.Command, ev.Event]]) -> None:
    assert known(watch(CALL, *seen)) == (0, 1, 0, 1)


def test_faults_and_broken_formats() -> None:
    failed = ev.Failed(e.HostBroken("x"))
    assert known(watch((CALL[0], failed))) == (1, 0, 0, 1)
    assert known(watch(CALL, (NEXT, failed))) == (1, 0, 0, 1)
    assert known(watch(CALL, (NEXT, chunk("a")), (NEXT, ev.Ended()))) == (1, 0, 0, 1)
    judged = (c.Judge((), None), ev.Judged(e.SchemaFailed("x")))  # type: ignore[arg-type]
    assert known(watch(CALL, (NEXT, chunk("{}", terminal=True)), judged)) == (0, 0, 1, 1)
    assert known(watch(CALL, (NEXT, failed), CALL, (NEXT, chunk("well", terminal=True)))) == (0.5, 0, 0, 2)


def test_who_leaves_says_nothing_of_the_model() -> None:
    assert known(watch(CALL, (NEXT, chunk("a")), (NEXT, ev.ClientGone())))[3] == 0
    assert known(watch(CALL, (NEXT, chunk("a"))))[3] == 0, "the daemon was stopped"


def test_a_time_out_at_the_routes_limit_is_the_models_slowness() -> None:
    w = World()
    watched = Watch(w.health, stream=True, now=lambda: w.now)
    for _ in range(IN_A_ROW + 1):
        watched.begins(c.Call(of("h/m"), first_s=1.0))
        w.now += 1.0
        watched.saw(NEXT, ev.Failed(e.HostTimeout("late")))
    assert w.state() == "closed"
    for _ in range(IN_A_ROW):
        watched.begins(c.Call(of("h/m"), first_s=1.0))
        w.now += 300.0
        watched.saw(NEXT, ev.Failed(e.HostTimeout("late")))
        assert w.state() in ("closed", "open")
    assert w.state() == "open", "the host's own silence counts"
