"""The template language of the training set, and the writer that keeps spans exact.

A template is text with two kinds of holes, marked by characters that no code, log or prose of ours uses:

- `‹a|b|›` picks one branch; branches nest and may be empty.
- `«kind»` is a value (`«person»`), a named clause (`«:greeting»`) or a value that belongs to somebody (`«email:1»`
  is the address of person 1, `«‹date|city›»` one of two kinds; what is asked for twice under one key is the same person). `!u`, `!l` and `!s` at the
  end write it in capitals, in small letters, or as a slug (`jane-doe`).

A form file (`*.txt` in this folder) has one template a line; `\\n` and `\\t` stand for the characters. A block of
several lines stands between two lines `%%`. `:name = ...` defines a clause (several definitions of one name add up),
`# ` at the start of a line outside a block is a comment, `@weight 2.5` sets the file's share of the data set,
`@lang de` its language, `@many 4` that up to four templates of it are put one after another (joined by a blank, a
line end with `@sep line`, or a blank line with `@sep blank`; people keep their keys across them), and `@word NAME = a | b | c` defines a list that `«:NAME»` draws from.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

SALT = "70"
"""Which templates are held out depends on it; chosen so that every type of value occurs on the validation side."""
TOKEN = re.compile("([‹›|]|«[^«»]+»)")
Node = str | tuple["Node", ...] | list["Node"]
"""Text, a slot (text that starts with «), a sequence (tuple) or a choice (list)."""


def held_out(key: str, share: float = 0.08) -> bool:
    """Whether a template, name or value belongs to the validation side: fixed by its text alone, so never on both."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") < share * 2**32


def parse(template: str) -> Node:
    """Read one template into its tree. Raises ValueError when the brackets do not match."""
    stack: list[list[list[Node]]] = [[[]]]
    for part in TOKEN.split(template):
        if part == "‹":
            stack.append([[]])
        elif part == "|" and len(stack) > 1:
            stack[-1].append([])
        elif part == "›":
            if len(stack) == 1:
                raise ValueError(f"unopened › in {template!r}")
            choice: list[Node] = [tuple(branch) for branch in stack.pop()]
            stack[-1][-1].append(choice)
        elif part.startswith("«‹"):
            kinds, _, rest = part[2:].partition("›")
            stack[-1][-1].append([(f"«{kind}{rest}",) for kind in kinds.split("|")])
        elif part:
            stack[-1][-1].append(part)
    if len(stack) != 1:
        raise ValueError(f"unclosed ‹ in {template!r}")
    return tuple(stack[0][0])


class Writer:
    """Text under construction and its spans (code points)."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.spans: list[tuple[int, int, str]] = []

    def put(self, text: str, kind: str = "") -> None:
        if kind and text:
            self.spans.append((self.length, self.length + len(text), kind))
        self.parts.append(text)
        self.length += len(text)

    def text(self) -> str:
        return "".join(self.parts)


@dataclass
class Form:
    """One file of templates: its name, share, language, and templates split by their own text."""

    name: str
    weight: float
    lang: str
    many: int = 1
    sep: str = " "
    train: list[Node] = field(default_factory=list)
    valid: list[Node] = field(default_factory=list)


class Grammar:
    """All form files of a folder: `forms` by name and the clauses they share."""

    def __init__(self, folder: Path) -> None:
        self.forms: dict[str, Form] = {}
        self.clauses: dict[str, list[Node]] = {}
        for path in sorted(folder.glob("*.txt")):
            self._read(path)

    def _read(self, path: Path) -> None:
        form = Form(path.stem, 1.0, "en")
        block: list[str] | None = None
        texts: list[str] = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if line == "%%":
                if block:
                    texts.append(unescape("\n".join(block)))
                block = []
            elif block is not None and line == "%end":
                if block:
                    texts.append(unescape("\n".join(block)))
                block = None
            elif block is not None:
                block.append(line)
            elif line.startswith("@weight "):
                form.weight = float(line.split()[1])
            elif line.startswith("@lang "):
                form.lang = line.split()[1]
            elif line.startswith("@many "):
                form.many = int(line.split()[1])
            elif line.startswith("@sep "):
                form.sep = {"line": "\n", "blank": "\n\n"}[line.split()[1]]
            elif line.startswith("@word "):
                name, _, words = line[6:].partition(" = ")
                self.clauses.setdefault(name.strip(), []).extend(w.strip() for w in words.split(" | "))
            elif line.startswith(":") and " = " in line:
                name, _, body = line[1:].partition(" = ")
                self.clauses.setdefault(name.strip(), []).append(parse(unescape(body)))
            elif line.strip() and not line.startswith("# "):
                texts.append(unescape(line))
        self._split(form, texts)
        if form.train:
            self.forms[form.name] = form

    @staticmethod
    def _split(form: Form, texts: list[str]) -> None:
        """A tenth of the templates, at least one where there are four, are for validation: those with the lowest hash."""
        order = sorted(texts, key=lambda t: hashlib.sha256((SALT + t).encode()).digest())
        cut = max(len(order) // 10, 1) if len(order) >= 4 else 0
        held = set(order[:cut])
        for text in texts:
            (form.valid if text in held else form.train).append(parse(text))

    def write(self, node: Node, out: Writer, rng: Random, value: Callable[[str, Writer], None]) -> None:
        """Expand a tree into `out`; `value` writes what stands in a slot."""
        if isinstance(node, str):
            if not node.startswith("«"):
                out.put(node)
            elif node.startswith("«:"):
                self.write(rng.choice(self.clauses[node[2:-1]]), out, rng, value)
            else:
                value(node[1:-1], out)
        elif isinstance(node, list):
            self.write(rng.choice(node), out, rng, value)
        else:
            for child in node:
                self.write(child, out, rng, value)


def unescape(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t")
