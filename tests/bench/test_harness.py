"""The benchmark harness itself: it compiles, asks the daemon, and its report has every row. No number is judged here."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from benchkit import apis, bodies, native, planes, planes_report, procs, report, scenarios
from benchkit.contenders import PATHS, WIRES, Contender
from benchkit.scenarios import Book

from localrouter.dialects import all_dialects
from localrouter.providers import all_wires

HERE = Path(__file__).parent
needs_compiler = pytest.mark.skipif(bool(native.compiler_missing()), reason=native.compiler_missing() or "-")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left in the user's cache, and no recording is read."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("LOCALROUTER_DATA", raising=False)


def test_the_rows_are_there_when_nothing_was_measured() -> None:
    names = ["direct", "localrouter", "litellm", "portkey"]
    tree = report.document(Book(), dict.fromkeys(names, "x"), {"litellm": "no pip here"}, 0.0, 0.0)
    table = report.markdown(tree)
    assert len(tree["rows"]) == sum(line.startswith("| ") for line in table.splitlines()) - 1 > 40
    assert "x was not measured: no pip here." in table


@pytest.mark.parametrize("size", [85_000, 200_000])
def test_agent_bodies_have_their_size_and_differ_by_session_only(size: int) -> None:
    one, two = bodies.agent(size, 1, 1), bodies.agent(size, 1, 2)
    assert abs(len(json.dumps(one)) - size) < 3000
    assert one["tools"] == two["tools"]
    assert one["messages"][0] == two["messages"][0]
    assert one["messages"][1] != two["messages"][1]
    assert one["messages"][2:] == two["messages"][2:]
    later = bodies.later_turns(one, 2, 1)
    assert later[1]["messages"][: len(later[0]["messages"])] == later[0]["messages"]


def test_what_is_new_in_later_turns_is_new_to_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks: dict[str, Sequence[dict[str, Any]]] = {}
    monkeypatch.setattr(scenarios, "block", lambda _, who, name, trees, model: blocks.update({f"{name} {len(blocks)}": trees}))
    for turn in (0, 1):
        scenarios.agents(Book(), [Contender(Path(), 0)], scenarios.Size(turns=2), turn)
    new = [tree["messages"][-1]["content"] for name, trees in blocks.items() if "later" in name for tree in trees]
    assert len(new) == len(set(new)) == 2 * 2 * 2, "text that a body before it held was scanned with that one"


def test_only_what_stands_between_the_markers_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("a\n<!-- bench:start -->\nold\n<!-- bench:end -->\nb\n")
    assert report.into_readme(file, "new\n")
    assert file.read_text() == "a\n<!-- bench:start -->\nnew\n<!-- bench:end -->\nb\n"
    file.write_text("nothing here")
    assert not report.into_readme(file, "new\n")
    assert file.read_text() == "nothing here"


def test_every_route_has_its_cells_when_nothing_was_measured() -> None:
    rows = planes_report.rows(Book())
    assert {(r["client"], r["host"]) for r in rows if r["table"] == "short"} == {(a, b) for a in WIRES for b in WIRES}
    assert {r["client"] for r in rows if r["table"] == "agents" and r["plane"] == "neutral"} == set(WIRES)
    lines = [
        line for line in planes_report.markdown(rows).splitlines() if line.startswith("| ") and not line.startswith("| client")
    ]
    assert len(lines) == len(rows)


@pytest.mark.parametrize("size", [85_000, 200_000])
def test_the_same_request_is_read_alike_in_each_api(size: int) -> None:
    """The same texts, of about the same size, whatever API it is written for; with it the harness's address and home folder."""
    dialects = {d.NAME: d for d in all_dialects()}
    tree = bodies.agent(size, 1, 1, planes.harness(11))
    spoken = {}
    for api, name in WIRES.items():
        body = json.dumps({"model": "m", **apis.convert(tree, api)}).encode()
        assert abs(len(body) - size) < 5000
        ask = dialects[name].read(body, {})
        assert ask.needs.tools and ask.max_output == tree["max_tokens"]
        spoken[api] = {leaf.text for leaf in ask.leaves if len(leaf.text) > 60 and leaf.where != "tool_arguments"}
    assert spoken["chat"] == spoken["messages"] == spoken["responses"] and len(spoken["chat"]) > 100
    assert any("ilse.brandt@example-post.org" in text and "/home/ilsebrandt" in text for text in spoken["chat"])


@needs_compiler
@pytest.mark.parametrize("api", WIRES)
def test_the_upstream_speaks_each_api(api: str) -> None:
    """Read by the product's own wires, whose tests judge them by the SDKs' types."""
    wire = all_wires()[WIRES[api]]
    with native.Upstream() as upstream:
        for stream in (False, True):
            tree = apis.convert(bodies.chat("hello"), api)
            body = json.dumps({"model": "bench-flood", **(apis.streamed(tree, api) if stream else tree)}).encode()
            connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=10)
            connection.request("POST", PATHS[api], body, {"content-type": "application/json"})
            answer = connection.getresponse()
            reader = wire.Reader(stream)
            chunks = [*reader.feed(answer.read()), *reader.end()]
            connection.close()
            assert not [c.error for c in chunks if c.error] and chunks[-1].terminal
            assert "stop" in {f for c in chunks for f in c.finish.values()}
            usage = [c.usage for c in chunks if c.usage]
            assert usage[-1].output == (planes.TOKENS if stream else 20)
            text = "".join(p.text for c in chunks for p in c.pieces if not p.whole)
            assert text.count("tok") == planes.TOKENS if stream else "A short and constant answer" in text


@needs_compiler
def test_the_load_generator_times_what_the_upstream_sends(tmp_path: Path) -> None:
    with native.Upstream() as upstream:
        direct = Contender(tmp_path, upstream.port)
        plain = [direct.request(tree, "bench-new") for tree in bodies.short_chats(3)]
        sample = native.load(upstream.port, plain, n=50, connections=8)
        assert (sample.failed, len(sample.latency_us)) == (0, 50)
        stream = [direct.request({**bodies.chat("hello"), "stream": True}, "bench-paced")]
        sample = native.load(upstream.port, stream, n=2, connections=2)
        assert (sample.failed, len(sample.first_us), len(sample.transit_us)) == (0, 2, 128)
        assert min(sample.last_us) > 63 * 5000 > max(sample.first_us)
        bad = native.load(upstream.port, [b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"], n=1, seconds=5)
        assert bad.failed == 1


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_a_process_counts_as_at_rest_once_it_does_nothing() -> None:
    busy = "import time\nwhile time.process_time() < 0.5: pass\ntime.sleep(60)"
    with (
        subprocess.Popen([sys.executable, "-c", busy]) as works,
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) as never,
    ):
        try:
            found = procs.until_quiet({"works": works.pid, "never": never.pid}, limit_s=8)
        finally:
            works.kill()
            never.kill()
    assert 0 < found["works"] < found["never"] == 8


def rows_run(tmp_path: Path, skip: str, rounds: str, seconds: float) -> None:
    """Every row of the daemon is measured but those of the parts left out, and no request fails."""
    out, table = tmp_path / "bench.json", tmp_path / "bench.md"
    options = ["--quick", "--rounds", rounds, "--n", "20", "--rest", "1", "--only", "direct,localrouter", "--skip", skip]
    command = [sys.executable, str(HERE / "run.py"), *options, "--json", str(out), "--table", str(table)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr
    tree = json.loads(out.read_text())
    assert not tree["failures"]
    assert set(tree["missing"]) == {"litellm", "portkey"}
    linux = sys.platform == "linux"  # at rest: read from /proc
    rows = [r for r in tree["rows"] if linux or "at rest" not in r["what"]]
    if "agents" in skip.split(","):
        names = [r["what"] for r in rows]
        first = next(i for i, name in enumerate(names) if name.startswith("coding agent"))
        after = next(i for i, name in enumerate(names) if name.startswith("stream"))
        assert 0 < first < after
        del rows[first:after]
    assert rows and not [r["what"] for r in rows if r["values"].get("localrouter") is None]
    assert "LiteLLM was not measured: left out by --only." in table.read_text()


@needs_compiler
def test_a_run_measures_the_rows_of_the_daemon(tmp_path: Path) -> None:
    rows_run(tmp_path, "agents,planes,plane-agents", "1", 110)


@needs_compiler
@pytest.mark.long
def test_a_run_measures_every_row_of_the_daemon(tmp_path: Path) -> None:
    rows_run(tmp_path, "planes,plane-agents", "2", 600)


def planes_run(tmp_path: Path, skip: str, table: str, seconds: float) -> None:
    """Every cell of a table of planes is measured, and no request fails."""
    out = tmp_path / "bench.json"
    options = [
        "--quick",
        "--rounds",
        "1",
        "--n",
        "10",
        "--only",
        "direct,localrouter",
        "--skip",
        f"short,agents,streams,cold,rest,{skip}",
    ]
    command = [sys.executable, str(HERE / "run.py"), *options, "--json", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr
    tree = json.loads(out.read_text())
    assert not tree["failures"]
    rows = [row for row in tree["planes"] if row["table"] == table]
    assert rows and not [(r["client"], r["host"], c["what"]) for r in rows for c in r["cells"] if c["added_ms"] is None]


@needs_compiler
@pytest.mark.long
def test_a_run_measures_every_plane(tmp_path: Path) -> None:
    planes_run(tmp_path, "plane-agents", "short", 600)


@needs_compiler
@pytest.mark.long
def test_a_run_measures_agents_on_every_plane(tmp_path: Path) -> None:
    planes_run(tmp_path, "planes", "agents", 1500)
