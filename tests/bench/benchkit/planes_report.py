"""The tables of the planes: one line a route, what localrouter adds to a direct call of the same run, in milliseconds and as a ratio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchkit.planes import AGENT_ROUTES, AGENTS, ROUTES, SHORT, TOKEN_GOAL, TOKENS, Column, name
from benchkit.report import Reader, number
from benchkit.scenarios import Book

TOKEN = "each further token"


def rows(book: Book) -> list[dict[str, Any]]:
    """A row is a route in one of the two tables, with its cells; also those that nobody measured."""
    r = Reader(book, ("direct", "localrouter"))
    out: list[dict[str, Any]] = []
    for table, routes, columns in (("short", ROUTES, SHORT), ("agents", AGENT_ROUTES, AGENTS)):
        for api, wire in routes:
            cells = [_cell(r, column, api, wire) for column in columns]
            if table == "short":
                cells.append(_per_token(r, api, wire))
            out.append(
                {"table": table, "client": api, "host": wire, "plane": "raw" if api == wire else "neutral", "cells": cells}
            )
    return out


def _cell(r: Reader, column: Column, api: str, wire: str) -> dict[str, Any]:
    measure = name(column.measure, api, wire)
    values = r.absolute(measure, column.p, column.field)
    own, direct = values["localrouter"], values["direct"]
    added = None if own is None or direct is None else own - direct
    return {
        "what": column.what,
        "n": len(r.pooled(measure, "localrouter", column.field)),
        "direct_ms": direct,
        "localrouter_ms": own,
        "added_ms": added,
        "ratio": own / direct if own is not None and direct else None,
        "rounds_min_max": r.spread(measure, column.p, column.field),
        "goal_ms": column.goal,
        "reached": None if added is None or column.goal is None else added <= column.goal,
    }


def _per_token(r: Reader, api: str, wire: str) -> dict[str, Any]:
    """What is added to the whole of a stream less what is added to its first token, for each of the others. The host's closing events, in
    which Responses repeats all of the text, are the last one's."""
    measure = name("stream", api, wire)
    whole, first = r.added(measure, 0.5)["localrouter"], r.added(measure, 0.5, "first_us")["localrouter"]
    added = None if whole is None or first is None else (whole - first) / (TOKENS - 1)
    return {
        "what": TOKEN,
        "n": len(r.pooled(measure, "localrouter", "latency_us")),
        "added_ms": added,
        "ratio": None,
        "goal_ms": TOKEN_GOAL,
        "reached": None if added is None else added <= TOKEN_GOAL,
    }


def _shown(cell: dict[str, Any]) -> str:
    text = number(cell["added_ms"])
    if cell["ratio"] is not None:
        text += f" ({cell['ratio']:.0f}x)"
    return text + (" **no**" if cell["reached"] is False else "")


def _table(rows_: Sequence[dict[str, Any]]) -> list[str]:
    first = rows_[0]["cells"]
    heads = [c["what"] + ("" if c["goal_ms"] is None else f", goal <= {c['goal_ms']:g}") for c in first]
    out = [f"| client | host | plane | n | {' | '.join(heads)} |", "|---|---|---|--:|" + "--:|" * len(heads)]
    for row in rows_:
        cells = " | ".join(_shown(c) for c in row["cells"])
        out.append(f"| {row['client']} | {row['host']} | {row['plane']} | {row['cells'][0]['n']} | {cells} |")
    return out


def markdown(rows_: Sequence[dict[str, Any]]) -> str:
    """Both tables, and what their cells are."""
    out = [
        "",
        "Added by each plane, ms over the same request sent to the mock host directly (in brackets: the whole time as a multiple of the "
        f'direct call\'s). `raw`: client and host speak the same API; `neutral`: request and answer cross. "{TOKEN}": of {TOKENS} sent at '
        "once. **no**: over the goal. Short chats, text seen before:",
        "",
        *_table([r for r in rows_ if r["table"] == "short"]),
        "",
        "Coding agents, generated bodies with an address and a home folder to veil:",
        "",
        *_table([r for r in rows_ if r["table"] == "agents"]),
    ]
    return "\n".join(out) + "\n"
