"""The Anthropic Messages wire. Source: Anthropic API reference, "Messages", "Versions", "Beta headers", "Errors"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from localrouter.core.secret import Secret
from localrouter.providers import Upstream
from localrouter.providers._anthropic_body import body as body
from localrouter.providers._anthropic_body import notes as notes
from localrouter.providers._anthropic_faults import fault as fault
from localrouter.providers._anthropic_marks import marked as marked
from localrouter.providers._anthropic_reader import Reader as Reader

NAME = "anthropic_messages"

VERSION = "2023-06-01"
"""The API version of what we write ourselves; a client's own body travels under the client's version."""
_VERSIONS = re.compile(r"\d{4}-\d{2}-\d{2}")
_FLAG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*-\d{4}-?\d{2}-?\d{2}")
_LOCAL = ("oauth-",)
"""Flags that belong to the client's own way to sign in, which ends here."""
_FLAGS = 64


def prepare(tree: dict[str, Any], stream: bool, head: Mapping[str, str]) -> Upstream:
    """The body as bytes; of the client's headers the API version and the beta flags, each if it looks like one."""
    try:
        data = orjson.dumps(tree)
    except TypeError:  # an integer beyond 64 bits: the standard library keeps it
        import json

        data = json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()
    version = head.get("anthropic-version", "")
    headers = {
        "content-type": "application/json",
        "accept": "text/event-stream" if stream else "application/json",
        "anthropic-version": version if _VERSIONS.fullmatch(version) else VERSION,
    }
    flags = [flag for part in head.get("anthropic-beta", "").split(",") if _travels(flag := part.strip())]
    if flags:
        headers["anthropic-beta"] = ",".join(dict.fromkeys(flags[:_FLAGS]))
    return Upstream("/messages", headers, data)


def _travels(flag: str) -> bool:
    return _FLAG.fullmatch(flag) is not None and not flag.startswith(_LOCAL)


def auth(key: Secret) -> dict[str, str]:
    """Anthropic API reference, "Authentication"."""
    return {"x-api-key": key.reveal()}
