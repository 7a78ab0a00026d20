"""The tokens that clients show: one for requests, one for control. 256 bits each, in a 0600 file, made at the first start."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from localrouter.config.paths import Paths, private_file
from localrouter.core.secret import Secret


@dataclass(frozen=True, slots=True)
class Tokens:
    """`fresh` is true when they were just made."""

    client: Secret
    control: Secret
    fresh: bool = False


def _make() -> str:
    return "lr-" + secrets.token_urlsafe(32)


def ensure(paths: Paths, *, renew: bool = False) -> Tokens:
    """Read the tokens, or make them. A damaged file is replaced: a token is cheap, a daemon without one is not."""
    file = paths.config / "tokens.json"
    if not renew:
        try:
            tree = json.loads(file.read_text())
            return Tokens(Secret(tree["client"]), Secret(tree["control"]))
        except (OSError, ValueError, KeyError, TypeError):
            pass
    tree = {"client": _make(), "control": _make()}
    private_file(file, json.dumps(tree).encode())
    return Tokens(Secret(tree["client"]), Secret(tree["control"]), fresh=True)
