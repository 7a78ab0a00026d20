"""What is kept of a decision holds nothing private of who asked, and still replays to its plan."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Daemon, call, start, stop, wait, write_home

from localrouter.config.catalogue import load_catalogue
from localrouter.core.catalogue import Catalogue
from localrouter.core.decision import Decision, catalogue_read, replay, summary
from localrouter.core.recipe import Recipe
from localrouter.daemon.deciding import is_maker_s
from localrouter.daemon.rehearsal import Rehearsal
from localrouter.gates import all_gates

RECIPE = """name = "rehearse"
extends = "balanced"
[models.map]
"team-*" = "rehearsal/rehearsal-echo"
[[route]]
name = "by-path"
match = { path = ["*/acme/*"] }
try = ["rehearsal/rehearsal-1"]
[[route]]
name = "by-header"
match = { headers = { x-desk = "*@roe.org" } }
try = ["rehearsal/rehearsal-split"]
[[route]]
name = "rest"
try = ["asked", "rehearsal/rehearsal-1"]
"""
PRIVATE = "jane.roe@roe.org"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, host: Rehearsal) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("own")
    write_home(home, host)
    (home / "config" / "recipes" / "rehearse.toml").write_text(RECIPE)
    process = start(home)
    try:
        yield wait(home, process, host)
    finally:
        stop(process)


def post(daemon: Daemon, model: str, headers: dict[str, str]) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Is it raining?"}]})
    head = {"content-type": "application/json", "authorization": f"Bearer {daemon.client}", **headers}
    connection.request("POST", "/v1/chat/completions", body, head)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 200
    return str(answer.headers["x-localrouter-id"])


def kept(daemon: Daemon, id_: str) -> dict[str, Any]:
    status, tree = call(daemon, f"/control/decisions/{id_}")
    assert status == 200 and tree["whole"] is True
    return dict(tree)


@pytest.mark.parametrize(
    ("model", "headers", "route", "hidden"),
    [
        ("rehearsal/rehearsal-1", {"x-localrouter-path": f"/home/{PRIVATE}/acme/"}, "by-path", {"path"}),
        ("rehearsal/rehearsal-1", {"x-desk": PRIVATE}, "by-header", {"headers"}),
        (f"team-{PRIVATE}", {}, "rest", {"model"}),
        ("ft:gpt-4o:roe-and-sons:jane:9xY", {}, "rest", {"model"}),
        ("gpt-4o-2024-11-20", {}, "rest", set()),
        ("localrouter/auto", {"x-localrouter-tags": f"night, {PRIVATE}"}, "rest", set()),
    ],
    ids=["path", "header", "mapped", "fine-tuned", "a maker's", "unasked tags"],
)
def test_what_is_private_is_hidden_and_the_decision_replays(
    own: Daemon, model: str, headers: dict[str, str], route: str, hidden: set[str]
) -> None:
    found = kept(own, post(own, model, headers))
    decision = found["decision"]
    assert decision["plan"]["route"] == route
    assert PRIVATE not in json.dumps(decision) and "roe-and-sons" not in json.dumps(decision)
    assert hidden <= set(decision.get("hidden", {}))
    again = replay(
        Decision.read(decision), Recipe.model_validate_json(found["recipe"]), catalogue_read(found["catalogue"]), all_gates()
    )
    assert summary(again) == decision["plan"]
    assert len(json.dumps({**decision, "place": "0" * 16})) < 2500
    for file in (own.home / "state").glob("localrouter.db*"):
        assert PRIVATE.encode() not in file.read_bytes(), file


def test_a_name_of_a_model_is_a_maker_s_or_it_is_not_recorded() -> None:
    catalogue = load_catalogue()
    for name in (
        "gpt-5.1",
        "claude-opus-4-1-20250805",
        "o4-mini",
        "llama-3.3-70b-instruct",
        "deepseek-chat",
        "gemini-2.5-pro-preview-06-05",
    ):
        assert is_maker_s(name, catalogue), name
    for name in (
        "ft:gpt-4o:acme:jane:9",
        "claude for Jane",
        "jane@roe.org",
        "gpt-jane",
        "017012345678",
        "x" * 200,
        "",
        "gpt-4\n",
    ):
        assert not is_maker_s(name, catalogue), name
    assert not is_maker_s("quokka-7b", Catalogue("a")) and is_maker_s("gpt-7b", Catalogue("a"))


def test_no_decision_is_kept_of_what_was_not_decided(daemon: Daemon) -> None:
    status, answer = call(daemon, "/control/decisions/lr-nothing")
    assert status == 404 and "There is no decision" in answer["error"]["message"]
    status, answer = call(daemon, "/control/decisions?since=yesterday")
    assert status == 400 and "epoch seconds" in answer["error"]["message"]
    status, answer = call(daemon, "/control/decisions?limit=0")
    assert status == 400 and "'limit'" in answer["error"]["message"]
