"""A key that stands alone: a line that holds nothing but one random string, as people paste it ("here is my key:").

Blocks of base64 (certificates, images) are many such lines together and none of them is found; nor are hex digests, ids, or
words joined by dashes. A comment or a sentence before it that names a secret makes shorter values and hex count.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._key_names import sense
from localrouter.scrub.detectors._placeholder import placeholder
from localrouter.scrub.detectors._shape import decoded, is_digest, is_hex, is_identifier_of_a_thing, random, vocabulary, words

NAME = "bare_token"
_LINE = re.compile(r"(?m)^[ \t>]*[\"'`]?(?P<v>[A-Za-z0-9+/_.~!@#$%^&*-]{16,200}={0,2})[\"'`]?[ \t]*,?$")
_ASSIGNED = re.compile(
    r"(?m)^[ \t>+-]*(?:export[ \t]+|const[ \t]+|let[ \t]+|var[ \t]+|\$)?(?P<k>[\"']?[A-Za-z][\w.-]{0,60})[\"']?[ \t]*[=:][ \t]*(?P<q>[\"'])?(?P<v>[A-Za-z0-9+/_-]{32,100}={0,2})(?(q)(?P=q))[ \t]*[;,]?[ \t]*(?:\r?$)"
)
_DIGEST = vocabulary(
    """
    hash mock pubkey fake dummy example sample sha sha1 sha224 sha256 sha384 sha512 md digest checksum sum integrity etag id
    uuid guid rev revision commit nonce public pub cert certificate fingerprint signature sig thumbprint pin csp version
    cursor page next continuation image icon font data blob payload body content mappings proof root merkle address addr
    txid tx block contract cid ref sri expected actual result output resolved alphabet charset chars letters base table
    encoded b64 base64 key src url uri path file name
    """
)
_KNOWN = (
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "nvapi-",
    "glpat-",
    "npm_",
    "hf_",
    "AIza",
    "AKIA",
    "ASIA",
    "shpat_",
    "SG.",
)
_LONG = re.compile(r"[A-Za-z0-9+/_.~!@#$%^&*-]{16}")
_SAYS = re.compile(
    r"(?i)\b(?:pass(?:word|phrase|code)?|pwd|secret|token|(?:api|access|private|master|secret|encryption|license|signing)[ _-]?keys?|credentials?)\b"
)
_WIDTHS = (64, 76)
"""The line lengths of PEM (RFC 7468) and MIME (RFC 2045): one such line alone is a piece of a block."""
_BLOB = re.compile(r"[A-Za-z0-9+/=_-]{32,}")


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    if _LONG.search(text) is None:
        return out
    for m in _LINE.finditer(text):
        value = m["v"]
        if value.startswith(_KNOWN):
            continue  # what begins as a key of a known kind is that rule's to judge
        if not any(c.isdigit() for c in value) or "12345" in value or placeholder(value) or is_identifier_of_a_thing(value):
            continue
        before = text[max(0, m.start() - 200) : m.start()].rstrip().rsplit("\n", 1)[-1].strip()
        after = text[m.end() : m.end() + 300].lstrip("\r\n").split("\n", 1)[0].strip()
        if _BLOB.fullmatch(before.strip("\"',")) or _BLOB.fullmatch(after.strip("\"',")) or "-----" in before or "-----" in after:
            continue
        said = (len(before) < 160 and _SAYS.search(before) is not None) or (
            not before and "\n" not in text.strip() and sense(context.rsplit(".", 1)[-1]) is not None
        )
        if said and before.endswith(("{", "(", "[", ";", ",")):
            said = False
        if is_hex(value) or is_digest(value):
            strong = said and len(value) >= 32 and is_hex(value)
        elif said:
            strong = random(value, 16, 3.2)
        else:
            mixed = any(c.islower() for c in value) and any(c.isupper() for c in value)
            strong = (
                mixed
                and random(value, 24, 3.8)
                and len(value) not in _WIDTHS
                and "/" not in value
                and "." not in value
                and decoded(value) is None
            )
        if strong:
            out.append(Finding(m.start("v"), m.end("v"), "SECRET", 0.7 if not said else 0.85, NAME))
    for m in _ASSIGNED.finditer(text):
        value = m["v"]
        mixed = any(c.islower() for c in value) and any(c.isupper() for c in value) and sum(c.isdigit() for c in value) >= 2
        if (
            mixed
            and _DIGEST.isdisjoint(words(m["k"]))
            and "12345" not in value
            and random(value, 32, 4.3)
            and not placeholder(value)
            and decoded(value) is None
        ):
            out.append(Finding(m.start("v"), m.end("v"), "SECRET", 0.6, NAME))
    return out
