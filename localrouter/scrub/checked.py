"""Veil, then look again: the one way from findings to a text that may leave.

Law: a first hit of the last check re-veils with what still stands (a value inside base64, say); a second refuses.
What the encoder takes for a person ("Read the file ...") and is the name of a tool of the same request is that tool: a tool whose name was
replaced could not be called. In the rest of the request only names that are words of programming count as tools, or are written as no name
is: a list of tools that holds `Marta` makes no person of that name public.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from localrouter.core.ask import Leaf, Path
from localrouter.core.errors import PrivacyUnsure
from localrouter.core.findings import Finding
from localrouter.core.kinds import DataClass
from localrouter.scrub.common_words import CODE
from localrouter.scrub.lastcheck import leaks, still_standing
from localrouter.scrub.memory import Looks
from localrouter.scrub.tokens import Minter
from localrouter.scrub.toolclass import tool_class
from localrouter.scrub.veil import Action, Veiled, veil

_WRITTEN = re.compile(r"[_.\d]|[a-z][A-Z]")


def checked(
    leaves: Sequence[Leaf],
    findings: Sequence[Sequence[Finding]],
    values: Mapping[DataClass, Action],
    minter: Minter,
    allowed: frozenset[str] = frozenset(),
    looks: Looks | None = None,
) -> Veiled:
    """What may leave. `allowed`: values that the user lets pass. `looks`: at these leaves, with what is remembered of their conversation; what may
    leave is remembered there. Raises PrivacyUnsure."""
    looks = Looks(leaves) if looks is None else looks
    findings = _without_tools(leaves, findings)
    veiled = veil(leaves, findings, values, minter, looks)
    if not leaks(veiled.texts, veiled.table, allowed, looks.veiled(veiled.texts)):
        looks.keep()
        return veiled
    more = still_standing(leaves, veiled.table, allowed)
    veiled = veil(leaves, [(*f, *m) for f, m in zip(findings, more, strict=True)], values, minter, looks)
    found = leaks(veiled.texts, veiled.table, allowed, looks.veiled(veiled.texts))
    if found:
        raise PrivacyUnsure(
            f"The last check found {', '.join(sorted(set(found)))} still in the outgoing text, so nothing was sent.",
            "`localrouter explain` shows the request; a recipe that stays local still answers.",
        )
    looks.keep()
    return veiled


def _without_tools(leaves: Sequence[Leaf], findings: Sequence[Sequence[Finding]]) -> Sequence[Sequence[Finding]]:
    """Only the encoder guesses; what a rule, a list or the user's identity found stands, whatever it is called."""
    tools = {leaf.text for leaf in leaves if leaf.where == "tool_schema" and _names_a_tool(leaf.path)}
    if not tools:
        return findings
    words = {t for t in tools if tool_class(t) != "unknown" or t.lower() in CODE or _WRITTEN.search(t)}
    return [
        [
            f
            for f in found
            if f.detector != "encoder"
            or leaf.text[f.start : f.end].strip()
            not in (tools if leaf.where == "tool_schema" and _names_a_tool(leaf.path) else words)
        ]
        if found
        else found  # most texts
        for leaf, found in zip(leaves, findings, strict=True)
    ]


def _names_a_tool(path: Path) -> bool:
    """`tools[].function.name`, `tools[].name`, and in a namespace `tools[].tools[].name`: not a "name" within a schema."""
    return path[-1] == "name" and path[0] == "tools" and not {"parameters", "input_schema"} & set(path)
