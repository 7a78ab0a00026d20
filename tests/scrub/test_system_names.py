"""Names of a system's errors and signals are nobody's, and a country is a place; a person in capitals, or called after a country, is still one."""

from __future__ import annotations

import errno
import signal
import sys
from importlib import resources
from pathlib import Path

import pytest

from localrouter.scrub.detectors import encoder
from localrouter.scrub.detectors._system_names import ERRORS, SIGNALS, country, system_names

FILE = Path(str(resources.files("localrouter") / "models" / "encoder.gguf"))
real = pytest.mark.skipif(not FILE.is_file(), reason="the encoder's file is not built")


def found(text: str) -> set[tuple[str, str]]:
    return {(f.type, text[f.start : f.end]) for f in encoder.find(text, "")}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have names of their own")
def test_every_name_of_this_system_is_known() -> None:
    assert set(errno.errorcode.values()) <= ERRORS
    assert {s.name for s in signal.Signals} <= SIGNALS


@real
@pytest.mark.parametrize(
    "text",
    [
        "The disk is full: ENOSPC on /var",
        "read returned EAGAIN or EWOULDBLOCK",
        "open: EACCES; connect: ECONNREFUSED (ETIMEDOUT).",
        "EPIPE, ENOTDIR, EEXIST, EBADF, ENOMEM",
        "It got SIGKILL, not SIGTERM.",
        "Why does my write fail with EINTR when Ctrl-C sends SIGINT?",
    ],
)
def test_errors_and_signals_are_nobody(text: str) -> None:
    assert found(text) == set()


@real
def test_a_person_beside_them_is_found() -> None:
    assert ("PERSON", "Maria Kowalska") in found("Maria Kowalska says that the read returned EAGAIN or EWOULDBLOCK.")
    assert ("PERSON", "ERIKA MUSTERMANN") in found("Please call ERIKA MUSTERMANN")


@real
def test_a_country_is_a_place_and_a_person_called_so_is_none() -> None:
    text = "France won the match against Brazil."
    assert {kind for kind, _ in found(text)} == {"LOCATION"} and ("LOCATION", "France") in found(text)
    assert ("PERSON", "France Dupont") in found("My name is France Dupont.")


def test_what_the_lists_hold() -> None:
    assert system_names("EINTR") and system_names("EAGAIN or EWOULDBLOCK") and system_names("EPIPE, SIGPIPE")
    assert not any(map(system_names, ("", "eintr", "ERIKA", "EINTR Smith", "ELENA", "E", "SIG", "SIGRID")))
    assert country("France") and country("FRANCE") and country("New Zealand")
    assert not any(map(country, ("Jordan", "Chad", "Georgia", "Israel", "", "Paris", "France Gall")))
