"""The keyrings that a machine can have, made on purpose: a real Secret Service on a private bus, none, locked, hanging, raising,
switched off. Each is an environment for the daemon and the CLI; whatever was started is ended with the test.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

PASSWORD = "of the test keyring"
"""Of the keyring, not of anything real."""

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={path}</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"""
"""No service folders: nothing is started because somebody asked for it, no Secret Service and no prompter."""

FAKES = {
    "hanging": "def get_password(self, service, name): __import__('time').sleep(9999)\n",
    "raising": (
        "def get_password(self, service, name): self.fail('reading ' + name)\n"
        "    def fail(self, words):\n"
        "        import logging, os, sys\n"
        "        words += ' with ' + os.environ['XDG_CANARY']\n"
        "        print(words); print(words, file=sys.stderr); logging.error(words)\n"
        "        raise RuntimeError(words)\n"
    ),
    "writing": (  # says which variables it was given, and keeps nothing
        "def get_password(self, service, name):\n"
        "        import json, os\n"
        "        open(os.environ['XDG_NOTES'], 'w').write(json.dumps(dict(os.environ)))\n"
    ),
    "memory": (  # keeps keys in a folder of the test
        "import pathlib, os, urllib.parse\n"
        "    def file(self, name): return self.pathlib.Path(self.os.environ['XDG_NOTES']) / self.urllib.parse.quote(name, '')\n"
        "    def get_password(self, service, name): return self.file(name).read_text() if self.file(name).exists() else None\n"
        "    def set_password(self, service, name, value): self.file(name).write_text(value)\n"
        "    def delete_password(self, service, name):\n"
        "        import keyring.errors\n"
        "        try: self.file(name).unlink()\n"
        "        except FileNotFoundError: raise keyring.errors.PasswordDeleteError(name)\n"
    ),
}


def new_key() -> str:
    """Key-shaped, with characters that a URL would escape; made at run time and never the same."""
    return "sk-" + "+/=%" + secrets.token_urlsafe(24)


def forms(key: str) -> list[bytes]:
    """The key raw, URL-encoded, and in base64 at its three alignments."""
    raw = key.encode()
    cut = [base64.b64encode(b"\0" * n + raw)[4 * bool(n) : -4] for n in range(3)]
    return [raw, quote(key, safe="").encode(), *cut]


def plain_copies(folder: Path, *keys: str) -> list[str]:
    """Files below a folder that hold one of the keys in any form."""
    found = []
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            data = file.read_bytes()
            found += [str(file) for key in keys for form in forms(key) if form in data]
    return found


def seen_in_processes(*keys: str) -> list[str]:
    """Command lines (of anybody) and environments (of other processes than this one's) that show a key."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                data = (folder / name).read_bytes()
            except OSError:
                continue
            found += [f"{folder}/{name}" for key in keys if key.encode() in data]
    return found


def keepers(parent: int) -> list[int]:
    """The keeper children of a process."""
    out = subprocess.run(["pgrep", "-P", str(parent), "-f", "localrouter.keys.keeper"], capture_output=True, text=True).stdout
    return [int(pid) for pid in out.split()]


def keepers_when(parent: int, count: int) -> list[int]:
    """The keepers of a process, once there are so many: what it says may be ahead of the child that it starts."""
    _until(lambda: len(keepers(parent)) == count, f"{count} keepers")
    return keepers(parent)


def keepers_of(box: Machine) -> list[str]:
    """Keepers that still run with this machine's home, whoever started them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"localrouter.keys.keeper" in (folder / "cmdline").read_bytes():
                found += [folder.name] if str(box.folder).encode() in (folder / "environ").read_bytes() else []
        except OSError:
            continue
    return found


def end(pid: int) -> None:
    """Stop a daemon that another part of the test will wait for."""
    os.kill(pid, signal.SIGTERM)
    _until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z", "the end of the daemon")


@dataclass
class Machine:
    """A folder that is the whole home, and the environment that its keyring needs."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "lr"

    def run(self, *args: str, stdin: str = "", timeout: float = 120, **more: str) -> tuple[int, str, str]:
        """The CLI: (exit code, stdout, stderr)."""
        with self.popen(*args, **more) as process:
            try:
                out, err = process.communicate(stdin, timeout)
            finally:
                process.kill()
        assert "Traceback" not in err, err
        return process.returncode, out, err

    def popen(self, *args: str, **more: str) -> subprocess.Popen[str]:
        env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY") and not k.startswith(("XDG_", "DBUS_"))}
        env |= {"LOCALROUTER_HOME": str(self.home), "COLUMNS": "160", **self.env, **more}
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "localrouter", *args],
            env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


@contextlib.contextmanager
def machine() -> Iterator[Machine]:
    """Nothing of the real user's: own HOME, no bus, no keyring chosen. The folder's name is short, for socket paths."""
    folder = Path(tempfile.mkdtemp(prefix="lr-"))
    env = {
        "HOME": str(folder),
        "DBUS_SESSION_BUS_ADDRESS": "",
        "PYTHON_KEYRING_BACKEND": "",
        "DISPLAY": "",
        "WAYLAND_DISPLAY": "",
    }
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        env[name] = str(folder / name.lower())
        Path(env[name]).mkdir(mode=0o700)
    try:
        yield Machine(folder, env)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fake(host: Machine, kind: str, **more: str) -> None:
    """Choose a made-up backend of FAKES."""
    folder = host.folder / "fakes"
    folder.mkdir(exist_ok=True)
    body = "from keyring.backend import KeyringBackend\nclass Keyring(KeyringBackend):\n    priority = 9\n    " + FAKES[kind]
    if "def set_password" not in body:
        body += "    def set_password(self, service, name, value): return self.get_password(service, name)\n"
        body += "    def delete_password(self, service, name): return self.get_password(service, name)\n"
    (folder / f"fake_{kind}.py").write_text(body)
    where = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
    host.env |= {"PYTHONPATH": where, "PYTHON_KEYRING_BACKEND": f"fake_{kind}.Keyring", **more}


@contextlib.contextmanager
def bus(host: Machine) -> Iterator[None]:
    """A private D-Bus session without any service."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("dbus-daemon is not installed (Debian: apt-get install dbus)")
    config, path = host.folder / "bus.conf", host.folder / "bus"
    config.write_text(BUS.format(path=path))
    with _running(["dbus-daemon", f"--config-file={config}", "--nofork"], host):
        _until(path.exists, "the bus")
        host.env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={path}"
        yield


@contextlib.contextmanager
def secret_service(host: Machine) -> Iterator[None]:
    """gnome-keyring on a private bus, its login keyring made and unlocked."""
    if shutil.which("gnome-keyring-daemon") is None:
        pytest.skip("gnome-keyring-daemon is not installed (Debian: apt-get install gnome-keyring)")
    with bus(host), _running(["gnome-keyring-daemon", "--unlock", "--foreground", "--components=secrets"], host, PASSWORD):
        _until(lambda: _state(host) == "open", "the Secret Service")
        yield


@contextlib.contextmanager
def connection(host: Machine) -> Iterator[object]:
    from jeepney.io.blocking import open_dbus_connection

    # Its own limit of a second is too short on a busy machine.
    with contextlib.closing(open_dbus_connection(host.env["DBUS_SESSION_BUS_ADDRESS"], auth_timeout=60.0)) as opened:
        yield opened


def _state(host: Machine) -> str:
    import secretstorage

    with connection(host) as opened:
        try:
            return "locked" if secretstorage.get_collection_by_alias(opened, "default").is_locked() else "open"
        except Exception as exc:
            return type(exc).__name__


def lock(host: Machine) -> None:
    import secretstorage

    with connection(host) as opened:
        secretstorage.get_collection_by_alias(opened, "default").lock()
    assert _state(host) == "locked"


def unlock(host: Machine) -> None:
    """What logging in does, by gnome-keyring's own call for it."""
    from jeepney import DBusAddress, new_method_call

    where = {"object_path": "/org/freedesktop/secrets", "bus_name": "org.freedesktop.secrets"}
    service = DBusAddress(interface="org.freedesktop.Secret.Service", **where)
    internal = DBusAddress(interface="org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface", **where)
    with connection(host) as opened:
        _, session = opened.send_and_get_reply(new_method_call(service, "OpenSession", "sv", ("plain", ("s", "")))).body
        secret = (session, b"", PASSWORD.encode(), "text/plain")
        body = ("/org/freedesktop/secrets/collection/login", secret)
        opened.send_and_get_reply(new_method_call(internal, "UnlockWithMasterPassword", "o(oayays)", body))
    assert _state(host) == "open"


@contextlib.contextmanager
def prompter(host: Machine) -> Iterator[None]:
    """A prompter on the bus that shows its prompt for ever: a user who is not there."""
    from jeepney import DBusAddress, new_method_call

    daemon = DBusAddress("/org/freedesktop/DBus", bus_name="org.freedesktop.DBus", interface="org.freedesktop.DBus")
    with connection(host) as opened:
        name = ("org.gnome.keyring.SystemPrompter", 0)
        assert opened.send_and_get_reply(new_method_call(daemon, "RequestName", "su", name)).body == (1,)
        yield


@contextlib.contextmanager
def _running(argv: list[str], host: Machine, stdin: str = "") -> Iterator[None]:
    env = {**os.environ, **host.env}
    with subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        process.stdin.write(stdin.encode())
        process.stdin.close()
        try:
            yield
        finally:
            process.kill()


def _until(ready: object, what: str) -> None:
    end = time.monotonic() + 60  # a busy machine decides nothing
    while not ready():  # type: ignore[operator]
        assert time.monotonic() < end, f"{what} did not come up"
        time.sleep(0.05)


class Sink:
    """A host that takes any key and remembers which ones it was shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        shown = self.shown

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shown.append(self.headers.get("authorization", "").removeprefix("Bearer "))
                body = b'{"data": []}'
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}/v1"

    def __enter__(self) -> Sink:
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
