"""`localrouter demo`, as a new user runs it: every sample holds what it promises, and nothing gold leaves unsaid."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import BUSY_S
from tiny_gguf import build

from localrouter.daemon import demo
from localrouter.daemon.rehearsal import Rehearsal
from localrouter.evals.samples import samples

FIELDS = {"trace_id", "lane", "route", "reason", "left_machine", "findings", "missed", "cost_usd", "ms", "restored_ok"}


def run(*args: str) -> tuple[int, str, str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("LOCALROUTER")}
    done = subprocess.run(
        [sys.executable, "-m", "localrouter", "demo", *args], capture_output=True, text=True, env=env, timeout=2 * BUSY_S
    )
    return done.returncode, done.stdout, done.stderr


def test_samples_are_marked_right() -> None:
    made = samples()
    assert len(made) >= 12 and len({s.name for s in made}) == len(made)
    for sample in made:
        text = json.dumps(sample.messages, ensure_ascii=False)
        for gold in sample.gold:
            assert json.dumps(gold.value, ensure_ascii=False)[1:-1] in text, (sample.name, gold)


def test_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, so that the host's own record can be read as well."""
    hosts: list[Rehearsal] = []
    made = Rehearsal.__init__

    def keep(self: Rehearsal) -> None:
        made(self)
        hosts.append(self)

    monkeypatch.setattr(Rehearsal, "__init__", keep)
    shown = list(demo.run())
    record = "\n".join(demo._strings([json.loads(e["body"]) for e in hosts[0].record()]))
    assert [s.name for s in shown] == [s.name for s in samples()]
    for sample, one in zip(samples(), shown, strict=True):
        assert one.restored_ok and one.answer and not one.error, sample.name
        assert one.lane == "hosted" and one.route and one.reason and one.left_machine and one.trace_id.startswith("lr-")
        assert one.cost_usd > 0 and one.ms > 0
        for gold in sample.gold:
            assert gold.value in one.missed or not demo._stands(gold.value, record), (sample.name, gold.type)
        assert one.findings or not sample.gold
    assert sum(len(s.missed) for s in shown) <= 4


def test_the_command_prints_json_for_machines() -> None:
    code, out, err = run("--json", "--only", "env-file", "--only", "plain")
    assert code == 0, err
    tree = json.loads(out)
    assert [t["name"] for t in tree] == ["plain", "env-file"] and all(set(t) >= FIELDS for t in tree)


def test_the_command_prints_pages_for_people() -> None:
    code, out, _ = run("--only", "customer-mail", "--only", "summary")
    assert code == 0
    for words in (
        "SIMULATED",
        "hosted: rehearsal/simulated",
        "CARD_",
        "Marguerite Delacroix",
        "missed none of ",
        "restored right",
        "localrouter demo --local chat.gguf",
    ):
        assert words in out, words


def test_easy_prompts_are_answered_by_a_local_model(tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    build(file)
    for _ in range(5):
        code, out, err = run("--json", "--local", str(file), "--only", "plain", "--only", "code")
        assert code == 0, err
        plain, code_ = json.loads(out)
        if plain["lane"] == "local":
            break
        # A model of random weights may say nothing twice; then the next target answers, and the record says why.
        assert "Of local:chat: its answer was empty" in plain["reason"], plain["reason"]
    assert plain["lane"] == "local" and plain["left_machine"] == [] and plain["cost_usd"] == 0
    assert code_["lane"] == "hosted"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--host", "nowhere"), "does not know the host"),
        (("--local", "/nowhere.gguf"), "does not exist"),
        (("--only", "nothing"), "No sample has that name"),
    ],
)
def test_wrong_use(args: tuple[str, ...], says: str) -> None:
    code, _, err = run(*args)
    assert code != 0 and says in err and "Traceback" not in err


def test_the_check_of_the_answer_can_fail() -> None:
    names = {"PERSON_AB12CD": "Jane", "API_KEY_XY34ZW": "sk-1"}
    reply = "PERSON_AB12CD has API_KEY_XY34ZW\n```\nAPI_KEY_XY34ZW\n```\n"
    assert demo.expected(reply, names, whole=False) == "Jane has API_KEY_XY34ZW\n```\nsk-1\n```\n"
    assert demo.mapping(["hi Jane, sk-1"], ["hi PERSON_AB12CD, API_KEY_XY34ZW"], list(names)) == names
    assert demo.mapping(["something else"], ["hi PERSON_AB12CD"], list(names)) == {}
