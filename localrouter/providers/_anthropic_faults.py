"""Errors of a Messages host as typed ones. Source: Anthropic API reference, "Errors": `{"type": "error", "error": {type, message}}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from localrouter.core.errors import HostBroken, HostFault, HostRateLimited, HostRejected
from localrouter.providers import _overflow
from localrouter.providers._retry_after import retry_after

OVERLOADED = 529
_WORD = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_LIMITS = re.compile(r"input length and `?max_tokens`? exceed context limit: \d+ \+ \d+ > \d+")


def fault(host: str, status: int, headers: Mapping[str, str], body: bytes) -> HostFault:
    """See `providers.Wire.fault`. Only a short code and, for 4xx, the host's sentence are passed on."""
    try:
        tree = orjson.loads(body[:65_536])
    except orjson.JSONDecodeError:
        tree = None
    kind, detail = _said(tree)
    if status in (429, OVERLOADED) or kind == "overloaded_error":
        return _limited(host, status == OVERLOADED or kind == "overloaded_error", retry_after(headers))
    if status in (401, 403):
        return HostRejected(
            f"{host} refused the key ({status}).", f"Check it with `localrouter keys test {host}`.", status=status
        )
    if 300 <= status < 400:
        broken = HostBroken(f"{host} answered with a redirect ({status}), which is not followed.", "Check the host's origin.")
    elif status == 413:
        return HostRejected(f"{host} does not take a request of this size.", "Send less.", status=413, code="request_too_large")
    elif 400 <= status < 500:
        if _overflow.overflows(status, "", detail):
            return _too_long(host, detail)
        return HostRejected(f"{host} rejected the request ({status}): {detail}", status=status, code=kind or None)
    else:
        broken = HostBroken(f"{host} failed ({status}).", "Ask again, or add another model to the route.")
    broken.money_at_risk = False  # a status line that is an error is not billed
    return broken


def reported(tree: dict[str, Any]) -> HostFault | None:
    """The error that an event or a body reports, or None when it reports none. What was said before it may be billed."""
    if not tree.get("error"):
        return None
    kind, detail = _said(tree)
    if kind in ("overloaded_error", "rate_limit_error"):
        limited = _limited("The host", kind == "overloaded_error", None)
        limited.money_at_risk = True
        return limited
    if _overflow.overflows(400, "", detail):
        return _too_long("the host", detail)
    if kind in ("invalid_request_error", "request_too_large", "not_found_error"):
        rejected = HostRejected(f"The host rejected the request: {detail}", code=kind)
        rejected.money_at_risk = True
        return rejected
    return HostBroken("The host reported an error inside its answer.", "Ask again.")


def _said(tree: Any) -> tuple[str, str]:
    error = tree.get("error") if isinstance(tree, dict) else None
    if isinstance(error, str):
        return "", error[:500]
    if not isinstance(error, dict):
        return "", ""
    kind, message = error.get("type"), error.get("message")
    word = kind if isinstance(kind, str) and _WORD.fullmatch(kind) else ""
    return word, message[:500] if isinstance(message, str) else ""


def _limited(host: str, overloaded: bool, wait: float | None) -> HostRateLimited:
    when = f" It asks for {wait:.0f} seconds." if wait is not None else ""
    what = "is overloaded" if overloaded else "is limiting requests"
    error = HostRateLimited(f"{host} {what}.{when}", "Wait, or add another model to the route.", retry_after=wait)
    if overloaded:
        error.status, error.code, error.type = OVERLOADED, "overloaded", "overloaded_error"
    return error


def _too_long(host: str, detail: str) -> HostRejected:
    text = _overflow.sentence(host, detail)
    limits = _LIMITS.search(detail)
    if limits:
        # Claude Code reads all three numbers and asks for a shorter answer.
        text = f"{text} ({limits[0]})"
    return HostRejected(text, "Shorten the conversation.", status=400, code=_overflow.CODE)
