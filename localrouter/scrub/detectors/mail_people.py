"""People beside their addresses: mail headers, git authors and trailers, `git blame`, changelogs, package metadata. Name and address are both found.

Any `Name <local@host>` names a person, wherever it stands; a header without an address (`Author: Jane Doe`) does too. Lists, teams and bots do not.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._people import FULL, named

NAME = "mail_people"
NAME_MAX = 64
"""Characters of a display name that are looked at before `<`."""

_ADDRESS = re.compile(r"<(?:mailto:)?[^<>\s@]{1,64}@[^<>\s@]{1,255}>")
_NOBODY = re.compile(
    r"(?i)<(?:mailto:)?(?:no-?_?reply|do-?not-?reply|[^@>]*\[bot\]|support|info|security|bugs?|dev|admin|announce|help)@"
)
_DISPLAY = re.compile(
    r"(?:\"(?P<q>[^\"\n<>@]{2,60})\"|'(?P<s>[^'\n<>@]{2,60})'|(?P<n>[^\W\d_][\w.'’‘ \u00a0\-]{1,60}?))\s{0,3}\Z"
)
_START = re.compile(r"(?:^|[\n\r\t;:,>(\[\"'`=|+*]|--|\bby|\bauthor|\bcommitter|\btagger|\bFrom|\bTo|\bCc)[ \u00a0]{0,4}\Z")
_HEADER = re.compile(
    rf"(?m)^[ \t>#*/|+-]{{0,8}}(?:@author[ \t]{{1,8}}|(?:[Aa]uthors?|[Cc]ommitter|[Mm]aintainers?|[Rr]eviewers?|[Aa]ssignees?|[Rr]eporter|From|To|Cc|Bcc|Reply-To|Sender|[A-Z][a-z]+(?:-[a-z]+)?-by|De|À|Von|An|Para|Da|Van|Aan)[ \t]{{0,4}}:[ \t]{{0,8}})({FULL})(?=[ \t]*(?:$|[,;(<\[\r]))"
)
_BLAME = re.compile(
    rf"(?m)^\^?[0-9a-f]{{7,40}}(?: [^\s(]+)? \(({FULL}|[\w.-]+(?: [\w.-]+){{0,3}})\s+\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d"
)
_WORDS = ("uthor", "ommitter", "aintainer", "eviewer", "ssignee", "eporter", "-by:", "From:", "To:", "Cc:", "Bcc:", "Sender:", "Von:", "An:", "De:", "À:", "Para:", "Da:", "Van:", "Aan:")  # fmt: skip


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    if "<" in text and "@" in text:
        for m in _ADDRESS.finditer(text):
            found = _display(text, m.start())
            if found and not _NOBODY.match(m[0]):
                out.append(found)
    if any(word in text for word in _WORDS):
        out += [Finding(m.start(1), m.end(1), "PERSON", 0.75, NAME) for m in _HEADER.finditer(text) if named(m[1])]
    if " (" in text:
        out += [
            Finding(m.start(1), m.end(1), "PERSON", 0.8, NAME)
            for m in _BLAME.finditer(text)
            if named(m[1]) and m[1] != "Not Committed Yet"
        ]
    return out


def _display(text: str, at: int) -> Finding | None:
    """The display name that ends before an address at `at`, or None."""
    low = max(0, at - NAME_MAX)
    head = text[low:at]
    cut = max(head.rfind("\n"), head.rfind(">"))
    head = head[cut + 1 :]
    base = at - len(head)
    m = _DISPLAY.search(head)
    if m is None:
        return None
    group = "q" if m["q"] else "s" if m["s"] else "n"
    start, value = base + m.start(group), m[group]
    if group == "n":
        start, value = _unquoted(head, base, m)
    if not value:
        return None
    if not named(value) or "@" in value or not any(c.isalpha() for c in value) or len(value) < 2:
        return None
    return Finding(start, start + len(value), "PERSON", 0.85, NAME)


def _unquoted(head: str, base: int, m: re.Match[str]) -> tuple[int, str]:
    """A bare name begins after a header, a separator or the line's start; inside a sentence only its capitalised words count."""
    value = head[m.start("n") : m.end("n")].rstrip()
    for label in re.finditer(
        r"(?:^|[\s(])(?:[\w-]+-by|by|author|committer|tagger|from|to|cc|and|und|et|y|is|mail|write|contact|ask|ping|at)[: ]\s*",
        value,
        re.I,
    ):
        value = value[label.end() :] if label.end() < len(value) else value
        break
    end = m.start("n") + len(head[m.start("n") : m.end("n")].rstrip())
    start = end - len(value)
    if (not _START.search(head[:start]) and start > 0) or len(value.split()) > 4:
        capital = re.search(rf"({FULL})\Z", value)
        value = capital[1] if capital else ""
        start = end - len(value)
    return base + start, value
