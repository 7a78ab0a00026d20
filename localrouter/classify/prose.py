"""The person's words in the two ways that rules read them: prose without its code, and where an instruction stands (the beginning and the end)."""

from __future__ import annotations

import re
from dataclasses import dataclass

HEAD, TAIL = 280, 180
"""Characters in which an instruction is looked for."""
_FENCE = re.compile(r"```[^\n`]{0,40}\n?(.*?)(?:```|\Z)", re.S)
_CODE_LINE = re.compile(
    r"^\s*(?:def \w+\(|class \w+[:({]|async def |from [\w.]+ import |import \w+|#include\s*<|using namespace |public (?:static |class |void )|private \w+ \w+"
    r"|function \w*\(|(?:const|let|var) \w+ ?=|return [\w\[{(\"']|if ?\(.*\) ?\{|for ?\(.*\) ?\{|while ?\(.*\) ?\{|fn \w+\(|func \w+\(|package \w+;?$|use \w+::|SELECT .{1,200}FROM"
    r"|INSERT INTO |CREATE TABLE |<\?php|<!DOCTYPE|</?(?:div|html|body|span|script|head|template)\b|@\w+\(|\}\s*(?:else|catch)|>>> |\$ \w+ |elif |print\(|console\.log)",
    re.M,
)  # fmt: skip
_SYMBOLS = ("==", "!=", "::", "->", "=>", "()", "{\n", ";\n", "}\n", "):\n", " = ", "&&", "||")


_RAW = re.compile(
    r"^\s*(?:#|//|/\*|\*|--|\"\"\"|\'\'\'|import |from \w|def |class |return\b|if\b.*[:{]|for\b.*[:{]|while\b.*[:{]|else|elif|try|except|@\w|\}|\)|\]|fn |func |let |const |var |public |private |SELECT |FROM |WHERE )"
    r"|[;{}:(,\[]\s*$|^\s*[\w.\[\]'\", ]{1,60}\s?[-+*/|&]?=\s?\S|^\s*[\w.]+\(.*\)\s*;?$|^(?: {4,}|\t)\S"
)
_OPEN_END = re.compile(r"(?:[:{(,=\[.]|\"\"\"|\'\'\'|\*/|\breturn|\n[ \t]+|#[^\n]*|//[^\n]*)\s*\Z")
_LINES = 60


@dataclass(frozen=True, slots=True)
class Prose:
    """`text`: without fenced code; `head`, `tail`: its ends in lower case, with single spaces. `fenced`: characters of fenced code. `code`: lines
    that look like code, outside fences and in them. `lines`: all lines. `raw`: nothing but code was sent; `open`: and it breaks off."""

    text: str
    head: str
    tail: str
    fenced: int
    code: int
    lines: int
    raw: bool = False
    open: bool = False


def prose(words: str) -> Prose:
    """Of the person's words."""
    fenced = 0
    text = words
    if "```" in words:
        text = _FENCE.sub("\n", words)
        fenced = len(words) - len(text)
    lines = words.count("\n") + 1
    code = len(_CODE_LINE.findall(words[:3072]))
    if lines > 2:
        start = words[:2048]
        code += sum(map(start.count, _SYMBOLS)) // 3
    head = " ".join(text[:HEAD].lower().split())
    tail = " ".join(text[-TAIL:].lower().split()) if len(text) > HEAD else ""
    raw = not fenced and lines > 1 and _is_raw(words)
    return Prose(text, head, tail, fenced, code, lines, raw, raw and _breaks_off(words))


def _is_raw(words: str) -> bool:
    """Whether eight lines of ten read like code; what stands in a docstring is not looked at."""
    rows = [line for line in words[:4096].splitlines()[:_LINES] if line.strip()]
    good, inside = 0, False
    for line in rows:
        marks = line.count('"""') + line.count("'''")
        good += inside or marks > 0 or _RAW.search(line) is not None
        inside ^= marks % 2 == 1
    return len(rows) > 1 and good >= 0.8 * len(rows)


def _breaks_off(words: str) -> bool:
    """Whether code ends where more must follow: at an opening, in a block, or with a bracket that nothing closes."""
    if _OPEN_END.search(words[-120:]):
        return True
    return words.count("{") > words.count("}") or words.count("(") > words.count(")")
