"""The texts of a record: scanned, veiled or hashed, before they are noted (law 8). What cannot be scanned is not noted, and the record says so.

Nobody waits for these scans. They are done behind those of requests, and only so much text waits for them (inspecting.py); a text is kept
until then, and nothing else of its request.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localrouter.core.ask import Leaf
from localrouter.core.errors import RouterError
from localrouter.core.findings import Finding
from localrouter.core.keeping import Texts, kept
from localrouter.core.kinds import ORDER
from localrouter.core.recipe import Route
from localrouter.daemon.services import Services
from localrouter.scrub.tokens import Minter
from localrouter.scrub.veil import veil

if TYPE_CHECKING:
    from localrouter.daemon.noting import Story

TEXT_CAP = 256 * 1024
"""Characters of outgoing text, and of the answer, that a trace keeps."""


class NotScanned(Exception):
    """A text that cannot be recorded; why, as the end of a sentence."""


@dataclass(slots=True)
class Answer:
    """What of an answer goes into its record when it was scanned. Held apart from its story, which need not wait for that."""

    text: str
    as_: Texts
    own: list[str]
    minter: Minter

    async def into(self, record: dict[str, Any], services: Services) -> None:
        try:
            said = await _veiled(services, self.text, self.own, self.minter)
        except NotScanned as exc:
            # A record that seems whole and is not would be a lie: the text says it, and the explanation.
            record["answer"] = f"(not recorded: {exc})" if self.as_ == "veiled" else ""
            record["not_scanned"] = ["answer"]
            record["explain"] += f" The text of its answer is not in this record: {exc}."
            return
        record |= {"answer": said} if self.as_ == "veiled" else {"answer_hashed": hashed(services.secret, said)}


def answer_of(services: Services, story: Story) -> Answer | None:
    """None where nothing of it is kept."""
    _, outputs = texts_kept(services, story)
    text = "".join(story.answer)
    if outputs == "none" or not text:
        return None
    minter = _minter(services, story, text)
    minter.for_the_record()
    return Answer(text, outputs, _tokens(story), minter)


async def scrubbed(
    services: Services, story: Story, text: str, *, guesses: bool = True, known: Callable[[str], bool] = lambda word: False
) -> str:
    """A reply is scrubbed before it is noted (law 8): it may name people whom the request did not. `guesses`: also by what only looks like a
    name to the encoder, unless it is a `known` word."""
    try:
        return await _veiled(
            services,
            text,
            _tokens(story),
            _minter(services, story, text),
            lambda f, said: f.detector != "encoder" or (guesses and not known(said)),
        )
    except NotScanned as exc:
        return f"(not recorded: {exc})"


async def _veiled(
    services: Services,
    text: str,
    own: list[str],
    minter: Minter,
    wanted: Callable[[Finding, str], bool] = lambda finding, said: True,
) -> str:
    """The text with what is private in it replaced. `own`: placeholders that stand in it. Raises NotScanned."""
    if not text:
        return ""
    leaf = Leaf(("answer",), text[:TEXT_CAP], "assistant", "content")
    found = services.inspection.cached([leaf])
    if found is None:
        if not services.inspection.room(len(leaf.text)):
            raise NotScanned("too many texts waited to be scanned for private values")
        try:
            found = await services.inspection.inspect([leaf], background=True)
        except RouterError:
            raise NotScanned("it could not be scanned for private values") from None

    def stays(finding: Finding) -> bool:
        said = leaf.text[finding.start : finding.end]
        # A placeholder that the model repeated is one already; a second name for it could not be compared with what left.
        return wanted(finding, said) and not any(token in said for token in own)

    return veil([leaf], [tuple(f for f in row if stays(f)) for row in found], dict.fromkeys(ORDER, "veil"), minter).texts[0]


def _tokens(story: Story) -> list[str]:
    return [entry.token for entry in story.veiled.table] if story.veiled is not None else []


def _minter(services: Services, story: Story, text: str) -> Minter:
    return story.minter or Minter(services.secret, f"{story.ask.who}\x00{story.ask.session}", "", text)


def texts_kept(services: Services, story: Story) -> tuple[Texts, Texts]:
    """What is kept of the texts that left, and of the answer."""
    route = route_of(story)
    return kept(services.texts, route.logging if route is not None else None)


def route_of(story: Story) -> Route | None:
    routes = story.recipe.route if story.recipe is not None and story.plan is not None else ()
    return next((r for r in routes if story.plan is not None and r.name == story.plan.route), None)


def hashed(secret: bytes, text: str) -> str:
    """A text that is kept as a hash: 16 hex digits of HMAC-SHA256, by which it is known again on this machine and cannot be guessed elsewhere."""
    key = hmac.digest(secret, b"localrouter recorded text", "sha256")
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex()[:16]
