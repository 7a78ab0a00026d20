"""The trace of a request that never leaves this machine (embeddings, rerank, infill): it is a request like any other.

Nothing is scanned before the answer, since nothing leaves. Behind it the texts are scanned for the record, up to SCANNED characters of
them: an index of a whole disk must not keep the scan from the requests that wait for it. The record holds counts, and no text.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from localrouter.core.ask import Ask, Leaf, Needs
from localrouter.core.errors import RouterError
from localrouter.core.findings import Finding
from localrouter.core.kinds import strictest
from localrouter.daemon.local_chunks import usage_of
from localrouter.daemon.noting import log
from localrouter.daemon.reading import classes_of
from localrouter.daemon.services import Services


@dataclass(frozen=True, slots=True)
class Kind:
    """What was asked: the record's name for its API, its one step, and its sentence with places for `what`, `tokens` and `model`."""

    dialect: str
    step: str
    done: str


EMBEDDING = Kind(
    "openai_embeddings",
    "embed",
    "Made vectors of {what} ({tokens} tokens) on this machine with {model}; nothing left it and it costs nothing.",
)
SCANNED = 4096
"""Characters: of prose, half a second of the encoder."""


async def note_embedding(
    services: Services,
    request_id: str,
    model: str,
    texts: list[str],
    tokens: int,
    begun: tuple[float, float],
    error: RouterError | None,
    kind: Kind = EMBEDDING,
    told: Mapping[str, Any] | None = None,
) -> None:
    """Write the trace. `begun`: the request's start by the wall clock (epoch seconds) and by the monotonic one. `error` is what the client
    was told of a failure; a client that left before the end is an error of status 499. `told`: what the engine said at its end. Never raises."""
    ms = round((time.monotonic() - begun[1]) * 1000, 1)
    try:
        findings, seen = await _found(services, texts)
        record = _record(services, request_id, model, texts, tokens, begun[0], ms, error, findings, seen, kind)
        if told:
            record["usage"] = {k: v for k, v in asdict(usage_of(told)).items() if v}
            for attempt in record["attempts"]:
                attempt |= {key: told[key] for key in ("confidence", "timings") if key in told}
        await services.store.traces.put(record)
    except RouterError as exc:
        log.warning("a trace could not be written: %s", exc.text)


async def _found(services: Services, texts: list[str]) -> tuple[list[tuple[Finding, ...]], int]:
    """(findings, how many characters were scanned); none were when the scan is not to be had."""
    leaves: list[Leaf] = []
    room = SCANNED
    for at, text in enumerate(texts):
        if room <= 0:
            break
        leaves.append(Leaf(("input", at), text[:room], "user", "input"))
        room -= len(leaves[-1].text)
    size = sum(len(leaf.text) for leaf in leaves)
    found = services.inspection.cached(leaves)
    if found is not None:
        return found, size
    if not services.inspection.room(size):
        return [], 0
    try:
        return list(await services.inspection.inspect(leaves, background=True)), size
    except RouterError:
        return [], 0


def _record(
    services: Services,
    request_id: str,
    model: str,
    texts: list[str],
    tokens: int,
    started: float,
    ms: float,
    error: RouterError | None,
    findings: list[tuple[Finding, ...]],
    seen: int,
    kind: Kind,
) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for row in findings:
        for finding in row:
            counts[finding.type] = counts.get(finding.type, 0) + 1
    ask = Ask(kind.dialect, {}, (), model, Needs(), None, 1, 0)
    size = sum(map(len, texts))
    what = "one text" if len(texts) == 1 else f"{len(texts)} texts"
    explain = kind.done.format(what=what, tokens=tokens, model=model)
    if error is not None:
        explain = f"{kind.step.capitalize()} was asked of {what}. It ended with an error: {error.text}"
    if seen < size:
        explain += (
            f" Of its {size} characters {seen} were scanned for this record."
            if seen
            else " Its texts could not be scanned for this record."
        )
    return {
        "id": request_id,
        "started": started,
        "ms": ms,
        "who": ask.who,
        "session": "",
        "agent": "",
        "dialect": kind.dialect,
        "asked": model,
        "lane": "local" if error is None else "none",
        "route": "",
        "reason": f"{kind.dialect.rpartition('_')[2]}:local" if error is None else error.code,
        "explain": explain,
        "model": model if error is None else "",
        "status": 200 if error is None else error.status,
        "outcome": "done" if error is None else "client_gone" if error.status == 499 else "failed",
        "error": error.code if error is not None else "",
        "findings": counts,
        "data_class": strictest(sorted(classes_of(ask, findings))) if findings else "public",
        "signals": {},
        "left_machine": [],
        "tokens": [],
        "attempts": [{"model": model, "lane": "local", "reserved_micro": 0, "cost_micro": 0, "outcome": "done"}]
        if error is None
        else [],
        "candidates": [],
        "tool_calls": [],
        "context_ids": [],
        "restored": {},
        "cost_micro": 0,
        "reserved_micro": 0,
        "usage": {"input": tokens} if tokens else {},
        "steps": [{"name": kind.step, "ms": ms}],
        "recipe": services.recipe_version,
        "catalogue": services.catalogue.version,
        "answer": "",
    }
