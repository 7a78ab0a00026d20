"""What the two OpenAI wires share: the body's bytes, the key's header, and what a status that is not 200 means.

Source: OpenAI API reference, "Authentication" and "Error codes": `{"error": {message, type, param, code}}`. Hosts that copy the API leave
parts of it out, or say a bare string.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

from localrouter.core.errors import HostBroken, HostFault, HostRateLimited, HostRejected
from localrouter.core.secret import Secret
from localrouter.providers import _overflow
from localrouter.providers._retry_after import retry_after

SENTENCE = 500
"""Characters of a host's own sentence that are passed on."""
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_BETA = re.compile(r"[A-Za-z0-9_=.,; \-]{1,200}")
_READ = 65_536
BUSY = frozenset(
    {"rate_limit_exceeded", "server_is_overloaded", "slow_down", "overloaded_error", "rate_limit_error", "429", "529"}
)
"""Codes of an error inside an answer that ask for fewer requests: OpenAI's, Anthropic's as gateways repeat them, and statuses for codes."""


def encoded(tree: dict[str, Any]) -> bytes:
    """The body as bytes; an integer beyond 64 bits survives, which only the standard library keeps."""
    try:
        return orjson.dumps(tree)
    except TypeError:
        return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()


def beta_headers(stream: bool, head: Mapping[str, str]) -> dict[str, str]:
    """The headers of a Responses request: `OpenAI-Beta` is the client's own and travels."""
    headers = {"content-type": "application/json", "accept": "text/event-stream" if stream else "application/json"}
    beta = head.get("openai-beta", "")
    if _BETA.fullmatch(beta):
        headers["openai-beta"] = beta
    return headers


def auth(key: Secret) -> dict[str, str]:
    """RFC 6750."""
    return {"authorization": f"Bearer {key.reveal()}"}


def code_and_text(error: Any) -> tuple[str, str]:
    """(code, sentence) of an error object, or of an error that is a bare string; "" for what it does not say."""
    if isinstance(error, str):
        return "", error[:SENTENCE]
    if not isinstance(error, dict):
        return "", ""
    code, text = error.get("code"), error.get("message")
    if isinstance(code, int) and not isinstance(code, bool):
        code = str(code)  # OpenRouter and llama.cpp: the status it would have been
    code = code if isinstance(code, str) and _CODE.fullmatch(code) else ""
    return code, text[:SENTENCE] if isinstance(text, str) else ""


def limited(host: str = "The host", wait: float | None = None, *, begun: bool = False) -> HostRateLimited:
    """It wants fewer requests. `wait`: seconds that it asks for. `begun`: it says so in an answer, whose prompt it may bill (core/tally.py)."""
    when = f" It asks for {wait:.0f} seconds." if wait is not None else ""
    error = HostRateLimited(f"{host} is limiting requests.{when}", "Wait, or add another model to the route.", retry_after=wait)
    error.money_at_risk = begun
    return error


def too_long(host: str, text: str) -> HostRejected:
    """The prompt does not fit, in the words that make clients compact."""
    return HostRejected(_overflow.sentence(host, text), "Shorten the conversation.", code=_overflow.CODE)


def fault(host: str, status: int, headers: Mapping[str, str], body: bytes) -> HostFault:
    """See `providers.Wire.fault`. Only a short code and, for 4xx, the host's sentence are passed on."""
    try:
        tree = orjson.loads(body[:_READ])
    except orjson.JSONDecodeError:
        tree = None
    code, detail = code_and_text(tree.get("error", tree) if isinstance(tree, dict) else None)
    # An account without money answers 429 too, and no waiting helps.
    if status in (429, 529) and code != "insufficient_quota":
        return limited(host, retry_after(headers))
    if status in (401, 403):
        return HostRejected(
            f"{host} refused the key ({status}).", f"Check it with `localrouter keys test {host}`.", status=status
        )
    if 300 <= status < 400:
        error = HostBroken(f"{host} answered with a redirect ({status}), which is not followed.", "Check the host's origin.")
    elif 400 <= status < 500:
        if _overflow.overflows(status, code, detail):
            return too_long(host, detail)
        own = "" if code.isdigit() else code
        return HostRejected(f"{host} rejected the request ({status}): {detail}", status=status, code=own or None)
    else:
        error = HostBroken(f"{host} failed ({status}).", "Ask again, or add another model to the route.")
    error.money_at_risk = False  # a status line that is an error is not billed
    return error
