"""How long a host asks to wait. RFC 9110, 10.2.3: `Retry-After` is a number of seconds or a date; a date is told from the answer's own `Date`,
so that no clock of ours matters."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

MOST_S = 86_400
"""A day. What asks for more, for less than nothing or for no number is not believed."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, or None when it does not say. Names of headers are lower-case."""
    said = headers.get("retry-after", "")
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(said) - parsedate_to_datetime(headers.get("date", ""))).total_seconds()
        except (ValueError, TypeError):  # no date, or one of the two without a zone
            return None
    return seconds if 0 <= seconds <= MOST_S else None
