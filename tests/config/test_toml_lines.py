"""Every key of a TOML file has its line, judged against what `tomllib` reads."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localrouter.config.toml_lines import line_of, lines

ROOT = Path(__file__).resolve().parents[2]
FILES = [ROOT / "models.toml", ROOT / "pyproject.toml", *sorted((ROOT / "recipes").glob("*.toml"))]


def paths(node: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*at, key)
        yield from paths(value, (*at, key))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_every_key_of_a_real_file(file: Path) -> None:
    text = file.read_text()
    found, rows = lines(text), text.splitlines()
    assert set(found) == set(paths(tomllib.loads(text)))
    for path, line in found.items():
        if isinstance(path[-1], str):
            assert path[-1] in rows[line - 1], (path, line)


def test_what_is_hard() -> None:
    text = (
        'a = """x\n[b]\nc = 1\n"""\n'
        "[t.'x.y']  # [no]\n"
        "k = [1,\n  {z = \"q # ]\", 'w v' = [ 2 ]}, # c\n]\n"
        "[[r]]\nn = '''\n[[r]]'''\n[r.f]\n\"q\\\"p\" = 2\n[[r]]\nm.d = 3\n[[r.s]]\nu = 1\n[[r.s]]\nu = 2\n[[r]]\n[[r.s]]\nu = 3\n"
    )
    found = lines(text)
    assert found[("t", "x.y", "k", 1, "w v", 0)] == 7 and found[("r", 0, "f")] == 12
    assert found[("r", 1, "m", "d")] == 15 and found[("r", 1, "s", 1, "u")] == 19 and found[("r", 2, "s", 0, "u")] == 22
    assert ("b",) not in found and ("no",) not in found
    assert line_of(found, ("r", 1, "nosuch", "key")) == 14 and line_of(found, ("nosuch",)) == 1


scalars = st.one_of(st.integers(-9, 9), st.booleans(), st.sampled_from(['"a # b"', "'c]'", '"""d\n[e]"""', "1979-05-27", "0.5"]))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(scalars, max_size=3), st.booleans()), max_size=6))
def test_generated_lists_of_tables(rows: list[tuple[str, list[Any], bool]]) -> None:
    out, wanted = [], {}
    for i, (key, values, split) in enumerate(rows):
        out.append("[[row]]")
        written = [str(v).lower() if isinstance(v, bool) else str(v) for v in values]
        text = f"{key} = [{(', ' if not split else ',' + chr(10)).join(written)}]"
        wanted[("row", i, key)] = "\n".join(out).count("\n") + 2
        out.append(text)
    text = "\n".join(out) + "\n"
    tree = tomllib.loads(text)
    found = lines(text)
    assert set(found) == set(paths(tree)) and {k: found[k] for k in wanted} == wanted
