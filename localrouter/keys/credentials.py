"""Keys that systemd hands to a service: `LoadCredential=localrouter-openai:/path` or `LoadCredentialEncrypted=` puts a file of that
name into $CREDENTIALS_DIRECTORY, which only the service can read (systemd.exec(5), "Credentials")."""

from __future__ import annotations

import os
import re
from pathlib import Path

from localrouter.core.catalogue import Host
from localrouter.core.secret import Secret
from localrouter.keys.binding import credential_is_for
from localrouter.keys.text import MAX, key_in

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


def name_of(host: Host) -> str:
    """`localrouter-openai`; empty for a host whose name would not be a plain file name."""
    return f"localrouter-{host.name}" if _NAME.fullmatch(host.name) else ""


def read(host: Host) -> Secret | None:
    """The credential of this host, if this process was given one and it is this origin's. A file that cannot be read counts as none."""
    folder, name = os.environ.get("CREDENTIALS_DIRECTORY", ""), name_of(host)
    if not folder or not name or not credential_is_for(host):
        return None
    try:
        with (Path(folder) / name).open("rb") as file:
            return key_in(file.read(MAX + 64).decode("ascii"))
    except (OSError, ValueError):
        return None
