"""What happened to one request, collected on its way and written as its trace: types, counts and veiled texts, never values (law 8)."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from localrouter.core import commands as c
from localrouter.core.ask import Ask
from localrouter.core.chat import Chunk
from localrouter.core.decide import Attempt, Plan
from localrouter.core.errors import ClientFault, HostRejected, RouterError
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.core.virtual import word
from localrouter.daemon.deciding import decision_of, hashed_bytes
from localrouter.daemon.explained import paragraph
from localrouter.daemon.faultlog import log_defect
from localrouter.daemon.heap import Tidying
from localrouter.daemon.local_chunks import usage_of
from localrouter.daemon.reading import told
from localrouter.daemon.recorded import TEXT_CAP, answer_of, hashed, route_of, texts_kept
from localrouter.daemon.recorded import scrubbed as scrubbed
from localrouter.daemon.services import Services
from localrouter.daemon.tool_names import names_a_tool
from localrouter.dialects import Made
from localrouter.scrub.tokens import Minter
from localrouter.scrub.veil import Veiled
from localrouter.store.decisions import Kept

log = logging.getLogger("localrouter")
_TIDYING = Tidying()


@dataclass(slots=True)
class Story:
    """One request, from the door to its settlement."""

    id: str
    ask: Ask
    at: float
    begun: float = field(default_factory=time.monotonic)
    signals: Signals = field(default_factory=Signals)
    standing: Standing | None = None
    recipe: Recipe | None = None
    recipe_version: str = ""
    plan: Plan | None = None
    attempt: Attempt | None = None
    minter: Minter | None = None
    veiled: Veiled | None = None
    error: RouterError | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    answer: list[str] = field(default_factory=list)
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    restored: dict[str, int] = field(default_factory=dict)
    usage: dict[str, Any] = field(default_factory=dict)
    cost: int = 0
    reserved: int = 0
    walked: list[dict[str, str]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    called_at: float = 0.0
    sent: bytes = b""
    names: list[bytes] | None = None
    """Of the request's leaves, by which their verdicts are known (`Inspection.names`)."""

    def begin(self, attempt: Attempt) -> None:
        """Another attempt: what the one before said is not part of the answer."""
        self.attempt = attempt
        self.attempts.append({"model": attempt.id, "lane": attempt.lane, "reserved_micro": attempt.reserve})
        self.answer.clear()
        self.tool_calls.clear()
        self.called_at = time.monotonic()

    def stepped(self, kind: str, step: str, target: str, failed: str) -> None:
        """A failure, and what the route did about it: `step` is "" where nothing was left, `target` who is asked next."""
        self.walked.append({"failed": failed, "kind": kind, "step": step, "target": target})

    def judged(self, error: RouterError | None) -> None:
        """What the contract says of the last attempt's answer: None when it holds."""
        model = self.attempt.id if self.attempt is not None else ""
        found: dict[str, Any] = {"model": model, "held": error is None}
        self.checks.append(found | ({"error": error.code, "why": error.message} if error is not None else {}))

    def person_said(self, answer: str, calls: int, seconds: float) -> None:
        """What came of tool calls that a person had to allow."""
        what = "a tool call" if calls == 1 else f"{calls} tool calls"
        said = {"allowed": "A person allowed", "denied": "A person denied", "expired": "Nobody allowed"}.get(
            answer, "Nobody could be asked for"
        )
        if self.attempts:
            self.attempts[-1].setdefault("notes", []).append(
                f"{said} {what} of {self.attempts[-1]['model']} within {seconds:.0f} s."
            )
            self.attempts[-1]["approval"] = {"answer": answer, "calls": calls, "seconds": round(seconds, 1)}

    def called(self, wire: str, crosses: bool, notes: tuple[str, ...], edits: tuple[Made, ...]) -> None:
        """How the attempt's host is spoken to, what could not be said to it, and what was changed for it on the raw plane."""
        more: dict[str, Any] = {"notes": list(notes)} if notes else {}
        if edits:
            more["edits"] = [edit._asdict() for edit in edits]
        self.attempts[-1] |= {"wire": wire, "crosses": crosses} | more

    def answered_here(self, reply: Mapping[str, Any]) -> None:
        """What the local engine said at the end: how sure the model was, how long it took, what it read and wrote. Numbers only."""
        self.usage = {k: v for k, v in asdict(usage_of(reply)).items() if v}
        self.attempts[-1] |= {key: reply[key] for key in ("confidence", "timings") if key in reply}

    def settled(self, command: c.Settle) -> None:
        self.cost += command.micro
        self.usage = {k: v for k, v in asdict(command.usage).items() if v}
        if self.attempts:
            self.attempts[-1] |= {"cost_micro": command.micro, "estimated": command.estimated, "outcome": command.outcome}
            if command.error is not None:
                self.attempts[-1] |= {"error": command.error.code, "status": command.error.status}
            if isinstance(command.error, HostRejected) and command.error.blames != "request":
                self.attempts[-1]["blames"] = command.error.blames

    def said(self, chunk: Chunk, recorded: Callable[[str], str]) -> None:
        """What the model said, with its placeholders: the record is veiled. `recorded`: a tool's name as the host knows it."""
        if chunk.content and self.attempts and "first_ms" not in self.attempts[-1]:
            self.attempts[-1]["first_ms"] = round((time.monotonic() - self.called_at) * 1000, 1)
        for piece in chunk.pieces:
            channel = piece.channel
            if channel.kind == "tool":
                if piece.tool is not None and not piece.whole:
                    name = recorded(piece.tool)
                    self.tool_calls.append({"name": name, "choice": channel.choice, "index": channel.index})
            elif channel.choice == 0 and channel.kind == "text" and not piece.whole:
                self.answer.append(piece.text)

    def headers(self, *, stream: bool) -> list[tuple[bytes, bytes]]:
        """The x-localrouter headers, as far as they are known now."""
        plan, attempt = self.plan, self.attempt
        pairs = [
            ("x-localrouter-id", self.id),
            ("x-localrouter-route", plan.route if plan else ""),
            ("x-localrouter-lane", attempt.lane if attempt else "none"),
            ("x-localrouter-model", attempt.id if attempt else ""),
            ("x-localrouter-reason", plan.reason if plan else (self.error.code if self.error else "")),
            ("x-localrouter-reserved-usd", f"{self.reserved / 1_000_000:.6f}")
            if stream
            else ("x-localrouter-cost-usd", f"{self.cost / 1_000_000:.6f}"),
        ]
        return [(k.encode(), v.encode("ascii", "replace")) for k, v in pairs]


async def note(services: Services, story: Story, outcome: str) -> None:
    """Write the trace. Never raises: an answer that was given stays given."""
    id_ = story.id
    try:
        route = route_of(story)
        record = await _record(services, story, outcome)
        decided = await _decided(services, story, record)
        answer = answer_of(services, story)
        del story  # the answer may have to wait for its scan, and what a request holds is some hundred kilobytes
        if answer is not None:
            await answer.into(record, services)
        await services.store.traces.put(record, decided, keep_days=route.logging.keep_days if route is not None else None)
    except RouterError as exc:
        log.warning("a trace could not be written: %s", exc.text)
    except Exception:
        log_defect(f"request {id_}: its trace could not be written")
    finally:
        _TIDYING.soon()


async def _decided(services: Services, story: Story, record: dict[str, Any]) -> tuple[Kept, bytes] | None:
    """The row beside the trace. A trace is worth having without it."""
    try:
        decided = await decision_of(services, story, record)
    except Exception:
        log_defect(f"request {story.id}: its decision could not be recorded")
        return None
    if decided is not None:
        record["decision"] = hashed_bytes(decided[0].body)
    return decided


async def _record(services: Services, story: Story, outcome: str) -> dict[str, Any]:
    ask, plan, attempt, error = story.ask, story.plan, story.attempt, story.error
    await _veil_words(services, story)
    prompts, _ = texts_kept(services, story)
    left = _left_machine(story) if prompts != "none" else []
    ids = (await scrubbed(services, story, "\n".join(ask.context_ids))).split("\n") if ask.context_ids else []
    return {
        "id": story.id,
        "started": story.at,
        "ms": round((time.monotonic() - story.begun) * 1000, 1),
        "who": ask.who,
        "session": ask.session,
        "agent": ask.hints.agent,
        "dialect": ask.dialect,
        "asked": _asked(services, ask.model),
        "lane": attempt.lane if attempt else "none",
        "route": plan.route if plan else "",
        "reason": plan.reason if plan else (error.code if error else ""),
        "explain": paragraph(story, outcome, await _told(services, story)),
        "model": attempt.id if attempt else "",
        "status": 499 if outcome == "client_gone" else error.status if error else 200,
        "outcome": outcome,
        "error": error.code if error else "",
        "findings": story.signals.findings,
        "data_class": story.signals.data_class,
        "signals": told(story.signals),
        "left_machine": left if prompts == "veiled" else [],
        "tokens": [e.token for e in story.veiled.table] if story.veiled else [],
        "attempts": story.attempts,
        "candidates": [asdict(w) for w in plan.weighed] if plan else [],
        "walked": story.walked,
        "checks": story.checks,
        "tool_calls": story.tool_calls,
        "context_ids": ids,
        "restored": story.restored,
        "cost_micro": story.cost,
        "reserved_micro": story.reserved,
        "usage": story.usage,
        "steps": story.steps,
        "recipe": story.recipe_version or services.recipe_version,
        "catalogue": services.catalogue.version,
        "answer": "",
        **({"left_hashed": [hashed(services.secret, text) for text in left]} if left and prompts == "hashed" else {}),
    }


async def _veil_words(services: Services, story: Story) -> None:
    """Sentences about an attempt may name a field of the request, and a model may call a tool that nobody offered, or whose name was not
    veiled on this machine: they are scanned like a reply."""
    for attempt in story.attempts:
        if "notes" in attempt:
            attempt["notes"] = [await _sentence(services, story, sentence) for sentence in attempt["notes"]]
    for check in story.checks:
        if "why" in check:
            check["why"] = await _sentence(services, story, check["why"])
    if not story.tool_calls:
        return
    offered = {leaf.text for leaf in story.ask.leaves if names_a_tool(leaf.path)}
    hosted = story.attempt is not None and story.attempt.lane == "hosted"
    seen = set(story.veiled.texts) if hosted and story.veiled is not None else set()
    for name in {call["name"] for call in story.tool_calls} - seen:
        said = await scrubbed(services, story, name, guesses=name not in offered)
        for call in story.tool_calls:
            call["name"] = said if call["name"] == name else call["name"]


async def _told(services: Services, story: Story) -> str:
    """What the client was told of a failure. Only what a host said of a request, and what names a field of it, can quote anybody."""
    error = story.error
    if error is None or (story.plan is not None and story.plan.error is error):
        return ""  # a plan's own error is its explanation
    return await _sentence(services, story, error.text) if isinstance(error, HostRejected | ClientFault) else error.text


async def _sentence(services: Services, story: Story, text: str) -> str:
    """A sentence of ours that may quote somebody. The encoder takes the names of hosts in it for people's; those are no secret."""
    names = {name.lower() for name in (*services.catalogue.hosts, *services.catalogue.models)}
    return await scrubbed(services, story, text, known=lambda word: word.lower() in names)


def _asked(services: Services, name: str) -> str:
    """The model that the client named, when it is one; its text is the client's, and may be anything."""
    known = (
        bool(word(name)) or name == "local:chat" or name in services.local.targets or services.catalogue.find(name) is not None
    )
    return name if known else "(not in the catalogue)"


def _left_machine(story: Story) -> list[str]:
    if story.veiled is None:
        return []
    out: list[str] = []
    room = TEXT_CAP
    leaves = story.ask.leaves if len(story.ask.leaves) == len(story.veiled.texts) else ()
    for at, text in enumerate(story.veiled.texts):
        if leaves and leaves[at].where == "tool_schema" and _left_out(text, story.sent):
            continue
        if room <= 0:
            out.append("(more was sent; the trace keeps its first part)")
            break
        out.append(text[:room])
        room -= len(text)
    return out


def _left_out(text: str, sent: bytes) -> bool:
    """Whether a text of a tool's definition is not in what was sent, as when the tool was left out on the way. `sent`: b"" where all of them
    were sent."""
    return bool(sent) and orjson.dumps(text)[1:-1] not in sent and json.dumps(text)[1:-1].encode() not in sent
