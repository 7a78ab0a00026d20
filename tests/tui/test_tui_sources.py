"""The sources of the TUI: no markup is parsed, and no text is put together where it would not pass `untrusted`."""

from __future__ import annotations

import ast
from pathlib import Path

import localrouter_tui
import pytest

SOURCES = sorted(Path(localrouter_tui.__file__).parent.rglob("*.py"))
# Calls whose text goes to the screen as it is given.
SHOWN = {
    "Static",
    "Label",
    "Text",
    "Content",
    "append",
    "append_text",
    "update",
    "assemble",
    "add_row",
    "notify",
    "write",
    "say_plain",
}
BANNED = {"from_markup", "from_ansi", "notify", "Label", "RichLog", "Log", "Markdown", "border_title"}
ATTRIBUTES = {"border_title", "border_subtitle", "title", "sub_title", "tooltip", "placeholder"}


def faults(source: str, name: str = "x.py") -> list[str]:
    """What a source does that it must not."""
    out = []
    for node in ast.walk(ast.parse(source)):
        line = f"{name}:{getattr(node, 'lineno', 0)}"
        if (
            isinstance(node, ast.keyword)
            and node.arg == "markup"
            and not (isinstance(node.value, ast.Constant) and node.value.value is False)
        ):
            out.append(f"{line} markup is on")
        if isinstance(node, ast.Attribute | ast.Name) and (node.attr if isinstance(node, ast.Attribute) else node.id) in BANNED:
            out.append(f"{line} a banned name")
        if isinstance(node, ast.Call):
            called = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else node.func.id
                if isinstance(node.func, ast.Name)
                else ""
            )
            if called == "Static" and not any(k.arg == "markup" for k in node.keywords):
                out.append(f"{line} Static without markup=False")
            if called in SHOWN and any(_made(a) for a in node.args):
                out.append(f"{line} {called} of a text put together")
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr in ATTRIBUTES and not isinstance(node.value, ast.Constant):
                    out.append(f"{line} {target.attr} is parsed as markup")
    return out


def _made(node: ast.expr) -> bool:
    """An f-string, a concatenation with one, `%` or `.format`."""
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mod) or _made(node.left) or _made(node.right)
    if isinstance(node, ast.Tuple):
        return _made(node.elts[0]) if node.elts else False
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"


@pytest.mark.parametrize("file", SOURCES, ids=lambda f: f.name)
def test_sources(file: Path) -> None:
    assert faults(file.read_text(), file.name) == []


@pytest.mark.parametrize(
    "source",
    [
        "Static(markup=True)", "Static()", "Static(f'{x}', markup=False)", "self.notify('x')", "Text.from_markup(x)", "panel.update(f'{x}')",
        "w.border_title = x", "out.append('%s' % x)", "Text.assemble((f'{x}', 'bold'))", "Text('a' + f'{x}')", "Text('{}'.format(x))", "Label('x')",
    ],
)  # fmt: skip
def test_the_check_can_fail(source: str) -> None:
    assert faults(source)
