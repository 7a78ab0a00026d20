"""The trace of an embedding request: it is a request like any other, answered on this machine by the small model that ships with it.

Nothing is scanned before the answer, since nothing leaves. Behind it the texts are scanned for the record, up to SCANNED characters of
them: an index of a whole disk must not keep the scan from the requests that wait for it. The record holds counts, and no text.
"""

from __future__ import annotations

import time
from typing import Any

from localrouter.core.ask import Ask, Leaf, Needs
from localrouter.core.errors import RouterError
from localrouter.core.findings import Finding
from localrouter.core.kinds import strictest
from localrouter.daemon.noting import log
from localrouter.daemon.reading import classes_of
from localrouter.daemon.services import Services

SCANNED = 4096
"""Characters: of prose, half a second of the encoder."""
DIALECT = "openai_embeddings"


async def note_embedding(
    services: Services,
    request_id: str,
    model: str,
    texts: list[str],
    tokens: int,
    begun: tuple[float, float],
    error: RouterError | None,
) -> None:
    """Write the trace. `begun`: the request's start by the wall clock (epoch seconds) and by the monotonic one. `error` is what the client
    was told of a failure; a client that left before the end is an error of status 499. Never raises."""
    ms = round((time.monotonic() - begun[1]) * 1000, 1)
    try:
        findings, seen = await _found(services, texts)
        await services.store.traces.put(_record(services, request_id, model, texts, tokens, begun[0], ms, error, findings, seen))
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
    try:
        return list(await services.inspection.inspect(leaves)), sum(len(leaf.text) for leaf in leaves)
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
) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for row in findings:
        for finding in row:
            counts[finding.type] = counts.get(finding.type, 0) + 1
    ask = Ask(DIALECT, {}, (), model, Needs(), None, 1, 0)
    size = sum(map(len, texts))
    what = "one text" if len(texts) == 1 else f"{len(texts)} texts"
    explain = f"Made vectors of {what} ({tokens} tokens) on this machine with {model}; nothing left it and it costs nothing."
    if error is not None:
        explain = f"Vectors of {what} were asked for. It ended with an error: {error.text}"
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
        "dialect": DIALECT,
        "asked": model,
        "lane": "local" if error is None else "none",
        "route": "",
        "reason": "embeddings:local" if error is None else error.code,
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
        "steps": [{"name": "embed", "ms": ms}],
        "recipe": services.recipe_version,
        "catalogue": services.catalogue.version,
        "answer": "",
    }
