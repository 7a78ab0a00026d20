"""Private keys in their armours: PEM (RFC 7468), OpenSSH, PGP, PuTTY, OpenVPN and JWK; with real, escaped, indented or quoted line ends.

The whole block is the value. A block that was cut off or shortened counts too: half a key is not public. A body of dots, of words
or of anything shorter than a key that does not begin like one is a sample. Certificates and public keys are public.
"""

from __future__ import annotations

import base64
import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._placeholder import dull
from localrouter.scrub.detectors._shape import entropy, is_hex, wordy

NAME = "pem"
_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_MADE_UP = re.compile(r"EXAMPLE|FAKE|DUMMY|SAMPLE")
_END = re.compile(r"-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_SSH2 = re.compile(r"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----.{0,8000}?(?:---- END SSH2 ENCRYPTED PRIVATE KEY ----|\Z)", re.S)
_STATIC = re.compile(
    r"-----BEGIN OpenVPN Static key V1-----[\s0-9a-fA-F\\nr]{200,2000}(?:-----END OpenVPN Static key V1-----|\Z)"
)
_PUTTY = re.compile(
    r"PuTTY-User-Key-File-\d:[^\n]*\n(?:[^\n]*\n){0,60}?Private-Lines: *\d+\r?\n(?P<body>.{16,12000}?)(?:Private-MAC: *[0-9a-f]{40,64}|\Z)",
    re.S,
)
_ESCAPES = re.compile(r"\\+[nrt]|\\u000[adAD]|[\s\"'`,+;>#|*\\]|//")
_HEADERS = re.compile(r"(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset)[^\n\\]{0,200}(?:\n|\\+n|$)")
_BODY = re.compile(r"[A-Za-z0-9+/=_-]*")
_SAMPLE = re.compile(
    r"(?i)\b\w*(?:example|fake|dummy|mock|sample|placeholder)\w*[\"']?\s*(?:=|:|=>|:=)\s*(?:[A-Za-z]{0,2}[\"'`]{1,3})\s*$"
)
_JWK = re.compile(
    r"\{[^{}]{0,4000}?\"kty\"\s*:\s*\"(?:RSA|EC|OKP|oct)\"[^{}]{0,8000}?\}|\{[^{}]{0,8000}?\"kty\"\s*:[^{}]{0,4000}?\}"
)
_JWK_PART = re.compile(r"\"(?P<k>d|p|q|dp|dq|qi|k)\"\s*:\s*\"(?P<v>[\w-]{16,2000})\"")
_WRAPPED = re.compile(
    r"(?<![\w+/=])(?:LS0tLS1CRUdJTi|0tLS0tQkVHSU4g|tLS0tLUJFR0lOI)[\w+/=-]{40,16000}(?:(?:\r?\n|\\n)[ \t]{0,40}[\w+/=-]{4,200}(?=[\s\"']|\Z)){0,200}"
)
_STARTS = ("MII", "MIG", "MHc", "MHQ", "MIH", "MC4", "MFM", "MFE", "MF4", "MG4", "b3BlbnNzaC1rZXktdjE", "lQ", "lI", "xc")
"""How base64 of a DER sequence, of an OpenSSH key and of an OpenPGP secret key packet begins."""
LEAST_KNOWN = 16
"""Characters when the block begins as keys do: half a line of a key that somebody shortened still is one to be careful with."""
LEAST = 64
"""Characters of key in a block: an Ed25519 key in PKCS#8, the shortest there is, has 64."""


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    if "PRIVATE KEY" in text:
        out += _blocks(text)
        out += [Finding(m.start(), m.end(), "PRIVATE_KEY", 1.0, NAME) for m in _SSH2.finditer(text) if len(m[0]) > 120]
    if "OpenVPN Static key" in text:
        out += [Finding(m.start(), m.end(), "PRIVATE_KEY", 1.0, NAME) for m in _STATIC.finditer(text)]
    if "PuTTY-User-Key-File" in text:
        out += [Finding(m.start("body"), m.end("body"), "PRIVATE_KEY", 1.0, NAME) for m in _PUTTY.finditer(text)]
    if '"kty"' in text:
        for jwk in _JWK.finditer(text):
            symmetric = '"oct"' in jwk[0]
            for m in _JWK_PART.finditer(text, jwk.start(), jwk.end()):
                if (m["k"] == "k") == symmetric and not dull(m["v"]):
                    out.append(Finding(m.start("v"), m.end("v"), "PRIVATE_KEY", 1.0, NAME))
    if "LS0tLS1CRUdJTi" in text or "tQkVHSU4g" in text or "JFR0lO" in text:
        out += [Finding(m.start(), m.end(), "PRIVATE_KEY", 1.0, NAME) for m in _WRAPPED.finditer(text) if _wrapped(m[0])]
    return out


def _blocks(text: str) -> list[Finding]:
    out: list[Finding] = []
    at = 0
    while (begin := _BEGIN.search(text, at)) is not None:
        following = _BEGIN.search(text, begin.end())
        end = _END.search(text, begin.end(), following.start() if following is not None else len(text))
        if end is not None:
            stop, inner = end.end(), text[begin.end() : end.start()]
        else:
            edge = following.start() if following is not None else len(text)
            inner = text[begin.end() : edge]
            stop = begin.end() + _extent(inner)
            inner = text[begin.end() : stop]
        if (
            not _MADE_UP.search(begin[0])
            and key_material(inner)
            and not _SAMPLE.search(text[max(0, begin.start() - 80) : begin.start()].rsplit("\n", 1)[-1])
        ):
            out.append(Finding(begin.start(), stop, "PRIVATE_KEY", 1.0, NAME))
        at = max(stop, begin.end())
    return out


def _extent(inner: str) -> int:
    """How far key lines go in a block without an end: up to the first line that is neither a header, empty nor base64."""
    at = 0
    for line in inner.splitlines(keepends=True):
        bare = _ESCAPES.sub("", line)
        body = _BODY.fullmatch(bare) is not None
        if bare and ":" not in line and (not body or (len(bare) <= 30 and bare.isalpha() and (wordy(bare) or len(bare) < 8))):
            break
        at += len(line)
    return len(inner[:at].rstrip())


def key_material(inner: str) -> bool:
    """Whether what stands between the marks could be a key: long enough, base64, and no sample."""
    body = _ESCAPES.sub("", _HEADERS.sub("", inner))
    kept = "".join(_BODY.findall(body))
    begins = kept.startswith(_STARTS)
    if len(kept) < (LEAST_KNOWN if begins else LEAST) or len(kept) < 0.75 * len(body) or "EXAMPLE" in inner:
        return False
    return not dull(kept) and not (is_hex(kept) and len(kept) < 200) and entropy(kept) >= (2.8 if begins else 3.5)


def _wrapped(value: str) -> bool:
    """Base64 of a PEM block, wherever the block began."""
    head = re.sub(r"\\n|\s", "", value[:4000])
    for shift in range(4):
        part = head[shift:]
        try:
            plain = base64.b64decode(part[: len(part) // 4 * 4].replace("-", "+").replace("_", "/").rstrip("=") + "===").decode(
                "latin-1"
            )
        except ValueError:
            continue
        if "PRIVATE KEY" in plain:
            return "EXAMPLE" not in plain
    return False
