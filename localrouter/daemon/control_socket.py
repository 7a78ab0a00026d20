"""The control socket: a unix socket that only this user may speak to; its peer is checked by the kernel, so no token is needed.

As ssh-agent does (OpenSSH ssh-agent.c): made under umask 0177 in a 0700 folder, and each connection's uid compared to ours. Systems
without unix sockets use the control token on the loopback port instead.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
import tempfile
from pathlib import Path

from localrouter.config.paths import Paths

NAME = "control.sock"
PATH_BYTES = 100
"""sun_path holds 104 bytes on macOS and 108 on Linux; a longer folder gets a short one of its own."""
AVAILABLE = hasattr(socket, "AF_UNIX") and sys.platform != "win32"


def open_socket(paths: Paths) -> tuple[socket.socket, Path] | None:
    """(listening socket, its file), 0600; None where there are no unix sockets. What a killed daemon left behind is replaced: the state
    folder is locked, so it is nobody's."""
    if not AVAILABLE:
        return None
    file = paths.state / NAME
    if len(os.fsencode(file)) > PATH_BYTES:
        file = Path(tempfile.mkdtemp(prefix="localrouter-")) / NAME
    with contextlib.suppress(FileNotFoundError):
        file.unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        sock.bind(os.fspath(file))
    finally:
        os.umask(before)
    sock.listen(64)
    return sock, file


def close_socket(opened: tuple[socket.socket, Path] | None) -> None:
    """And take its name away, with the folder made for it. The server may have closed the socket itself."""
    if opened is None:
        return
    sock, file = opened
    sock.close()
    with contextlib.suppress(OSError):
        file.unlink()
        if file.parent.name.startswith("localrouter-") and file.parent.parent == Path(tempfile.gettempdir()):
            file.parent.rmdir()


def peer_uid(sock: socket.socket) -> int | None:
    """The uid at the other end of a unix socket; None when the system does not say."""
    if hasattr(socket, "SO_PEERCRED"):
        raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", raw)[1])
    # macOS and the BSDs: LOCAL_PEERCRED (unix(4)) gives struct xucred {u_int version; uid_t uid; ...}.
    try:
        raw = sock.getsockopt(0, 1, 76)
        return int(struct.unpack_from("=II", raw)[1])
    except (OSError, struct.error):
        return None
