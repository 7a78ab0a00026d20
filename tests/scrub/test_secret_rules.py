"""The rule data: complete, licensed, compilable, reachable through its words; and the script that builds it."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
import regex

from localrouter.scrub.detectors import secret_rules
from localrouter.scrub.detectors._prefilter import Words

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "localrouter" / "scrub" / "rules"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_secret_rules", ROOT / "packaging" / "build_secret_rules.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_rule_compiles_and_has_its_group_and_words() -> None:
    rows = json.loads((RULES / "secrets.json").read_text())["rules"]
    assert len(rows) > 500
    assert len({row[0] for row in rows}) == len(rows), "an id twice"
    for id_, type_, pattern, group, entropy, words, before, after in rows:
        machine = regex.compile(pattern)
        assert -1 <= group <= machine.groups, id_
        assert words and all(len(w) >= 3 and w == w.lower() for w in words), id_
        assert type_ in ("API_KEY", "TOKEN", "SECRET", "PASSWORD") and 0 <= entropy < 6, id_
        assert 0 <= before <= 200 and 0 < after <= 4096, id_


def test_each_source_has_its_licence_beside_it() -> None:
    rows = json.loads((RULES / "secrets.json").read_text())["rules"]
    for source in {row[0].split(":")[0] for row in rows}:
        text = (RULES / f"LICENSE.{source}").read_text()
        assert "MIT License" in text or "Apache License" in text


def test_words_are_found_inside_one_another() -> None:
    words = Words(["sk-", "task", "ask", "asks", "git", "github"])
    assert list(words.hits("tasks-github")) == [(0, "task"), (1, "ask"), (1, "asks"), (6, "git"), (6, "github")]
    assert list(words.hits("task-")) == [(0, "task"), (1, "ask"), (2, "sk-")]
    text = "".join(chr(97 + (i * 7919) % 5) for i in range(3000))
    some = ["aa", "abc", "abca", "dead", "bed", "ebb", "c"]
    plain = sorted((m.start(), w) for w in some for m in re.finditer(f"(?={w})", text))
    assert sorted(Words(some).hits(text)) == plain


def test_no_word_list_is_no_match() -> None:
    assert list(Words([]).hits("anything")) == []


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"(?x)(?i) \b ( sk-ant-api \d{2} - [\w\-]{93} AA ) \b", {"sk-ant-api"}),
        (r"(?xi) \b tomtom (?:.|[\n\r]){0,32}? (?:SECRET|KEY) (?# why ) .{0,9} ([0-9a-z]{32})", {"tomtom"}),
        (r"\b(gh[pousr]_[A-Za-z0-9]{36})\b", None),
        (r"(?:glpat|gldt)-[\w-]{20}", {"glpat", "gldt"}),
        (r"[[:xdigit:]]{40}", None),
    ],
)
def test_the_script_finds_what_must_stand_in_every_match(script: ModuleType, pattern: str, words: set[str] | None) -> None:
    flat, _ = script.flatten(pattern)
    found = script.literals(re._parser.parse(flat))  # type: ignore[attr-defined]
    assert (found[0] if found else None) == words


def test_the_script_keeps_a_good_rule_and_drops_the_rest(script: ModuleType, tmp_path: Path) -> None:
    """From rule files to rows: a prefix is kept; generic, identifying, literal-free and noisy rules are dropped and counted."""
    (tmp_path / "secrets_gitleaks").mkdir()
    rule = "[[rules]]\nid = \"{}\"\ndescription = \"{}\"\nregex = '''{}'''\nkeywords = [\"{}\"]\n"
    (tmp_path / "secrets_gitleaks" / "gitleaks.toml").write_text(
        rule.format("acme-token", "Acme Token", r"\b(acm_[a-z0-9]{20})\b", "acm_")
        + rule.format("generic-api-key", "Generic", r"key=(\w{20})", "key")
        + rule.format("acme-client-id", "Acme Client ID", r"acmeid_(\d+)", "acmeid_")
        + rule.format("blob", "Blob Token", r"\b[a-f0-9]{40}\b", "")
        + rule.format("noise", "Noise Token", r"noisy_(\w{5})", "noisy_")
    )
    for source in ("kingfisher", "noseyparker"):
        (tmp_path / f"secrets_{source}" / "rules").mkdir(parents=True)
    rows, dropped, why = script.build(tmp_path, ["a noisy_thing stands here"])
    assert [r[0] for r in rows] == ["gitleaks:acme-token"] and rows[0][1] == "TOKEN" and rows[0][5] == ["acm_"]
    assert sum(dropped.values()) == 4 and why["gitleaks:noise"] == "finds something in the negatives"


def test_a_service_rule_needs_a_word_for_a_secret_before_the_value() -> None:
    rule = secret_rules.Rule("x", "API_KEY", "", 1, 3.0, ("tomtom",), 1, 100, True)
    value = "0f9a8b7c" + "6d5e4f3a" + "2b1c0d9e" + "8f7a6b5c"
    assert secret_rules.believable(rule, value, "tomtom_key = ")
    assert not secret_rules.believable(rule, value, "tomtom commit ")
    assert not secret_rules.believable(rule, value, "github.com/tomtom/key@")
    assert not secret_rules.believable(rule, "x" * 32, "tomtom_key = ")
