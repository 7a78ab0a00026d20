"""The two planes without sockets: a client's body to what a host is sent, a host's bytes to what the client reads.

Every part is the product's own (dialect, wire, Restorer); what leaves is shown to the rehearsal host's checks, which refuse what the real
APIs refuse.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import legal
from legal import Got

from localrouter.core.ask import Ask
from localrouter.core.catalogue import Model
from localrouter.core.decide import Attempt
from localrouter.core.errors import HostTruncated
from localrouter.core.money import Price, Usage
from localrouter.daemon import rehearsal_chat, rehearsal_messages, rehearsal_responses
from localrouter.daemon.origins import Origins
from localrouter.daemon.rehearsal_strict import Maker
from localrouter.daemon.restoring import Restorer
from localrouter.dialects import Dialect, all_dialects
from localrouter.providers import Wire, all_wires
from localrouter.scrub.unveil import Unveiler

NAMES = {"chat": "openai_chat", "responses": "openai_responses", "messages": "anthropic_messages"}
HOSTS: dict[str, Any] = {"chat": rehearsal_chat, "responses": rehearsal_responses, "messages": rehearsal_messages}
OTHERS = {name: tuple(n for n in NAMES if n != name) for name in NAMES}


@cache
def dialect(name: str) -> Dialect:
    return next(d for d in all_dialects() if NAMES[name] == d.NAME)


@cache
def wire(name: str) -> Wire:
    return all_wires()[NAMES[name]]


def attempt(model: str = "m-1", host: str = "host", limit: int = 4000) -> Attempt:
    price = Price(250_000, 2_000_000)
    made = Model(f"{host}/{model}", host, model, price, 200_000, 64_000, True, True, True, False, True)
    return Attempt(made.id, "hosted", limit, 1000, made)


@dataclass
class Sent:
    """What a host gets: its body's tree, the headers, the bytes, the notes for the trace."""

    tree: dict[str, Any]
    headers: dict[str, str]
    body: bytes
    notes: tuple[str, ...] = ()


def read(name: str, body: dict[str, Any] | bytes, headers: dict[str, str] | None = None) -> Ask:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return dialect(name).read(raw, headers or {})


def over(
    name: str,
    host: str,
    body: dict[str, Any],
    headers: dict[str, str] | None = None,
    *,
    lenient: bool = False,
    strict: bool = True,
    **more: Any,
) -> Sent:
    """A body of the dialect `name`, as the host of the wire `host` gets it. Raises AssertionError where the real API would refuse it."""
    head = {"anthropic-version": "2023-06-01", **(headers or {})} if name == "messages" else headers or {}
    ask = read(name, body, head)
    to = attempt(**{"limit": body.get("max_tokens") or 4000, **more})
    if name == host:
        upstream = wire(host).prepare(dialect(name).outgoing(ask.tree, ask, to), ask.needs.stream, ask.head)
        notes: tuple[str, ...] = ()
    else:
        chat = Origins(b"x" * 32).opened(dialect(name).chat(ask.tree, ask), "host", NAMES[host])
        tree = wire(host).body(chat, to)
        own = getattr(wire(host), "notes", None)
        notes = (*chat.notes, *(own(chat, to) if own is not None else ()))
        upstream = wire(host).prepare(tree, ask.needs.stream, {})
    sent = Sent(json.loads(upstream.body), dict(upstream.headers), upstream.body, notes)
    if strict:
        HOSTS[host].check(sent.tree, sent.headers, Maker(), lenient=lenient)
    return sent


def pieces(data: bytes, at: tuple[int, ...]) -> list[bytes]:
    """The bytes, cut at these places."""
    edges = [0, *at, len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def answer(
    name: str,
    host: str,
    data: bytes,
    *,
    stream: bool = True,
    cuts: tuple[int, ...] = (),
    body: dict[str, Any] | None = None,
    unveiler: Unveiler | None = None,
    usages: list[Usage] | None = None,
) -> bytes:
    """A host's answer, as the client of the dialect `name` gets it. A stream that has no terminal event ends with the dialect's error, as
    the relay ends it."""
    asked = {**PLAIN[name], **({"stream": True} if stream else {}), **(body or {})}
    if name == "chat" and stream:
        asked.setdefault("stream_options", {"include_usage": True})
    ask = read(name, asked)
    writer = dialect(name).Writer(ask, "lr-test")
    restorer = Restorer(unveiler, Origins(b"x" * 32), host="host", wire=NAMES[host], crosses=name != host)
    reader = wire(host).Reader(stream)
    out = b""
    for part in (*pieces(data, cuts), None):
        for chunk in reader.end() if part is None else reader.feed(part):
            if chunk.error is not None:
                return out + writer.error(chunk.error)
            if chunk.usage is not None and usages is not None:
                usages.append(chunk.usage)
            written, texts, extra = restorer.restore(chunk)
            out += writer.write(written, texts, extra)
            if chunk.terminal:
                return out
    return out + writer.error(HostTruncated("The host ended its answer without saying so.", "Ask again."))


PLAIN: dict[str, dict[str, Any]] = {
    "chat": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    "responses": {"model": "m", "input": "hi", "store": False},
    "messages": {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2000},
}


def got(name: str, raw: bytes, *, stream: bool = True) -> Got:
    """The answer in the client's hands; a stream is checked event by event."""
    if stream:
        events = legal.events_of(raw)
        if name == "chat":
            return legal.chat(events, usage=True, done=events[-1] == {"done": True})
        return legal.messages(events) if name == "messages" else legal.responses(events)
    tree = json.loads(raw)
    if name == "responses":
        return legal.response_got(tree, Got())
    if name == "messages":
        return legal.message_got(tree, Got())
    message = tree["choices"][0]["message"]
    calls = [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in message.get("tool_calls") or ()]
    made = Got((message["content"] or "") + (message.get("refusal") or ""), message.get("reasoning_content") or "", calls=calls)
    made.finish, made.model = tree["choices"][0]["finish_reason"], tree["model"]
    made.prompt, made.output = tree["usage"]["prompt_tokens"], tree["usage"]["completion_tokens"]
    return made


__all__ = ["HOSTS", "NAMES", "OTHERS", "PLAIN", "Sent", "answer", "attempt", "dialect", "got", "over", "pieces", "read", "wire"]
