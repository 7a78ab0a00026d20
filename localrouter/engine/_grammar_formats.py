"""String formats of JSON Schema (Validation, section 7.3) as the compiler takes them.

llguidance has rules of its own for `duration`, `email`, `hostname`, `ipv4`, `ipv6`, `uuid` and `uri`, which pass the JSON-Schema-Test-Suite
without a false accept. Written here: dates with the days that each month has (its own takes 29 February of any year), times without leap
seconds, and formats it does not know, each as a pattern for a *part* of the format: what is written is right, not all that is right can
be written. `regex` is left an annotation: no part of it would be of use.
"""

from __future__ import annotations

from typing import Any

_YEAR = r"(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_LEAP = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DATE = (
    rf"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    rf"|{_LEAP}-02-29)"
)
_HOUR = r"(?:[01][0-9]|2[0-3])"
_TIME = rf"{_HOUR}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{1,6}})?(?:Z|[+-]{_HOUR}:[0-5][0-9])"
_PATH = r"[A-Za-z0-9._~!$&'()*+,;=@/-]*"
_REST = r"(?:\?[A-Za-z0-9._~!$&'()*+,;=:@/?-]*)?(?:#[A-Za-z0-9._~!$&'()*+,;=:@/?-]*)?"

# Each is a whole subschema about strings, joined to the others by allOf.
FORMATS: dict[str, dict[str, Any]] = {
    **{name: {"format": name} for name in ("duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri")},
    "idn-email": {"format": "email"},
    "idn-hostname": {"format": "hostname"},
    "iri": {"format": "uri"},
    "date": {"pattern": f"^{_DATE}$"},
    "time": {"pattern": f"^{_TIME}$"},
    "date-time": {"pattern": f"^{_DATE}T{_TIME}$"},
    "uri-reference": {"pattern": f"^{_PATH}{_REST}$"},
    "iri-reference": {"pattern": f"^{_PATH}{_REST}$"},
    "uri-template": {"pattern": r"^(?:[A-Za-z0-9._~:/?#@&=+,;-]|\{[A-Za-z0-9_]+\})*$"},
    "json-pointer": {"pattern": "^(?:/(?:[^/~]|~[01])*)*$"},
    "relative-json-pointer": {"pattern": "^(?:0|[1-9][0-9]{0,8})(?:#|(?:/(?:[^/~]|~[01])*)*)$"},
}
