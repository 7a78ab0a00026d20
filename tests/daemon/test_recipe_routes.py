"""What a client says of itself picks the route of a running daemon, on every surface; names are mapped; the door lets none of it loosen a rule."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import BUSY_S, Daemon, start, stop, trace, wait, write_home

from localrouter.daemon.rehearsal import Rehearsal

ONE = "rehearsal/rehearsal-1"
RECIPE = f"""name = "rehearse"
extends = "balanced"
[models]
honour = ["rehearsal/*"]
[models.map]
"gpt-4*" = "{ONE}"
[[route]]
name = "blue"
match = {{ headers = {{ X-Team = "blue*" }} }}
try = ["{ONE}"]
[[route]]
name = "tagged"
match = {{ tags = ["nightly"] }}
try = ["{ONE}"]
[[route]]
name = "project"
match = {{ project = ["Kiel"], tier = ["gold"] }}
try = ["{ONE}"]
[[route]]
name = "anna"
match = {{ user = ["anna"] }}
try = ["{ONE}"]
[[route]]
name = "acme"
match = {{ path = ["*/acme/*"] }}
try = ["{ONE}"]
[[route]]
name = "unlogged"
match = {{ tags = ["unlogged"] }}
try = ["{ONE}"]
logging = {{ prompts = "none", outputs = false }}
[[route]]
name = "messages"
match = {{ endpoint = ["/v1/messages"] }}
try = ["{ONE}"]
[[route]]
name = "never"
match = {{ injection_from = 1.0, difficulty_below = 0.01 }}
try = ["{ONE}"]
[[route]]
name = "default"
try = ["asked", "{ONE}"]
"""


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("routes")
    with Rehearsal() as host:
        write_home(home, host, day_usd="1000")
        (home / "config" / "recipes" / "rehearse.toml").write_text(RECIPE)
        process = start(home)
        try:
            yield wait(home, process, host)
        finally:
            stop(process)


def asked(
    daemon: Daemon, text: str = "Hello there", path: str = "/v1/chat/completions", model: str = "localrouter/auto", **headers: str
) -> tuple[int, dict[str, str], Any]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    try:
        own = {k.replace("_", "-"): v for k, v in headers.items()}
        body = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 50}
        sent = {"authorization": f"Bearer {daemon.client}", "content-type": "application/json", **own}
        connection.request("POST", path, json.dumps(body), sent)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("route", "headers", "text"),
    [
        ("blue", {"x_team": "blue-2"}, "one"),
        ("default", {"x_team": "red"}, "two"),
        ("tagged", {"x_localrouter_tags": "weekly, nightly"}, "three"),
        ("project", {"x_localrouter_project": "Kiel", "x_localrouter_tier": "gold"}, "four"),
        ("default", {"x_localrouter_project": "Kiel"}, "five"),
        ("anna", {"x_localrouter_user": "anna"}, "six"),
        ("acme", {}, "<environment_context>\n  <cwd>/srv/acme</cwd>\n</environment_context>"),
        ("acme", {"x_localrouter_path": "/srv/acme/web"}, "seven"),
        ("default", {}, "eight"),
    ],
)
def test_who_asks_picks_the_route(routes: Daemon, route: str, headers: dict[str, str], text: str) -> None:
    status, told, _ = asked(routes, text, **headers)
    assert status == 200 and told["x-localrouter-route"] == route


def test_the_path_that_was_called(routes: Daemon) -> None:
    assert asked(routes, path="/v1/messages")[1]["x-localrouter-route"] == "messages"


def test_the_same_text_for_another_project_is_another_request(routes: Daemon) -> None:
    """Equal requests that run at the same time are one; what picks another route makes them different."""
    first = asked(routes, "the same")[1]["x-localrouter-route"]
    second = asked(routes, "the same", x_team="blue")[1]["x-localrouter-route"]
    assert (first, second) == ("default", "blue")


@pytest.mark.parametrize(
    ("model", "answers", "says"),
    [
        ("gpt-4o-mini", ONE, "maps the model that the client named ('gpt-4*')"),
        ("rehearsal/rehearsal-slow", "rehearsal/rehearsal-slow", ""),
        ("openai/gpt-5", ONE, "does not let clients choose"),
        ("localrouter/cheap", ONE, "the cheapest comes first"),
    ],
)
def test_a_named_model_is_honoured_or_mapped_and_told(routes: Daemon, model: str, answers: str, says: str) -> None:
    status, told, _ = asked(routes, f"for {model}", model=model)
    assert status == 200 and told["x-localrouter-model"] == answers
    assert says in trace(routes, told["x-localrouter-id"])["explain"]


def test_private_and_local_tighten(routes: Daemon) -> None:
    status, _, tree = asked(routes, "Anything", model="localrouter/local")
    assert status >= 400 and "localrouter/local" in json.dumps(tree)
    assert asked(routes, "Nothing is in this", model="localrouter/private")[0] == 200
    before = len(routes.host.record())
    status, _, tree = asked(routes, "Write to Miriam.Castle@example.org about it", model="localrouter/private", x_team="blue")
    assert status >= 400 and "localrouter/private" in json.dumps(tree)
    assert len(routes.host.record()) == before, "a header that picks a route loosens nothing"


def test_a_route_keeps_its_texts_out_of_the_traces(routes: Daemon) -> None:
    told = [
        asked(routes, f"The heron stands still {i}", **more)[1] for i, more in enumerate(({}, {"x_localrouter_tags": "unlogged"}))
    ]
    kept, bare = (trace(routes, t["x-localrouter-id"]) for t in told)
    assert "heron" in json.dumps(kept) and kept["answer"]
    assert bare["route"] == "unlogged" and "heron" not in json.dumps(bare) and not bare["answer"] and bare["model"] == ONE
