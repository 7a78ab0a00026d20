"""Kubernetes `Secret` manifests: the values under `data` (base64) and `stringData` (plain), whatever their keys are called.

kubernetes.io/docs/concepts/configuration/secret. In other YAML a base64 value counts when what it decodes to is a secret by one of
the shapes below (`KEY=value`, a private key, a token prefix): one level, or two, as people do.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._key_names import sense
from localrouter.scrub.detectors._placeholder import dull, marked, placeholder
from localrouter.scrub.detectors._shape import decoded, entropy, vocabulary

NAME = "kubernetes_secret"
_KIND = re.compile(
    r"(?im)^[ \t]*[\"']?kind[\"']?[ \t]*:[ \t]*[\"']?secret(?:list)?[\"']?[ \t]*,?[ \t]*$|\"kind\"\s*:\s*\"Secret\""
)
_MAP = re.compile(
    r"(?m)^(?P<indent>[ \t]*(?:-[ \t]+)?)[\"']?(?P<name>data|stringData)[\"']?[ \t]*:[ \t]*(?:\{[ \t]*)?(?:#[^\n]*)?\n"
)
_JSON = re.compile(r"\"(?P<name>data|stringData)\"\s*:\s*\{(?P<body>[^{}]{1,20000})\}")
_JSON_FIELD = re.compile(r"\"(?P<k>[^\"\n]{1,200})\"\s*:\s*\"(?P<v>[^\"\n]{1,16000})\"")
_FIELD = re.compile(r"[ \t]*[\"']?(?P<k>[\w./-]{1,200})[\"']?[ \t]*:[ \t]*(?P<rest>[^\n]*)")
_SCALAR = re.compile(r"(?P<q>[\"'])?(?P<v>(?(q)[^\"'\n]*|[^\s#][^\n]*?))(?(q)(?P=q))[ \t]*,?[ \t]*(?:(?<=[\s\"',])#[^\n]*)?$")
_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{24,}={0,2}(?![\w+/=-])")
_TELLING = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|(?i:[\w-]*(?:passw(?:or)?d|passwd|secret|api[_-]?key|access[_-]?key|private[_-]?key|token)[\w-]{0,20}[\"']?\s*[:=]\s*[\"']?(?P<v>[^\s\"']{4,}))"
    r"|\b(?:AKIA[A-Z2-7]{16}|gh[pousr]_[0-9A-Za-z]{36}|xox[abp]-[\w-]{20}|sk-[\w-]{20}|sha256~[\w-]{43})|://[^\s:/@]+:(?P<u>[^\s/@]{4,})@"
)
_NOT_VALUES = vocabulary(
    """
    namespace ca.crt tls.crt service-ca.crt ca-bundle.crt ca.pem cert.pem hostname host port username user type url
    """
)
_ADDRESS = re.compile(r"[a-z]+://\S+")
_LEAST = 8
"""Characters of a decoded value: shorter ones (`foo`, `bar`) are samples."""


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    if "ata" in text and _KIND.search(text):
        for m in _MAP.finditer(text):
            out += _yaml(text, len(m["indent"].replace("-", " ")), m.end(), m["name"] == "data")
        for m in _JSON.finditer(text):
            for f in _JSON_FIELD.finditer(text, m.start("body"), m.end("body")):
                if _secret(f["k"], f["v"], m["name"] == "data"):
                    out.append(Finding(f.start("v"), f.end("v"), "SECRET", 0.9, NAME))
    for m in _BASE64.finditer(text):
        if telling(m[0]):
            out.append(Finding(m.start(), m.end(), "SECRET", 0.9, NAME))
    return out


def _yaml(text: str, depth: int, at: int, encoded: bool) -> list[Finding]:
    """The fields of one map: the lines indented deeper than its key."""
    out: list[Finding] = []
    inner = -1
    while at < len(text):
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        row = text[at:stop]
        width = len(row) - len(row.lstrip(" \t"))
        if not row.strip() or row.lstrip().startswith("#"):
            at = stop + 1
            continue
        if width <= depth:
            break
        inner = width if inner < 0 else inner
        field = _FIELD.match(text, at, stop)
        if field is None or width != inner:
            at = stop + 1
            continue
        rest = field["rest"].strip()
        if re.fullmatch(r"[|>][+-]?\d?(?:\s+#.*)?", rest):
            begin, end, at = _deeper(text, stop + 1, inner)
            if begin < end and _secret(field["k"], "".join(text[begin:end].split()) if encoded else text[begin:end], encoded):
                out.append(Finding(begin, end, "SECRET", 0.9, NAME))
            continue
        scalar = _SCALAR.match(text, field.start("rest"), stop)
        if scalar is not None and _secret(field["k"], scalar["v"], encoded):
            out.append(Finding(scalar.start("v"), scalar.end("v"), "SECRET", 0.9, NAME))
        at = stop + 1
    return out


def _deeper(text: str, at: int, depth: int) -> tuple[int, int, int]:
    """(start, end) of the lines indented more than `depth`, and where the next line starts."""
    begin = end = at
    first = True
    while at < len(text):
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        row = text[at:stop]
        if row.strip():
            width = len(row) - len(row.lstrip(" "))
            if width <= depth:
                break
            if first:
                begin, first = at + width, False
            end = at + len(row.rstrip())
        at = stop + 1
    return begin, end, at


def _secret(key: str, value: str, encoded: bool) -> bool:
    if key.lower() in _NOT_VALUES and "://" not in value:
        return False
    if not encoded:
        if placeholder(value) or (" " in value and "\n" not in value):
            return False
        meaning = sense(key)
        hard = any(c.isdigit() or not c.isalnum() for c in value)
        return len(value) >= _LEAST and (hard or meaning is not None) and "://" not in value
    if "{{" in value or "$" in value or "<" in value:
        return False
    plain = decoded(value)
    if plain is None:
        # Binary: a keystore. Kubernetes takes canonical base64 only.
        return len(value) >= 24 and len(value) % 4 == 0 and _BASE64.fullmatch(value) is not None and entropy(value) >= 4.0
    again = decoded(plain.strip())
    plain = again if again is not None and len(plain) >= 16 else plain
    plain = plain.strip()
    # What somebody encoded into a Secret is meant as one, words or not; only samples and templates are left.
    if len(plain) < _LEAST or (len(plain) <= 44 and (marked(plain) or dull(plain) or "{{" in plain or "${" in plain)):
        return False
    if "BEGIN CERTIFICATE" in plain or "BEGIN PUBLIC KEY" in plain:
        return "PRIVATE KEY" in plain and "EXAMPLE" not in plain
    return _ADDRESS.fullmatch(plain) is None or bool(_TELLING.search(plain)) or sense(key) is not None


def telling(value: str) -> bool:
    """Whether base64 text decodes, once or twice, to something with a secret in it."""
    # ASCII encodes to base64 whose characters stay in a part of the alphabet; a hash fails the decode at once.
    for _ in range(2):
        plain = decoded(value)
        if plain is None:
            return False
        m = _TELLING.search(plain)
        if m is not None:
            inner = m["v"] or m["u"]
            return not (inner and placeholder(inner)) and "EXAMPLE" not in plain
        value = plain.strip()
    return False
