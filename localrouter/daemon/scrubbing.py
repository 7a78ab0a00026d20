"""Texts scrubbed without a daemon: the same privacy scan, in the same child process, and the same veil as a request gets.

It knows nothing of files and terminals (`localrouter scrub` does), and sends nothing anywhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localrouter.config.identity import own_identity
from localrouter.config.paths import Paths, install_secret
from localrouter.config.recipes import load_recipe
from localrouter.config.settings import load_settings
from localrouter.core.ask import Leaf
from localrouter.core.findings import Finding
from localrouter.core.kinds import ORDER, DataClass, kind
from localrouter.daemon.inspecting import Inspection
from localrouter.scrub.checked import checked
from localrouter.scrub.tokens import Minter, TokenTable
from localrouter.scrub.veil import Action, Veiled, taken

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Row:
    """One private span of the input: `start` and `end` in code points. `detector` is "sweep" for a value that was found elsewhere
    in the text, and "last_check" for one that stood there in another spelling. `action`: what the recipe does with its class.
    `token` is empty where that is "pass"."""

    type: str
    start: int
    end: int
    score: float
    detector: str
    tier: str
    action: Action
    token: str = ""

    def json(self) -> dict[str, Any]:
        return {
            "type": self.type, "start": self.start, "end": self.end, "score": round(self.score, 3), "detector": self.detector,
            "tier": self.tier, "action": self.action,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """What would leave, what was found, and the table that turns the tokens back."""

    veiled: str
    rows: list[Row]
    table: TokenTable

    @property
    def stays(self) -> bool:
        """Whether a request with this text would not leave at all, whatever is veiled (a private key)."""
        return any(kind(row.type).keep_local for row in self.rows)


class Scrubber:
    """An asynchronous context manager around one privacy scan. `recipe`: a name, or None for the one in force.
    Raises ConfigFault and PathFault when made; LaneFault when the scan cannot start."""

    def __init__(self, recipe: str | None = None, paths: Paths | None = None) -> None:
        paths = paths or Paths.default()
        paths.ensure()
        settings = load_settings(paths)
        policy = load_recipe(recipe or settings.recipe, paths.recipe_dirs())
        self._values: Mapping[DataClass, Action] = {name: policy.rule(name).values for name in ORDER}
        self._secret = install_secret(paths)
        self._allowed = settings.privacy.exact()
        self._inspection = Inspection(self._secret, own_identity(), settings.privacy.options())

    async def __aenter__(self) -> Scrubber:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._inspection.stop()

    async def scrub(self, text: str, session: str = "") -> Scrubbed:
        """One text. Tokens are the same for the same `session`; without one, for the same text. A lone surrogate, which is no
        character, becomes U+FFFD. Raises PrivacyUnsure."""
        text = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
        leaf = Leaf(("text",), text, "user", "")
        if not text:
            return Scrubbed("", [], TokenTable())
        findings = (await self._inspection.inspect([leaf]))[0]
        name = session or hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=self._secret).hexdigest()
        minter = Minter(self._secret, f"scrub\x00{name}", "", taken([leaf]))
        veiled = checked([leaf], [findings], self._values, minter, self._allowed)
        return Scrubbed(veiled.texts[0], _rows(veiled, findings, self._values), veiled.table)


def restore(text: str, table: TokenTable) -> tuple[str, int, int]:
    """(the text with every known token as its value, how many were restored, how many tokens are unknown). One pass. This is for the
    user's own file on the user's own machine: the restore table for a model's answers (DESIGN section 7) is `unveil`'s."""
    done = unknown = 0
    out: list[str] = []
    at = 0
    for match in table.pattern.finditer(text):
        entry, ours = table.lookup(match)
        if entry is None:
            unknown += ours
            continue
        out += (text[at : match.start()], entry.value)
        at = match.end()
        done += 1
    return "".join([*out, text[at:]]), done, unknown


def _rows(veiled: Veiled, findings: Sequence[Finding], values: Mapping[DataClass, Action]) -> list[Row]:
    by_token = {entry.token: entry for entry in veiled.table}
    rows: list[Row] = []
    shift = 0  # what the tokens so far are longer than their values
    for start, end, token in veiled.marks[0]:
        entry = by_token[token]
        first = start - shift
        last = first + len(entry.value)
        shift += (end - start) - len(entry.value)
        own = [f for f in findings if f.start < last and f.end > first]
        best = max(own, key=lambda f: (f.type == entry.type, f.score), default=Finding(first, last, entry.type, 1.0, "sweep"))
        action = values.get(kind(entry.type).data_class, "veil")
        rows.append(Row(entry.type, first, last, best.score, best.detector, entry.tier, action, token))
    for f in findings:
        if values.get(kind(f.type).data_class, "veil") == "pass" and not any(r.start < f.end and r.end > f.start for r in rows):
            rows.append(Row(f.type, f.start, f.end, f.score, f.detector, kind(f.type).tier, "pass"))
    return sorted(rows, key=lambda r: (r.start, r.end))
