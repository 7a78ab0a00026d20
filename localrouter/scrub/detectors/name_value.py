"""Fields whose name and value are written apart: XML elements, `<add key= value=>`, plist, `{"name": ..., "value": ...}`, tables.

XML element and attribute values are found between their marks; entities stay as they are written (XML 1.0 section 2.4).
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._fields import hits, lower, names
from localrouter.scrub.detectors._key_names import KIND, Sense, sense
from localrouter.scrub.detectors._placeholder import placeholder
from localrouter.scrub.detectors._shape import is_hex, is_uuid, noise, random, vocabulary

NAME = "name_value"
_ELEMENT = re.compile(
    r"<(?P<k>[\w.:-]{2,80})(?:\s[^<>]{0,200})?>\s{0,80}(?:<!\[CDATA\[)?(?P<v>[^<>\n]{1,600}?)(?:\]\]>)?\s{0,80}</(?P=k)>"
)
_ATTRIBUTE = re.compile(
    r"<[\w:.-]{1,60}\s(?:[^<>]{0,200}?\s)?(?:name|key|id|property)=(?P<q>[\"'])(?P<k>[\w. :/-]{2,120})(?P=q)[^<>]{0,100}>\s{0,40}(?:<!\[CDATA\[)?(?P<v>[^<>\n]{1,600}?)(?:\]\]>)?\s{0,40}</"
)
_PAIR = re.compile(
    r"(?i)[\"']?\b(?:name|key|id|option_?name|parameter(?:_?name)?|variable|field|property|label|header)[\"']?\s{0,4}[:=]\s{0,4}(?P<q>[\"'])?(?P<k>[\w. /:-]{2,80}?)(?P=q)?[\s,;]{1,40}(?:#[^\n]{0,80}\s*)?"
    r"(?:[\"']?type[\"']?\s{0,4}[:=]\s{0,4}[\"']?\w+[\"']?[\s,;]{1,40})?[\"']?(?:value|content|secret|default|parametervalue|string_?value|option_?value)[\"']?\s{0,4}[:=]\s{0,4}(?P<w>[\"'])?(?P<v>(?(w)[^\"'\n]{1,600}|[^\s\"',}\]>]{1,600}))"
)
_REVERSED = re.compile(
    r"(?i)[\"']?\bvalue[\"']?\s{0,4}[:=]\s{0,4}(?P<w>[\"'])(?P<v>[^\"'\n]{1,600})(?P=w)[\s,;]{1,40}[\"']?(?:name|key)[\"']?\s{0,4}[:=]\s{0,4}(?P<q>[\"'])(?P<k>[\w. :-]{2,80})(?P=q)"
)
_TWO = re.compile(
    r"<(?:name|key|k|n)>\s{0,40}(?P<k>[\w. :-]{2,80})\s{0,40}</(?:name|key|k|n)>\s{0,80}<(?:value|string|v|data)>\s{0,40}(?P<v>[^<>\n]{1,600}?)\s{0,40}</"
)


_TYPES = vocabulary(
    """
    string integer number boolean object array hidden required optional encrypted visible masked disabled enabled default
    """
)


_BEGINS, _ENDS = frozenset("\"'> :=_.\t"), frozenset("\"'< ,;_.\n\r-")


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    if not hits(text) and "settingsSecurity" not in text:
        return out
    marked = "</" in text
    low = lower(text)
    if marked:
        for m in _ELEMENT.finditer(text):
            name: str = m["k"].rsplit(":", 1)[-1]
            # `<master>` is what Maven's settings-security.xml calls its password.
            meaning: Sense | None = "password" if name == "master" and "settingsSecurity" in text else sense(name)
            if meaning is not None and _value(m["v"], meaning, 4):
                out.append(Finding(m.start("v"), m.end("v"), KIND[meaning], 0.9, NAME))
        for m in _ATTRIBUTE.finditer(text):
            meaning = sense(m["k"].replace(" ", "_"))
            if meaning is not None and _value(m["v"], meaning, 4):
                out.append(Finding(m.start("v"), m.end("v"), KIND[meaning], 0.9, NAME))
    patterns = ([_TWO] if marked else []) + ([_PAIR] if any(w in low for w in ("value", "content", "default", "secret")) else [])
    done = 0
    for name_ in names(text) if patterns else ():
        begin = max(done, name_.start - 60)
        # The name is a value itself: quoted, in an element, or behind a colon; and it ends there.
        if (
            name_.text.startswith("-")
            or text[name_.end : name_.end + 1] not in _ENDS
            or text[name_.start - 1 : name_.start] not in _BEGINS
        ):
            continue
        for pattern in patterns:
            pair = pattern.search(text, begin, min(len(text), name_.end + 900))
            if pair is not None and pair.start("k") <= name_.end and pair.end("k") >= name_.start:
                meaning = sense(pair["k"].replace(" ", "_"))
                if meaning is not None and _value(pair["v"], meaning, 6):
                    out.append(Finding(pair.start("v"), pair.end("v"), KIND[meaning], 0.9, NAME))
                    done = pair.end("v")
    if "value" in low:
        for m in _REVERSED.finditer(text):
            meaning = sense(m["k"].replace(" ", "_"))
            if meaning is not None and _value(m["v"], meaning, 6):
                out.append(Finding(m.start("v"), m.end("v"), KIND[meaning], 0.9, NAME))
    return out


def _value(value: str, meaning: Sense, length: int) -> bool:
    if meaning == "maybe":
        return noise(value)
    if placeholder(value) or " " in value.strip() or "://" in value:
        return False
    if meaning in ("password", "phrase"):
        if value.isalpha():
            return len(value) >= max(length, 8 if length == 4 else 6) and not value.istitle() and value.lower() not in _TYPES
        return len(value) >= length
    if meaning == "secret":
        return len(value) >= 8 and (is_uuid(value) or random(value, 8, 2.5))
    return random(value, 14, 3.0) or (is_uuid(value) and meaning == "key") or (is_hex(value) and len(value) >= 20)
