"""The recipe verbs against a real daemon with a thousand recorded requests, and without a daemon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import office
import pytest
from conftest import BUSY_S, Daemon, ask, call, newest, start, stop, trace, until, wait, write_home

from localrouter.daemon.rehearsal import Rehearsal

pytestmark = pytest.mark.timeout(1200)  # a thousand requests, before the first test
COUNT = 1000
THRIFT = """
[[route]]
name = "easy"
before = "all"
match = { task = ["summarise", "extract", "classify", "translate"], tools = false }
try = ["rehearsal/small"]
"""


def run(home: Path, *args: str, stdin: str = "") -> tuple[int, str, str]:
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    env |= {"LOCALROUTER_HOME": str(home), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "COLUMNS": "120"}
    command = [sys.executable, "-P", "-m", "localrouter", *args]
    done = subprocess.run(command, capture_output=True, text=True, env=env, input=stdin, timeout=BUSY_S, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def said(home: Path, *args: str) -> str:
    code, out, err = run(home, *args)
    assert code == 0, err
    return out


def tree(home: Path, *args: str) -> Any:
    return json.loads(said(home, *args, "--json"))


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that was asked COUNT times under the recipe `office`; `thrift` and `closed` lie beside it."""
    home = tmp_path_factory.mktemp("office")
    with Rehearsal() as host:
        office.write(home, host)
        process = start(home)
        try:
            daemon = wait(home, process, host)
            assert set(office.send(daemon.port, daemon.client, COUNT)) == {200}
            said(home, "recipe", "new", "thrift", "--from", "office")
            file = home / "config" / "recipes" / "thrift.toml"
            file.write_text(file.read_text() + THRIFT)
            (file.parent / "closed.toml").write_text(
                'name = "closed"\nextends = "office"\n[classes.personal]\nrequest = "local"\n'
            )
            yield daemon
        finally:
            stop(process)


def test_a_dry_run_over_a_thousand_requests_is_quick_and_sends_nothing(busy: Daemon) -> None:
    sent, spent = len(busy.host.app.record), call(busy, "/control/budget")[1]
    report = tree(busy.home, "recipe", "dry-run", "thrift")
    assert report["requests"] == COUNT and report["seconds"] < 25, report["seconds"]
    print(f"\n{COUNT} recorded requests replayed in {report['seconds']:.2f} s")
    # Of ten texts four are easy by their task, whatever else the classifier says of the rest.
    easy = report["kinds"]["model"]
    assert easy >= 0.3 * COUNT and report["kinds"]["same"] == COUNT - easy
    assert report["before"]["left_machine"] == report["after"]["left_machine"] == COUNT
    assert report["before"]["models"] == {"rehearsal/large": COUNT}
    assert report["after"]["models"] == {"rehearsal/large": COUNT - easy, "rehearsal/small": easy}
    rows = report["changed"]
    assert len(rows) == easy and all(r["after"]["route"] == "easy" and "route 'easy' takes it" in r["why"] for r in rows)
    # The small model's prices are a tenth of the large one's, the tokens the same; each cost is rounded up to a micro-dollar.
    assert all(abs(r["after"]["cost_micro"] - r["before"]["cost_micro"] / 10) <= 1 for r in rows)
    assert report["before"]["cost_micro"] - report["after"]["cost_micro"] == sum(
        r["before"]["cost_micro"] - r["after"]["cost_micro"] for r in rows
    )
    assert len(busy.host.app.record) == sent and call(busy, "/control/budget")[1] == spent


def test_the_recipe_in_force_changes_nothing(busy: Daemon) -> None:
    report = tree(busy.home, "recipe", "dry-run", "office")
    assert report["kinds"] == {"same": COUNT} and not report["changed"] and report["unpriced"] == 0
    assert report["before"] == report["after"]
    assert tree(busy.home, "recipe", "dry-run", "office", "--requests", "7")["requests"] == 7
    assert "nothing to compare" in said(busy.home, "recipe", "dry-run", "office", "--days", "0.0000001")


def test_what_would_be_refused_is_counted_and_named(busy: Daemon) -> None:
    report = tree(busy.home, "recipe", "dry-run", "closed")
    refused = [r for r in report["changed"] if r["kind"] == "refused"]
    assert refused and report["after"]["left_machine"] == COUNT - len(refused) == COUNT - report["kinds"]["refused"]
    assert all("keeps personal data on this machine" in r["why"] and r["after"]["error"] == "privacy.refused" for r in refused)
    record = call(busy, f"/control/traces/{refused[0]['id']}")[1]
    assert record["data_class"] == "personal"
    out = said(busy.home, "recipe", "dry-run", "closed")
    assert f"{len(refused):>6}  would be refused, and were not" in out and "Nothing was sent" in out
    assert refused[-1]["id"] in out


def test_what_was_not_recorded_is_said_to_be_unknown(busy: Daemon) -> None:
    file = busy.home / "config" / "recipes" / "hands.toml"
    route = '[[route]]\nname = "theirs"\nbefore = "all"\nmatch = { headers = { x-team = "a*" } }\ntry = ["rehearsal/small"]\n'
    file.write_text('name = "hands"\nextends = "office"\n' + route)
    report = tree(busy.home, "recipe", "dry-run", "hands")
    assert report["kinds"] == {"unknown": COUNT} and report["after"]["left_machine"] == 0
    assert "cannot be known" in said(busy.home, "recipe", "dry-run", "hands")


def test_apply_is_hot_a_running_request_keeps_its_recipe_and_rollback_takes_it_back(busy: Daemon) -> None:
    office_version = tree(busy.home, "status")["recipe"]
    text = office.TEXTS[0]

    def model(id_: str) -> tuple[str, str]:
        record = trace(busy, id_)
        return record["model"], record["recipe"]

    def last() -> str:
        return str(newest(busy)["id"])

    # One that takes seconds begins before and ends after.
    began, pace = len(busy.host.app.record), busy.host.app.pace
    busy.host.app.pace = 3.0  # of one event, so that it outlives a command however slowly that starts
    slow = threading.Thread(target=ask, args=(busy, "take your time", "rehearsal/slow"), kwargs={"stream": True})
    slow.start()
    until(lambda: len(busy.host.app.record) > began, "the host was not called")
    out = said(busy.home, "recipe", "apply", "thrift", "--note", "summaries are cheap")
    assert "thrift@" in out and "in force now" in out and office_version in out
    assert slow.is_alive()
    busy.host.app.pace = pace
    slow.join()
    assert model(last()) == ("rehearsal/slow", office_version)
    assert tree(busy.home, "status")["pid"] == busy.pid
    thrift_version = tree(busy.home, "status")["recipe"]
    assert thrift_version.startswith("thrift@")
    assert ask(busy, text)[0] == 200
    assert model(last()) == ("rehearsal/small", thrift_version)
    assert 'recipe = "thrift"' in (busy.home / "config" / "config.toml").read_text()
    assert "was in force already" in said(busy.home, "recipe", "apply", "thrift")

    assert f"{office_version} is in force now" in said(busy.home, "recipe", "rollback")
    assert ask(busy, text)[0] == 200
    assert model(last()) == ("rehearsal/large", office_version)
    assert 'recipe = "office"' in (busy.home / "config" / "config.toml").read_text()
    rows = tree(busy.home, "recipe", "history")
    assert [(r["name"], r["by"], r["note"]) for r in rows[:3]] == [
        ("office", "rollback cli", f"back to {office_version}"), ("thrift", "cli", "summaries are cheap"), ("office", "file", ""),
    ]  # fmt: skip
    assert rows[1]["decisions"] >= 1 and rows[0]["decisions"] > COUNT
    assert call(busy, "/control/recipe/rollback?of=@-1", {})[0] == 200
    assert call(busy, "/control/recipe/rollback?of=@-1&by=tui", {})[0] == 200
    assert call(busy, "/control/recipe/rollback?of=@-1&by=me", {})[0] == 400
    assert [r["by"] for r in tree(busy.home, "recipe", "history")][:3] == ["rollback tui", "rollback api", "rollback cli"]


def test_diff_names_versions_files_and_hashes(busy: Daemon) -> None:
    out = said(busy.home, "recipe", "diff", "thrift")
    assert "route 'easy' is new, before 'all': task summarise or extract" in out and '+try = ["rehearsal/small"]' in out
    found = tree(busy.home, "recipe", "diff", "office", str(busy.home / "config" / "recipes" / "closed.toml"))
    assert found["differences"] == ["class personal, request: hosted becomes local"]
    version = tree(busy.home, "recipe", "history")[0]
    same = tree(busy.home, "recipe", "diff", version["hash"][:6], "@")
    assert same["before"] == same["after"] and same["differences"] == [] and same["unified"] == []


def test_explain_tells_the_rule_the_candidates_and_the_money(busy: Daemon) -> None:
    assert ask(busy, office.TEXTS[3])[0] == 200
    out = said(busy.home, "explain")
    assert "Sent to rehearsal/large" in out and "by route 'all' of recipe 'office'" in out
    for words in (
        "Routes, up to the one that was taken:",
        "always",
        "Candidates:",
        "kept",
        "Attempts:",
        "at most",
        "Replayed: the same plan.",
    ):
        assert words in out, words
    found = json.loads(said(busy.home, "explain", "--decision"))
    assert found["plan"]["route"] == "all" and found["recipe"].startswith("office@") and "sky" not in json.dumps(found)
    import jsonschema

    jsonschema.Draft202012Validator(json.loads(said(busy.home, "explain", "--schema"))).validate(found)


def test_a_forgotten_request_leaves_its_place_alone(busy: Daemon) -> None:
    assert ask(busy, "Summarise: the quokkas of Rottnest are tame.")[0] == 200
    id_ = str(newest(busy)["id"])
    code, _, _ = run(busy.home, "forget", id_, stdin="n\n")
    assert code == 130 and call(busy, f"/control/traces/{id_}")[1]["id"] == id_
    assert "is forgotten" in said(busy.home, "forget", "--yes", id_)
    assert call(busy, f"/control/traces/{id_}")[1].keys() == {"id", "forgotten"}
    assert call(busy, f"/control/decisions/{id_}")[0] == 404
    assert call(busy, "/control/verify")[1]["ok"]
    assert "forgotten" in said(busy.home, "traces", "-n", "1") and "was forgotten on" in said(busy.home, "explain", id_)
    assert "forgotten before" in said(busy.home, "forget", "--yes", id_)
    code, _, err = run(busy.home, "forget", "--yes", "lr-nothing")
    assert code == 1 and "There is no trace" in err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("apply", "nothing"), "there is no such recipe"),
        (("rollback", "99"), "would be one more"),
        (("rollback", "feedfeed"), "No version 'feedfeed' was in force"),
        (("diff", "@-99"), "would be one more"),
        (("new", "office"), "there is a recipe 'office' already"),
        (("new", "../x"), "letters, digits"),
        (("new", "x", "--from", "ofice"), "Did you mean office?"),
        (("dry-run", "nothing"), "there is no such recipe"),
    ],
)
def test_what_cannot_be_done_is_said(busy: Daemon, args: tuple[str, ...], words: str) -> None:
    before = tree(busy.home, "status")["recipe"]
    code, out, err = run(busy.home, "recipe", *args)
    assert code in (1, 2) and words in err and not out
    assert tree(busy.home, "status")["recipe"] == before


def test_a_recipe_that_is_wrong_or_changed_since_it_was_checked_is_not_put_in_force(busy: Daemon) -> None:
    folder = busy.home / "config" / "recipes"
    (folder / "lost.toml").write_text('name = "lost"\n[[route]]\nname = "a"\ntry = ["rehearsal/tiny"]\n')
    code, _, err = run(busy.home, "recipe", "apply", "lost")
    assert code == 1 and "rehearsal/tiny, which the catalogue lacks" in err
    (folder / "torn.toml").write_text(
        'name = "torn"\n[[route]]\nname = "a"\ntry = ["rehearsal/small"]\nlimts = { cost_usd = 1 }\n'
    )
    code, _, err = run(busy.home, "recipe", "apply", "torn")
    assert code == 2 and "torn.toml:" in err and "Did you mean 'limits'?" in err
    from localrouter import __version__

    status, answer = call(busy, f"/control/recipe/apply?source=thrift&hash=000000000000&version={__version__}", {})
    assert status == 409 and "changed after it was checked" in answer["error"]["message"]
    status, answer = call(busy, "/control/recipe/apply?source=thrift&hash=0&version=0.0.1", {})
    assert status == 409 and "localrouter restart" in answer["error"]["message"]
    status, answer = call(busy, f"/control/recipe/apply?source=../../x&hash=0&version={__version__}", {})
    assert status == 400 and "is no name of a recipe" in answer["error"]["message"]
    assert tree(busy.home, "status")["recipe"].startswith("office@")


def test_a_file_from_elsewhere_is_copied_and_an_edited_one_is_rolled_back_beside_it(tmp_path: Path, host: Rehearsal) -> None:
    home = tmp_path / "home"
    write_home(home, host)
    process = start(home)
    try:
        daemon = wait(home, process, host)
        mine = tmp_path / "mine.toml"
        mine.write_text('name = "mine"\nextends = "rehearse"\n[[route]]\nname = "one"\ntry = ["rehearsal/rehearsal-1"]\n')
        said(home, "recipe", "apply", str(mine))
        kept = home / "config" / "recipes" / "mine.toml"
        first = tree(home, "status")["recipe"]
        assert kept.read_text() == mine.read_text() and first.startswith("mine@")
        # Edited in place: another version of the same name.
        kept.write_text(kept.read_text().replace("rehearsal-1", "rehearsal-echo"))
        mine.write_text(mine.read_text() + "# another\n")
        code, _, err = run(home, "recipe", "apply", str(mine))
        assert code == 2 and "there is another recipe 'mine'" in err and "--replace" in err
        said(home, "recipe", "apply", "mine")
        second = tree(home, "status")["recipe"]
        edited = kept.read_text()
        said(home, "recipe", "rollback")
        assert tree(home, "status")["recipe"] == first != second and kept.read_text() == edited, (
            "the user's file is not overwritten"
        )
        stop(process)
        # What was rolled back to holds over a restart, and so does the history.
        process = start(home)
        daemon = wait(home, process, host)
        assert tree(home, "status")["recipe"] == first
        assert [r["by"] for r in tree(home, "recipe", "history")] == ["rollback cli", "cli", "cli", "file"]
        stop(process)
        # Without a daemon the same verbs work, for the next start.
        assert "no daemon runs" in said(home, "recipe", "apply", "mine") and "mine@" in said(home, "recipe", "history")
        assert "nothing to compare" in said(home, "recipe", "dry-run", "mine") and "one" in said(home, "recipe", "show", "@-1")
        process = start(home)
        daemon = wait(home, process, host)
        assert tree(home, "status")["recipe"] == second and daemon.pid == process.pid
    finally:
        stop(process)


def test_a_recipe_of_the_command_line_gives_way(tmp_path: Path, host: Rehearsal) -> None:
    home = tmp_path / "home"
    write_home(home, host)
    (home / "config" / "recipes" / "other.toml").write_text('name = "other"\nextends = "rehearse"\ndescription = "other"\n')
    program = 'from localrouter.daemon.serve import main; import sys; sys.exit(main({"recipe": "other"}))'
    process = start(home, program=program)
    try:
        wait(home, process, host)
        assert tree(home, "status")["recipe"].startswith("other@")
        said(home, "recipe", "apply", "rehearse")
        assert json.loads((home / "state" / "runtime.json").read_text())["overrides"] == {}
        code, _, _ = run(home, "budget", "set", "--day", "4")  # reads the files again
        assert code == 0 and tree(home, "status")["recipe"].startswith("rehearse@")
    finally:
        stop(process)


def test_check_names_every_fault_and_show_tells_the_rules_for_tools(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "recipes"
    folder.mkdir(parents=True)
    (folder / "bad.toml").write_text(
        'name = "bad"\n[[route]]\nname = "a"\ntri = ["asked"]\n[route.tools]\ndney = ["x"]\ndefault = "maybe"\n'
    )
    code, _, err = run(tmp_path, "recipe", "check", "bad")
    told = [line.partition("bad.toml:")[2] for line in err.splitlines()]
    assert code == 2 and [line[: line.index("'")] for line in told] == ["4: unknown key ", "6: unknown key ", "7: the key "]
    code, out, _ = run(tmp_path, "recipe", "check", "bad", "--json")
    assert code == 2 and [f["line"] for f in json.loads(out)["faults"]] == [4, 6, 7]
    (folder / "good.toml").write_text(
        'name = "good"\nextends = "balanced"\n[[route]]\nname = "a"\ntry = ["asked"]\n'
        '[route.tools]\ndeny = ["pay*"]\nask = ["shell:*rm*"]\nmax_calls_per_minute = 30\n'
    )
    out = said(tmp_path, "recipe", "show", "good")
    assert "denied: pay*; a person is asked: shell:*rm*; any other: allowed; 30 a minute" in " ".join(out.split())
