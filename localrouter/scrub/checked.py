"""Veil, then look again: the one way from findings to a text that may leave.

Law: a first hit of the last check re-veils with what still stands (a value inside base64, say); a second refuses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from localrouter.core.ask import Leaf
from localrouter.core.errors import PrivacyUnsure
from localrouter.core.findings import Finding
from localrouter.core.kinds import DataClass
from localrouter.scrub.lastcheck import leaks, still_standing
from localrouter.scrub.tokens import Minter
from localrouter.scrub.veil import Action, Veiled, veil


def checked(
    leaves: Sequence[Leaf],
    findings: Sequence[Sequence[Finding]],
    values: Mapping[DataClass, Action],
    minter: Minter,
    allowed: frozenset[str] = frozenset(),
) -> Veiled:
    """What may leave. `allowed`: values that the user lets pass. Raises PrivacyUnsure."""
    veiled = veil(leaves, findings, values, minter)
    if not leaks(veiled.texts, veiled.table, allowed):
        return veiled
    more = still_standing(leaves, veiled.table, allowed)
    veiled = veil(leaves, [(*f, *m) for f, m in zip(findings, more, strict=True)], values, minter)
    found = leaks(veiled.texts, veiled.table, allowed)
    if found:
        raise PrivacyUnsure(
            f"The last check found {', '.join(sorted(set(found)))} still in the outgoing text, so nothing was sent.",
            "`localrouter explain` shows the request; a recipe that stays local still answers.",
        )
    return veiled
