"""What the Responses API is made of: its items, parts, tools and settings, each with what may be read of it (law 1 of the design).

Source: the types of OpenAI's own SDK (openai 3.52, `openai.types.responses`); a test enumerates them and fails on one that is not here.
An item, a part or a tool of a type that is not here is refused by name: nobody can say that it was read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from localrouter.core.ask import Where
from localrouter.core.hosted_tools import LEFT_OUT, PASSES

WORD = re.compile(r"[A-Za-z0-9_.:|/\-]{0,128}")
"""What an id, or a word of a closed set, looks like. Anything else in such a field is text, and is scanned."""


@dataclass(frozen=True, slots=True)
class Item:
    """`texts`: fields whose strings are text, spoken by `where`. `parts`: a string or a list of parts. `tools`: definitions of tools.
    `free`: objects of the model's own making, whose keys are text too. `mark`: what a host signed or encrypted. `unread`: nobody can
    read it (a picture, a container at the host)."""

    where: Where
    texts: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()
    tools: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()
    mark: str = ""
    unread: bool = False


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


PROTOCOL = words(
    "type id call_id status role phase execution caller async approval_request_id approve max_output_length prompt_cache_breakpoint "
    "created_by"
)
"""Fields of any item or part that hold ids and words of closed sets; see WORD."""

ITEMS: dict[str, Item] = {
    "message": Item("user", parts=words("content")),
    "function_call": Item("tool_arguments", texts=words("name namespace arguments")),
    "function_call_output": Item("tool_result", texts=words("name namespace"), parts=words("output")),
    "custom_tool_call": Item("tool_arguments", texts=words("name namespace input")),
    "custom_tool_call_output": Item("tool_result", texts=words("name namespace"), parts=words("output")),
    "local_shell_call": Item("tool_arguments", free=words("action")),
    "local_shell_call_output": Item("tool_result", texts=words("output")),
    "shell_call": Item("tool_arguments", free=words("action"), texts=words("environment")),
    "shell_call_output": Item("tool_result", texts=words("output")),
    "apply_patch_call": Item("tool_arguments", texts=words("operation")),
    "apply_patch_call_output": Item("tool_result", texts=words("output")),
    "tool_search_call": Item("tool_arguments", free=words("arguments")),
    "tool_search_output": Item("tool_result", tools=words("tools")),
    "additional_tools": Item("tool_schema", tools=words("tools")),
    "configuration_update": Item("tool_schema", texts=words("text reasoning")),
    "reasoning": Item("assistant", parts=words("summary content"), mark="encrypted_content"),
    "compaction": Item("assistant", mark="encrypted_content"),
    "compaction_trigger": Item("metadata"),
    "program": Item("assistant", skip=words("code"), mark="fingerprint"),
    "program_output": Item("tool_result", texts=words("result")),
    "mcp_list_tools": Item("tool_schema", texts=words("server_label error"), free=words("tools")),
    "mcp_approval_request": Item("tool_arguments", texts=words("name server_label arguments")),
    "mcp_approval_response": Item("user", texts=words("reason")),
    "mcp_call": Item("tool_result", texts=words("name server_label arguments output error")),
    "web_search_call": Item("assistant", texts=words("action")),
    "file_search_call": Item("tool_result", texts=words("queries"), free=words("results")),
    "code_interpreter_call": Item("tool_arguments", texts=words("code outputs container_id"), unread=True),
    "image_generation_call": Item(
        "assistant",
        texts=words("revised_prompt error action background output_format quality size svg_usage"),
        skip=words("result"),
        unread=True,
    ),
    "computer_call": Item("tool_arguments", free=words("action actions"), texts=words("pending_safety_checks")),
    "computer_call_output": Item("tool_result", parts=words("output"), texts=words("acknowledged_safety_checks")),
}

NEEDED = frozenset({"compaction"})
"""What is encrypted in these is the conversation itself: left out, the model would know nothing of it."""

REFUSED_ITEMS = {"item_reference": "Send the item itself: hosts are told to keep nothing, so there is nothing to refer to."}
"""Items that nobody can read and that no host can look up, with what to do instead."""

TEXT_PARTS = {
    "input_text": "text",
    "output_text": "text",
    "text": "text",
    "refusal": "refusal",
    "summary_text": "text",
    "reasoning_text": "text",
}
"""Part type -> the field with its text."""

UNREAD_PARTS = words("input_image input_file input_audio computer_screenshot")
"""Pictures, files and sound: named in `Ask.unread`; where they may go is the recipe's choice."""
DATA_FIELDS = words("image_url file_url file_data file_id data input_audio")
"""Where such a part keeps what it is, or where that lies."""

CLIENT_TOOLS = words("function custom namespace local_shell shell apply_patch tool_search")
"""Run by the client: their definitions are text, and so is what they are asked and what they say."""
HOSTED_TOOLS = frozenset({*LEFT_OUT, *PASSES}) - CLIENT_TOOLS
"""Run at the host or known only there; what becomes of each is said in core/hosted_tools.py."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A field of the request that holds numbers, booleans and words of closed sets; `inner`: the fields of its objects that do so too."""

    inner: frozenset[str] = field(default_factory=frozenset)


SETTINGS: dict[str, Setting] = {
    **dict.fromkeys(
        words(
            "stream store temperature top_p max_output_tokens max_tool_calls parallel_tool_calls top_logprobs truncation service_tier "
            "include background prompt_cache_retention"
        ),
        Setting(),
    ),
    "stream_options": Setting(words("include_obfuscation")),
    "reasoning": Setting(words("effort summary generate_summary context mode")),
    "prompt_cache_options": Setting(words("mode ttl prewarm comparison_response_id")),
    "context_management": Setting(words("type compact_threshold")),
    "moderation": Setting(words("model policy input output mode")),
    "access_programs": Setting(words("cyber")),
    "image": Setting(words("context_compression")),
}
REPLACED = words("model previous_response_id")
"""Never sent as the client wrote them: the host's own name of the model stands there, and a stored answer is written out."""
TEXTS = words("input instructions tools tool_choice text metadata client_metadata prompt user safety_identifier prompt_cache_key")
"""Fields that hold text. So does every field that is not named in this file."""
REFUSED = {
    "conversation": "localrouter keeps no conversations, and hosts are told to keep nothing. Send the items, or previous_response_id.",
    "background": "An answer that is fetched later must be kept by the host, and hosts are told to keep nothing. Leave 'background' out.",
    "background_options": "They are for an answer that is fetched later, which is not served. Leave 'background_options' out.",
}
"""Fields that ask a host to keep or to look up what nobody here has read, with what to do instead."""
