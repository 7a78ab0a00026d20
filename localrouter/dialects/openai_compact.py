"""OpenAI's compaction of a conversation at the host, as clients ask for it: `/v1/responses/compact`. Source: OpenAI API reference, "Compact a
response"; Codex (codex-rs, compact_remote.rs) asks for it when its provider is OpenAI's own.

It is served where the host speaks it (`openai_compact` among its wires): scanned and veiled like any request, answered with the host's
encrypted item, which goes back to that host alone. No other host can make or read one, so elsewhere it is refused with what to do: Codex has
no way back from a refusal, but with a provider of another name it compacts through ordinary requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from localrouter.core.ask import Ask
from localrouter.core.chat import Chat
from localrouter.core.decide import Attempt
from localrouter.core.errors import BadRequest, BudgetExceeded, CannotCross
from localrouter.dialects import Made, _hosted
from localrouter.dialects._edits import name_model, run
from localrouter.dialects._responses_edits import drop_logprobs, drop_references, write_out
from localrouter.dialects._responses_object import error_body as error_body
from localrouter.dialects._responses_read import REFERS as REFERS
from localrouter.dialects._responses_read import read_as
from localrouter.dialects._responses_read import resume as resume
from localrouter.dialects._responses_read import resumed as resumed
from localrouter.dialects._responses_turns import HOW_TO_COMPACT
from localrouter.dialects._responses_writer import Writer as Writer

NAME = "openai_compact"
WIRE = "openai_compact"
ROUTES = (("POST", "/v1/responses/compact"), ("POST", "/responses/compact"))

_EDITS = (*_hosted.EDITS, name_model, write_out, drop_references, drop_logprobs)


def read(body: bytes, headers: Mapping[str, str]) -> Ask:
    """Bytes to an Ask. Raises BadRequest and Unsupported, each naming the field."""
    ask = replace(read_as(NAME, body, headers), endpoint=ROUTES[0][1], offers=())
    if ask.needs.stream:
        raise BadRequest("A compaction is not streamed.", "Leave 'stream' out.", param="stream")
    return ask


def outgoing(tree: dict[str, Any], ask: Ask, attempt: Attempt, made: list[Made] | None = None) -> dict[str, Any]:
    """The raw plane: the veiled tree with the listed edits. Raises BudgetExceeded where less than the model's longest answer can be paid:
    the API has no word for the length of a compaction."""
    assert attempt.model is not None
    if attempt.max_output < attempt.model.max_output:
        raise BudgetExceeded(
            f"How long a compaction becomes cannot be limited, and {attempt.model.id} may write {attempt.model.max_output} tokens.",
            "Raise the budget with `localrouter budget set`, or the route's limit.",
        )
    return run(_EDITS, tree, ask, attempt, made)


def chat(tree: dict[str, Any], ask: Ask) -> Chat:
    """There is no neutral form of it. Raises CannotCross."""
    raise CannotCross("The conversation shall be compacted at the host, which this host's API has no word for.", HOW_TO_COMPACT)
