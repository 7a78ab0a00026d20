"""Contracts of routes that try this machine first, with a tiny model that the tests build: its weights are random, so what it says keeps a
contract only because its grammar does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from conftest import Daemon, start, stop, trace, wait, write_home
from drivers import DRIVERS
from tiny_gguf import build

from localrouter.daemon.rehearsal import Rehearsal, Reply

CLIENTS = ("chat", "responses", "messages")
SCHEMA = {
    "type": "object",
    "properties": {"mood": {"enum": ["good", "bad"]}, "count": {"type": "integer", "minimum": 0, "maximum": 9}},
    "required": ["mood", "count"],
    "additionalProperties": False,
}
HOSTED = "`see [7]`"
"""The label, and in code no mark of a source that was not given."""
LABELS = ("spam", "ham", "neither of both")
RECIPE = """
name = "rehearse"
extends = "balanced"
[schemas.mood]
type = "object"
required = ["mood"]
additionalProperties = false
properties = { mood = { enum = ["good", "bad"] } }

[schemas.odd]
type = "object"
required = ["mood"]
additionalProperties = false
properties = { mood = { enum = ["good", "bad"], not = { const = "fine" } } }

[[route]]
name = "odd"
match = { model = ["*/rehearsal-400"] }
try = ["local:chat"]
contract = { json_schema = "odd" }

[[route]]
name = "form"
match = { model = ["*/rehearsal-1"] }
try = ["local:chat"]
contract = { json_schema = "request" }

[[route]]
name = "named"
match = { model = ["*/rehearsal-echo"] }
try = ["local:chat"]
contract = { json_schema = "mood" }

[[route]]
name = "labels"
match = { model = ["*/rehearsal-split"] }
try = ["local:chat"]
contract = { labels = ["spam", "ham", "neither of both"] }

[[route]]
name = "cites"
match = { model = ["*/rehearsal-slow"] }
try = ["local:chat", "rehearsal/rehearsal-1"]
contract = { labels = ["see [7]"], citations = "verify" }
"""


PROGRAM = """
from localrouter.core import standing
from localrouter.daemon import serve
standing.FEWEST = 10**9  # what one test does to the local lane is nothing to the next
raise SystemExit(serve.main())
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    home: Path = tmp_path_factory.mktemp("here")
    file = home / "tiny.gguf"
    build(file)

    with Rehearsal(script=(Reply(HOSTED),), aside=lambda seen: Reply(HOSTED)) as host:
        write_home(home, host, day_usd="1000", extra=f'[local]\nmodel = "{file}"\nctx = 2048')
        (home / "config" / "recipes" / "rehearse.toml").write_text(RECIPE)
        process = start(home, program=PROGRAM)
        try:
            yield wait(home, process, host)
        finally:
            stop(process)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", CLIENTS)
def test_a_request_s_schema_is_kept_here(here: Daemon, name: str, stream: bool) -> None:
    before = len(here.host.record())
    with DRIVERS[name](here.base, here.client, max_retries=0) as driver:
        got = driver.user(f"How is it? {name} {stream}").run("rehearsal/rehearsal-1", stream=stream, schema=SCHEMA)
    jsonschema.validate(json.loads(got.text), SCHEMA)
    record = trace(here, got.id)
    assert record["lane"] == "local" and [a["model"] for a in record["attempts"]] == ["local:chat"]
    assert record["checks"] == [{"model": "local:chat", "held": True}] and record["cost_micro"] == 0
    assert len(here.host.record()) == before, "nothing left the machine"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", CLIENTS)
def test_the_route_s_own_schema_and_labels_are_kept_here(here: Daemon, name: str, stream: bool) -> None:
    with DRIVERS[name](here.base, here.client, max_retries=0) as driver:
        got = driver.user(f"How is it? {name} {stream}").run("rehearsal/rehearsal-echo", stream=stream)
    assert json.loads(got.text) in ({"mood": "good"}, {"mood": "bad"})
    with DRIVERS[name](here.base, here.client, max_retries=0) as driver:
        got = driver.user(f"How is it? {name} {stream}").run("rehearsal/rehearsal-400", stream=stream)
    assert json.loads(got.text) in ({"mood": "good"}, {"mood": "bad"}), "what no grammar can say (`not`) is left to the judge"
    with DRIVERS[name](here.base, here.client, max_retries=0) as driver:
        got = driver.user(f"Is it spam? {name} {stream}").run("rehearsal/rehearsal-split", stream=stream)
    assert got.text in LABELS, "the label and nothing else"
    record = trace(here, got.id)
    assert record["checks"] == [{"model": "local:chat", "held": True}] and [a["model"] for a in record["attempts"]] == [
        "local:chat"
    ]
    assert "grammar of the labels" in json.dumps(record["attempts"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", CLIENTS)
def test_what_fails_here_is_mended_once_and_then_the_next_is_asked(here: Daemon, name: str, stream: bool) -> None:
    """Held to its label it cites what nobody gave it, twice."""
    before = len(here.host.record())
    with DRIVERS[name](here.base, here.client, max_retries=0) as driver:
        got = driver.user(f"Who is it? {name} {stream}").run("rehearsal/rehearsal-slow", stream=stream)
    assert got.text == HOSTED
    record = trace(here, got.id)
    assert [a["model"] for a in record["attempts"]] == ["local:chat", "local:chat", "rehearsal/rehearsal-1"]
    assert [c["held"] for c in record["checks"]] == [False, False, True]
    assert {c.get("error") for c in record["checks"][:2]} == {"contract_broken"}
    assert "repair_once" in json.dumps(record)
    assert len(here.host.record()) - before == 1 and record["lane"] == "hosted" and record["cost_micro"] > 0
