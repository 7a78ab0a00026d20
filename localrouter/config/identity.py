"""Who the user is, from the machine itself: names that must not leave. Files and the environment only; no subprocess."""

from __future__ import annotations

import configparser
import getpass
import socket
from pathlib import Path


def own_identity() -> dict[str, str]:
    """user, home, host, name, email; a key is missing when it is not known."""
    out: dict[str, str] = {}
    try:
        out["user"] = getpass.getuser()
    except (OSError, KeyError):
        pass
    out["home"] = str(Path.home())
    out["host"] = socket.gethostname().split(".")[0]
    config = configparser.ConfigParser(strict=False, allow_no_value=True)
    try:
        config.read_string((Path.home() / ".gitconfig").read_text(encoding="utf-8", errors="replace"))
    except (OSError, configparser.Error):
        return out
    for key in ("name", "email"):
        value = config.get("user", key, fallback=None)
        if value:
            out[key] = value.strip().strip('"')
    return out
