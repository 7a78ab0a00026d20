"""The wire of OpenAI's compaction: a Responses request to `/responses/compact`, never streamed. A host that has it names it among its wires.

Source: OpenAI API reference, "Compact a response": the answer is an object `response.compaction` whose output is the user's messages and
one encrypted `compaction` item, with the usage of the pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localrouter.core.chat import Chat
from localrouter.core.decide import Attempt
from localrouter.core.errors import CannotCross
from localrouter.providers import Upstream
from localrouter.providers._openai_wire import auth as auth
from localrouter.providers._openai_wire import beta_headers, encoded
from localrouter.providers._openai_wire import fault as fault
from localrouter.providers._responses_reader import Reader as Reader

NAME = "openai_compact"


def body(chat: Chat, attempt: Attempt) -> dict[str, Any]:
    """Nothing crosses to it: only the API itself asks for it."""
    raise CannotCross("A request of another API is not compacted by a host.", "Send it as it is.")


def prepare(tree: dict[str, Any], stream: bool, head: Mapping[str, str]) -> Upstream:
    """Of the client's own headers only `OpenAI-Beta` travels; others may hold its token."""
    return Upstream("/responses/compact", beta_headers(False, head), encoded(tree))
