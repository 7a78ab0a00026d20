"""Who the user is, from the machine itself: names that must not leave. Files and the environment only.

No subprocess, no name look-up on the network, nothing from the working directory: git's per-user files are read (and what they include), a
repository's own are not.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

GIT_MAX = 256 * 1024
"""Bytes of one git configuration file. A hand-written one has a few KB."""
INCLUDE_MAX = 20
"""Files in all; git itself stops at a depth of ten."""

_SECTION = re.compile(r'\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]')
_PAIR = re.compile(r"([A-Za-z][\w-]*)\s*=\s*(.*)")


def own_identity(environ: Mapping[str, str] | None = None, home: Path | None = None) -> dict[str, str]:
    """`user`, `home`, `host`, `name`, `email`; several values of one key are separated by line ends, a key is missing when nothing is known.

    `environ` and `home` default to the process's own.
    """
    env = os.environ if environ is None else environ
    home = _home() if home is None else home
    found: dict[str, dict[str, None]] = {key: {} for key in ("user", "home", "host", "name", "email")}

    def add(key: str, value: str | None) -> None:
        if value and (value := value.strip()):
            found[key][value] = None

    try:
        add("user", getpass.getuser())
    except (OSError, KeyError, ImportError):
        pass  # no environment and no account entry: a container's number
    for key in ("USER", "LOGNAME", "USERNAME", "SUDO_USER"):
        add("user", env.get(key))
    if home is not None:
        add("home", str(home))
        add("user", home.name)
    full = socket.gethostname()
    add("host", full.split(".")[0])
    if "." in full:
        add("host", full)
    for key in ("COMPUTERNAME", "HOSTNAME"):
        add("host", (env.get(key) or "").split(".")[0])
    add("name", _full_name())
    for key in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "DEBFULLNAME"):
        add("name", env.get(key))
    for key in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL", "DEBEMAIL", "EMAIL"):
        add("email", env.get(key))
    for key, value in _git(env, home):
        add(key, value)
    return {key: "\n".join(values) for key, values in found.items() if values}


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None


def _full_name() -> str | None:
    """The full name of the account entry (its first field), where the system keeps one."""
    try:
        import pwd

        name = pwd.getpwuid(os.getuid()).pw_gecos.split(",")[0]
    except (ImportError, KeyError, AttributeError):
        return None
    return name if " " in name else None


def _git(env: Mapping[str, str], home: Path | None) -> Iterator[tuple[str, str]]:
    """("name" | "email", value) from git's per-user files and what they include, conditionally or not: a condition that
    holds elsewhere (a work folder) still names the same person."""
    files: list[Path] = []
    if env.get("GIT_CONFIG_GLOBAL"):
        files.append(Path(env["GIT_CONFIG_GLOBAL"]))
    elif home is not None:
        base = env.get("XDG_CONFIG_HOME")
        files += [(Path(base) if base else home / ".config") / "git" / "config", home / ".gitconfig"]
    seen: set[Path] = set()
    while files and len(seen) < INCLUDE_MAX:
        file = files.pop(0)
        # A relative path would mean the working directory.
        if not file.is_absolute() or file in seen:
            continue
        seen.add(file)
        for section, key, value in _pairs(file):
            if section in ("user", "author", "committer") and key in ("name", "email"):
                yield key, value
            elif section in ("include", "includeif") and key == "path":
                files.append(_included(value, file, home))


def _included(value: str, file: Path, home: Path | None) -> Path:
    if value.startswith("~/") and home is not None:
        return home / value[2:]
    return Path(value) if value.startswith("/") or Path(value).is_absolute() else file.parent / value


def _pairs(file: Path) -> Iterator[tuple[str, str, str]]:
    """(section, key, value), lower-case names, as git-config(1) says; what cannot be read gives nothing."""
    try:
        with file.open("rb") as opened:
            text = opened.read(GIT_MAX).decode("utf-8", "replace")
    except OSError:
        return
    section = ""
    for line in text.splitlines():
        line = line.strip()
        if m := _SECTION.match(line):
            section = m[1].lower()
            line = line[m.end() :].strip()
        if (m := _PAIR.match(line)) and section:
            yield section, m[1].lower(), _value(m[2])


def _value(text: str) -> str:
    """Without quotes and without the comment behind it."""
    out: list[str] = []
    quoted = escaped = False
    for char in text:
        if escaped:
            out.append({"n": "\n", "t": "\t"}.get(char, char))
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char in "#;" and not quoted:
            break
        else:
            out.append(char)
    return "".join(out).strip()
