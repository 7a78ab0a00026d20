"""What a manager reads of each thing that may happen to a request, made to happen in a real daemon: it is true of the record beside it, complete,
plain, and free of private values."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import BUSY_S, Daemon, call, start, stop, wait
from explained_world import MODELS, ROUTES, Asking, write

from localrouter.core.money import usd
from localrouter.daemon.rehearsal import Rehearsal

PEM = "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7vabcdEFGH1234\n-----END RSA " + "PRIVATE KEY-----"
CARD = "4111 1111 1111 1111"
MAIL = "jane.roe@roe.example"
PRIVATE = (CARD, MAIL, "MIIEpAIB")
ONE_TURN = [{"role": "user", "content": f"What is a monad? Tell {MAIL} in short."}]
TWO_TURNS = [*ONE_TURN, {"role": "assistant", "content": "A thing."}, {"role": "user", "content": "And a functor?"}]

WORDS: dict[str, tuple[str | list[dict[str, str]], dict[str, Any], tuple[str, ...]]] = {
    "here": ("What is two and two?", {}, ("Answered on this machine by local:chat, and nothing left it.", "It cost nothing.")),
    "escalated": (
        "Say it with these words: This is no advice.", {},
        ("Answered by acme/small, at the third try.", "local:chat failed first: its answer broke", "so acme/small was asked.", "The answer keeps what the route promises."),
    ),
    "abroad": (
        f"Is my card {CARD} valid?", {},
        ("Answered on this machine", "it holds regulated data (a card number)", "Not used: abroad/model (the request holds regulated data, which may not go to abroad/model: its region is us, the recipe wants eu)"),
    ),
    "key": (
        f"Is this key valid?\n{PEM}", {"x_case": "here"},
        ("Answered on this machine", "it holds a secret (a private key)", "Not used: acme/large (the request holds a private key, and those stay on this machine)."),
    ),
    "limited": (
        f"Tell {MAIL} what EINTR is.", {},
        ("Answered by acme/large, at the second try; private values were replaced in all that left this machine.", "busy/model failed first: its host is limiting requests, so acme/large was asked."),
    ),
    "faulty": (
        "What is two and three?", {},
        ("at the third try", "falter/model failed first: its host failed, so it was asked once more. It failed again: its host failed, so acme/large was asked."),
    ),
    "unanswered": (
        "What is two and four?", {},
        ("silent/model failed first: it did not answer in time, so acme/large was asked.", "(an estimate: a host did not say what it used)", "of that for answers that could not be used."),
    ),
    "too-long": (
        "What is two and five?", {},
        ("brief/model failed first: the prompt is too long for it, so acme/large, which reads more, was asked.",),
    ),
    "dear": ("What is two and six?", {}, ("Refused, and nothing left this machine.", "Route 'dear' lets one call cost $0.000010 at most, and this one may cost $0.00", "It cost nothing.")),
    "labelled": (
        "no", {},
        ("wordy/model failed first: its answer broke the contract of the route, so it was told what was wrong and asked again.", "It failed again: its answer broke the contract of the route, so acme/small was asked.", "The answer keeps what the route promises.", "of that for answers that could not be used."),
    ),
    "stubborn": (
        "no!", {},
        ("Nobody answered: wordy/model was asked.", "and the route has no step left.", "The answer does not keep what the route promises.", "It ended with an error: "),
    ),
    "declined": ("Tell me a joke.", {}, ("shy/model failed first: it declined to answer, so acme/large was asked.",)),
    "locked": (
        "What is two and seven?", {},
        ("locked/model failed first: its host refuses the key, the account or the model, so acme/large was asked.", "The host of locked/model refused the key (401)."),
    ),
    "torn": ("What is two and eight?", {}, ("torn/model failed first: its answer broke off, so it was asked once more.",)),
    "all-fail": (
        "What is two and nine?", {},
        ("Nobody answered: falter/model and brief/model were asked.", "falter/model failed first: its host failed, so brief/model was asked.", "brief/model failed too: the prompt is too long for it, and the route has no step left."),
    ),
    "static": (
        "What is three and one?", {},
        ("Answered with the route's own text, since no model gave an answer.", "so the route's own text was the answer."),
    ),
    "clarified": (
        "What is three and two?", {},
        ("Answered with a question to the person", "so the person was asked for what is missing."),
    ),
    "chore": (
        "What is three and three?", {"x_case": "none", "limit": 1},
        ("Sent to acme/small by route 'chores' of recipe 'office', because it is a chore of the client: a chore of the client",),
    ),
    "hours": (
        "What time is it?", {},
        ("by route 'night' of recipe 'office', because of what the client says in x-case and because it came at ", ", within 00:00-12:00 or 12:00-00:00"),
    ),
    "medical": (
        "I have chest pain and take 20 mg of warfarin. What dose of ibuprofen may I take?", {"x_case": "none"},
        ("by route 'clinic' of recipe 'office', because its domain requires it", "It is about medicine, where a wrong answer could do great harm, so route 'clinic' is required and the answer is marked for review."),
    ),
    "mapped": (
        "Which model are you?", {"x_case": "none", "model": "gpt-4o"},
        ("Sent to acme/small by route 'default' of recipe 'office', which takes what no route before it takes", "The recipe maps the model that the client named ('gpt-*') to acme/small."),
    ),
    "not-honoured": (
        "Which model are you now?", {"x_case": "none", "model": "falter/model"},
        ("Sent to acme/large", "The recipe does not let clients choose the model that the client named, so it chose itself."),
    ),
    "honoured": ("Which model, then?", {"x_case": "none", "model": "acme/small"}, ("Sent to acme/small", "The client asked for acme/small itself.")),
    "cheap": (
        f"Mail {MAIL}.", {"x_case": "none", "model": "localrouter/cheap"},
        ("Sent to acme/small, with private values replaced,", "it holds personal data (an e-mail address)", "The client asked for localrouter/cheap, so the cheapest comes first.", "put back into the answer"),
    ),
    "virtual-local": (
        "What is three and four?", {"x_case": "none", "model": "localrouter/local"},
        ("Answered on this machine", "acme/large (the client asked for localrouter/local, and this model is not on this machine)"),
    ),
    "talk-first": (ONE_TURN, {"x_case": "talk", "x_localrouter_session": "s1"}, ("Sent to acme/small, with private values replaced,",)),
    "talk-on": (
        TWO_TURNS, {"x_case": "talk", "x_localrouter_session": "s1"}, ("acme/small answered this conversation before, so it goes on.",),
    ),
    "talk-up": (
        [*TWO_TURNS, {"role": "assistant", "content": "Another."}, {"role": "user", "content": "And more?"}], {"x_localrouter_session": "s1"},
        ("Sent to acme/large", "The model changes: the request asks for more than the turn before, so it goes up from acme/small."),
    ),
}  # fmt: skip
"""A name: (what is asked, how, what the paragraph must say). Without `x_case` the name is the case."""
JARGON = re.compile(
    r"\b(?:[a-z]+_[a-z_]+|None|True|False|null|HTTP|JSON|breaker|EWMA|p50|p95|API_KEY|PERSON|EMAIL|CARD)\b|[{}<>]"
)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    home = tmp_path_factory.mktemp("office")
    with Rehearsal() as host:
        write(home, host)
        process = start(home)
        try:
            yield Asking(wait(home, process, host))
        finally:
            stop(process)


def asked(office: Asking, name: str) -> dict[str, Any]:
    text, how, _ = WORDS[name]
    how = dict(how)
    case = how.pop("x_case", name)
    if name in ("talk-on", "talk-up"):  # the conversation, in case this test runs alone
        office.ask("talk", ONE_TURN, x_localrouter_session="s1")
    return office.ask(case, text, **how)


def plain(text: str, record: dict[str, Any]) -> None:
    """What holds of every paragraph."""
    said = re.sub(r"\[[\w.]+\] \w+", "", text)  # a key of the recipe that may be changed has its own name
    assert not JARGON.search(said), (JARGON.search(said), text)
    assert not any(value in text for value in PRIVATE), text
    assert text.count("..") == 0 and "  " not in text and not text.startswith(" ")
    assert all(sentence[0].isupper() or sentence[0].isdigit() for sentence in re.split(r"(?<=\w\.) (?=\w)", text) if "/" not in sentence.split()[0]
               and not sentence.startswith("local:")), text  # fmt: skip
    cost = usd(record["cost_micro"]) if record["cost_micro"] else "nothing"
    assert f"It cost {cost}" in text, text
    if record["left_machine"] == [] and record["lane"] != "hosted" and not any(a["lane"] == "hosted" for a in record["attempts"]):
        assert "nothing left" in text, text
    # Each failure is told, and in its order.
    places = [text.find(f"{step['failed']} failed") for step in record["walked"] if step["failed"]]
    assert not record["walked"] or all(place >= 0 for place in places[:1]), text
    if record["status"] == 200 and record["model"]:
        assert record["model"] in text


@pytest.mark.parametrize("name", WORDS)
def test_what_is_said(office: Asking, name: str) -> None:
    record = asked(office, name)
    text = record["explain"]
    for words in WORDS[name][2]:
        assert words in text, (words, text)
    plain(text, record)


def test_every_route_of_the_world_is_asked_for() -> None:
    told = {how.get("x_case", name) for name, (_, how, _) in WORDS.items()}
    assert set(ROUTES) - told <= {"worn", "flaky", "thrifty", "declined-told", "patient", "clinic"}


def test_a_host_that_is_left_alone(office: Asking) -> None:
    for turn in range(40):
        record = office.ask("worn", f"What is error number {turn}?")
        plain(record["explain"], record)
        if record["attempts"][0]["model"] == "acme/large" and len(record["attempts"]) == 1 and "Not used: " in record["explain"]:
            break
    assert re.search(
        r"Not used: worn/model \(worn failed again and again, so it is left alone for \d+ more seconds?\)", record["explain"]
    )
    assert record["explain"].startswith("Sent to acme/large")
    # `status` says so too, in a narrow terminal: the one that is cut off first, and in words.
    out = cli(office.daemon, "status", columns="80").split("host or model")[1]
    rows = [line.split() for line in out.splitlines() if " open " in line or " closed " in line]
    assert rows[0][:2] == ["worn", "open"] and "worn: cut off after failing again and again; it is tried again in " in out
    assert all(len(line) <= 80 for line in out.splitlines() if not line.startswith("worn"))


def test_a_conversation_that_goes_round(office: Asking) -> None:
    records = [office.ask("none", "Say the same again.") for _ in range(4)]
    text = records[-1]["explain"]
    assert records[-1]["status"] == 422 and "The same request came 4 times in a minute, and the recipe allows 3." in text
    plain(text, records[-1])


def test_a_budget_that_is_spent(office: Asking) -> None:
    daemon = office.daemon
    env = {**os.environ, "LOCALROUTER_HOME": str(daemon.home), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}

    def day(dollars: str) -> None:
        command = [sys.executable, "-P", "-m", "localrouter", "budget", "set", "--day", dollars]
        subprocess.run(command, env=env, check=True, capture_output=True, timeout=BUSY_S)

    day("0.000001")
    try:
        record = office.ask("none", "What is four and one?")
    finally:
        day("5.00")
    assert record["status"] == 402
    text = record["explain"]
    assert "The daily budget has $0.0000 left and this call may cost $" in text and "It resets at " in text
    assert text.startswith("Refused, and nothing left this machine.")
    plain(text, record)


def test_the_table_beside_it(office: Asking) -> None:
    """Every failed try, expected against actual money and time, and what the route did."""
    for number in range(20):  # what is known of a model's speed comes with its answers, and is read now and then
        office.ask("here", "Hello.", stream=True)
        record = office.ask("flaky", f"What is five and {number}?", stream=True)
        out = explain(office.daemon, record["id"])
        assert record["explain"] in out
        rows = [words for line in out.split("Attempts:")[1].splitlines() if (words := line.split()) and words[0] in MODELS]
        if number == 0:
            assert [row[0] for row in rows] == ["flaky/model", "flaky/model", "acme/large"]
            assert "Fallback: flaky/model (server error): retry_once -> flaky/model" in out
            assert "Fallback: flaky/model (server error): next -> acme/large" in out
        last = rows[-1]
        assert last[:2] == ["acme/large", "done"] and all(word.startswith("$") for word in last[2:5]), last
        assert float(last[6]) > 0, "the first word, in milliseconds"
        if last[5] != "-":
            break
    assert float(last[5]) > 0, "the first word as it was expected"
    assert out.count("name_model: ") == 1, "what was changed three times is said once"


def test_a_dry_run_says_where_it_would_go(office: Asking) -> None:
    before = call(office.daemon, "/control/traces?limit=1")[1]["traces"][:1]
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": f"Mail {MAIL}."}]})
    out = explain(office.daemon, "--dry-run", "-", stdin=body)
    assert out.startswith("Goes to acme/small, with private values replaced, by route 'default' of recipe 'office', ")
    assert "it holds personal data (an e-mail address)" in out and MAIL not in out and "Nothing was sent" in out
    here = json.dumps({"model": "localrouter/local", "messages": [{"role": "user", "content": "Hello there."}]})
    assert explain(office.daemon, "--dry-run", "-", stdin=here).startswith("Stays on this machine by route 'default'")
    assert call(office.daemon, "/control/traces?limit=1")[1]["traces"][:1] == before


def explain(daemon: Daemon, *args: str, stdin: str = "") -> str:
    return cli(daemon, "explain", *args, stdin=stdin)


def cli(daemon: Daemon, *args: str, stdin: str = "", columns: str = "200") -> str:
    env = {
        **os.environ,
        "LOCALROUTER_HOME": str(daemon.home),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "COLUMNS": columns,
    }
    command = [sys.executable, "-P", "-m", "localrouter", *args]
    done = subprocess.run(command, capture_output=True, text=True, env=env, input=stdin, timeout=BUSY_S, check=True)
    return done.stdout
