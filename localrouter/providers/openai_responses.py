"""The OpenAI Responses wire. Source: OpenAI API reference, "Create a model response", "The response object", "Streaming events"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localrouter.providers import Upstream
from localrouter.providers._openai_wire import auth as auth
from localrouter.providers._openai_wire import beta_headers, encoded
from localrouter.providers._openai_wire import fault as fault
from localrouter.providers._responses_body import body as body
from localrouter.providers._responses_body import notes as notes
from localrouter.providers._responses_reader import Reader as Reader

NAME = "openai_responses"


def prepare(tree: dict[str, Any], stream: bool, head: Mapping[str, str]) -> Upstream:
    """Of the client's own headers only `OpenAI-Beta` travels; others may hold its token."""
    return Upstream("/responses", beta_headers(stream, head), encoded(tree))
