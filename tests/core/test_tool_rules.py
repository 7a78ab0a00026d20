"""`[route.tools]`: which calls may be made, which wait for a person, which are denied; by name and by what is in the arguments."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from localrouter.core.tool_rules import ToolRules, texts_of
from localrouter.scrub.toolclass import tool_class

DESIGN = ToolRules(ask=("*.delete*", "shell:*rm -rf*"), deny=("payments.*",), max_calls_per_minute=30)


def said(rules: ToolRules, name: str, **arguments: object) -> str:
    return rules.of(name, json.dumps(arguments), shell=tool_class(name) == "shell")


@pytest.mark.parametrize(
    ("name", "arguments", "verdict"),
    [
        ("db.delete_row", {"id": 1}, "ask"),
        ("mcp__db__delete_row", {"id": 1}, "ask"),
        ("DB.Delete_Row", {"id": 1}, "ask"),
        ("db.read_row", {"id": 1}, "allow"),
        ("payments.send", {"to": "x"}, "deny"),
        ("mcp__payments__send", {"to": "x"}, "deny"),
        ("Bash", {"command": "cd /tmp && rm -rf build"}, "ask"),
        ("shell", {"command": ["bash", "-lc", "rm  -rf   build"]}, "ask"),
        ("exec_command", {"cmd": "sudo RM -RF /"}, "ask"),
        ("local_shell", {"action": {"command": ["rm", "-rf", "/"]}}, "ask"),
        ("Bash", {"command": "rm file"}, "allow"),
        ("write_file", {"text": "never run rm -rf here"}, "allow"),
    ],
)
def test_the_rules_of_the_design(name: str, arguments: dict[str, object], verdict: str) -> None:
    assert said(DESIGN, name, **arguments) == verdict


def test_the_strictest_rule_that_covers_a_call_holds() -> None:
    rules = ToolRules(default="deny", allow=("read*", "git"), ask=("git:*push*",), deny=("git:*push*--force*",))
    assert said(rules, "read_file", path="a") == "allow" and said(rules, "write_file", path="a") == "deny"
    assert said(rules, "git", args="status") == "allow" and said(rules, "git", args="push origin") == "ask"
    assert said(rules, "git", args="push --force") == "deny"


def test_what_can_never_be_called_is_not_shown() -> None:
    assert not DESIGN.offers("payments.send") and DESIGN.offers("db.delete_row") and DESIGN.offers("Bash", shell=True)
    closed = ToolRules(default="deny", allow=("read*",), ask=("shell:*ls*",), deny=("read_secret",))
    shown = [n for n in ("read_file", "read_secret", "write_file", "Bash") if closed.offers(n, shell=tool_class(n) == "shell")]
    assert shown == ["read_file", "Bash"], "a shell may be called in some way"
    assert ToolRules(deny=("git:*push*",)).offers("git"), "a rule on the arguments hides no tool"


@given(st.text(max_size=300))
def test_no_arguments_break_it(arguments: str) -> None:
    assert DESIGN.of("shell", arguments, shell=True) in ("allow", "ask")
    assert arguments in list(texts_of(arguments))
    assert DESIGN.of("shell", json.dumps({"x": [[{"y": f"a; rm -rf {arguments}"}]]}), shell=True) == "ask"


def test_deeply_nested_arguments_end() -> None:
    assert DESIGN.of("shell", "[" * 100_000, shell=True) == "allow"


@pytest.mark.parametrize(
    "wrong", [{"default": "maybe"}, {"deny": [""]}, {"max_calls_per_minute": 0}, {"wait_s": 0}, {"denied": ["x"]}, {"ask": "x"}]
)
def test_what_is_no_rule_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ToolRules.model_validate(wrong)


def test_only_a_rule_that_could_say_no_makes_an_answer_wait() -> None:
    assert not ToolRules().judges and not ToolRules(allow=("x",)).judges
    assert DESIGN.judges and ToolRules(default="ask").judges and ToolRules(max_calls_per_minute=1).judges
