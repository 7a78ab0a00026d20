"""What the first set of detectors finds and leaves alone; and that none of them ever reaches for a network."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cpu import least
from hypothesis import example, given, settings
from hypothesis import strategies as st

from localrouter.core.kinds import KINDS
from localrouter.scrub import detectors

PK = "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7v\nabcdEFGH1234\n-----END RSA " + "PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


def found(text: str, context: str = "") -> set[tuple[str, str]]:
    return {(f.type, text[f.start : f.end]) for f in detectors.find(text, context)}


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("mail jane.roe+x@mail.example-corp.io now", "EMAIL", "jane.roe+x@mail.example-corp.io"),
        ("card 4539 1488 0343 6467 ok", "CARD", "4539 1488 0343 6467"),
        ("IBAN DE89 3704 0044 0532 0130 00.", "IBAN", "DE89 3704 0044 0532 0130 00"),
        ("SSN: 536-90-4399", "SSN", "536-90-4399"),
        ("call +49 30 901820 today", "PHONE", "+49 30 901820"),
        ("call (415) 555-0132 today", "PHONE", "(415) 555-0132"),
        ("peer 10.42.17.9 refused", "IP", "10.42.17.9"),
        ("from 2a02:8108:9640:1f0c::17 in", "IP", "2a02:8108:9640:1f0c::17"),
        ("db-7.corp.internal is down", "HOST", "db-7.corp.internal"),
        ('File "/home/mkowalska/x.py"', "OWN_USER", "mkowalska"),
        ("C:\\Users\\kowalski\\x", "OWN_USER", "kowalski"),
        ("postgres://app:s3cr3t-Pa55@db/x", "PASSWORD", "s3cr3t-Pa55"),
        ("DB_PASSWORD=correct-horse-9\n", "PASSWORD", "correct-horse-9"),
        ('api_key: "9f8a7b6c5d4e3f2a1b0c"', "API_KEY", "9f8a7b6c5d4e3f2a1b0c"),
        ("key " + "AKIA" + "Z7QW3MN5KPXR2TYB", "API_KEY", "AKIA" + "Z7QW3MN5KPXR2TYB"),
        ("ghp_" + "a7Kd92mQx4LpVz81RtYc63NwBs05HjUe7fGi", "TOKEN", "ghp_" + "a7Kd92mQx4LpVz81RtYc63NwBs05HjUe7fGi"),
        ("Authorization: Bearer " + JWT, "JWT", JWT),
        (PK, "PRIVATE_KEY", PK),
        ("Author: Jane Roe <x@y.org>", "PERSON", "Jane Roe"),
        ('1.2.3.4 - jpark [04/Mar/2025:10:11:14 +0000] "GET /"', "USERNAME", "jpark"),
    ],
)
def test_found(text: str, kind: str, value: str) -> None:
    assert (kind, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "version 1.2.3.4 of the tool",
        "127.0.0.1:8080 and 0.0.0.0",
        "commit 4f1c2a9d0b7e6c5a3f2e1d0c9b8a7f6e5d4c3b2a",
        "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "order 4111111111111112 is not a card",
        "2025-03-04 17:02:11",
        "550e8400-e29b-41d4-a716-446655440000",
        "password = os.environ['DB_PASSWORD']",
        "API_KEY=<your key here>",
        "token = get_token()",
        "max_tokens=4096",
        "def find(key, secret): return key",
        "import keyring; self.secret_key",
        "tel aviv 2024",
        "mean 3.14159265358979",
        "/home/runner/work",
        "the primary_key: id",
        "-----BEGIN " + "PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----",
    ],
)
def test_left_alone(text: str) -> None:
    """But for what is public and passes, and a town, which is one."""
    assert {(kind, value) for kind, value in found(text) if KINDS[kind].data_class != "public"} <= {("LOCATION", "tel aviv")}


def test_own_identity() -> None:
    me = {"user": "zaphodb", "host": "heartofgold", "name": "Zaphod Beeble", "email": "zb@president.galaxy"}
    detectors.configure({"identity": me})
    try:
        assert found("zaphodb@heartofgold:~$ git log --author='Zaphod Beeble'") >= {
            ("OWN_USER", "zaphodb"),
            ("OWN_HOST", "heartofgold"),
            ("OWN_NAME", "Zaphod Beeble"),
        }
        assert not any(kind.startswith("OWN_") for kind, _ in found("zaphodbx heartofgolden"))
    finally:
        detectors.configure({})
    assert ("OWN_USER", "zaphodb") not in found("zaphodb is here")


def test_spans_are_in_bounds_and_sorted() -> None:
    text = f"Jane <jane@roe.org> DB_PASSWORD=abc-123-xyz\n{JWT} 10.0.0.7 +49 30 901820 Ünïcödé jane@roe.org"
    rows = detectors.find(text, "")
    assert list(rows) == sorted(rows) and len(rows) >= 6
    for f in rows:
        assert 0 <= f.start < f.end <= len(text) and 0 < f.score <= 1 and f.detector


# What is no text for people, what vanishes when a text is read another way, and beginnings of what detectors look for.
_WORDS = r"Jane Roe x.org +49 // http key= %41 &amp; &#x41; \u0041 \n \\ ``` <a href= QUJDQUJDQUJDQUJD 4539148803436467 Dr. def -"
_ODD = [
    *"\u00ad\u200b\u200d\ufeff\u2028\x85\x00\x1b\r\n\t \u0301\u202e\U0010ffff\ue000\u0130\u00df\ufb01\u0967a@='\"{}[:%|",
    *_WORDS.split(),
]


@settings(max_examples=60, deadline=None)
@given(
    items=st.lists(
        st.tuples(st.lists(st.sampled_from(_ODD), min_size=1, max_size=10), st.sampled_from(["", "content", "user.name"])),
        min_size=1,
    )
)
@example(items=[(["\u00ad"], "content")])  # nothing is left of it as it is read
@example(items=[(["\u200b", "\ufeff"], "")])
def test_any_text_gets_a_verdict(items: list[tuple[list[str], str]]) -> None:
    """A text that breaks the scan would be refused with each turn of its conversation."""
    texts = [("".join(words), context) for words, context in items]
    for (text, _), row in zip(texts, detectors.find_all(texts), strict=True):
        assert all(0 <= f.start < f.end <= len(text) for f in row)


def test_no_detector_touches_the_network() -> None:
    """Presidio's e-mail recognizer asks tldextract, which fetches a list: sockets and name look-ups raise here, and are counted."""
    code = """
import socket
tried = []
def no(*a, **k):
    tried.append(a)
    raise OSError("no network")
socket.socket.connect = no
socket.getaddrinfo = no
socket.create_connection = no
from localrouter.scrub import detectors
text = "mail a.b@sub.example.co.uk, https://x.example.museum/?q=1, 4539148803436467, DE89370400440532013000, 536-90-4399, +49 30 901820"
found = {f.type for f in detectors.find(text, "")}
assert {"EMAIL", "CARD", "IBAN", "PHONE"} <= found, found
assert not tried, tried
import sys
print("quiet", "tldextract" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("quiet")


def test_size_is_linear() -> None:
    """Twice the text takes about twice the time: no detector is quadratic in a segment."""
    line = "value = compute(alpha, beta) + gamma[index] - 0x1f2e; // note 12345 of 2024-01-02\n"
    times = [least(lambda text=line * n: detectors.find(text, "")) for n in (200, 800)]
    assert times[1] < times[0] * 4 * 4, times  # four times the text, with a factor of four for a noisy machine
