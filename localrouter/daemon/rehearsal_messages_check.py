"""What the rehearsal host's Messages API answers with 400, in the words of the real one.

Source: Anthropic API reference and guides (see `rehearsal_messages`); the header rules of `anthropic-version: 2026-10-21` are of its
release notes: sampling parameters are no longer accepted.
"""

from __future__ import annotations

import re
from typing import Any

from localrouter.daemon.rehearsal_strict import Maker, Refused, closed_schema, need

FIELDS = frozenset(
    {
        "cache_control", "container", "diagnostics", "inference_geo", "max_tokens", "messages", "metadata", "model", "output_config",
        "service_tier", "speed", "stop_sequences", "stream", "system", "temperature", "thinking", "tool_choice", "tools", "top_k",
        "top_p", "user_profile_id", "workspace_id",
    }
)  # fmt: skip
BETA = {"context_management": "context-management-", "mcp_servers": "mcp-client-"}
"""Fields that only a request with this beta flag may have."""
_BLOCKS = {
    "text": {"type", "text", "cache_control", "citations"},
    "image": {"type", "source", "cache_control"},
    "document": {"type", "source", "title", "context", "citations", "cache_control"},
    "thinking": {"type", "thinking", "signature"},
    "redacted_thinking": {"type", "data"},
    "tool_use": {"type", "id", "name", "input", "cache_control", "caller", "toolset_name"},
    "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control", "toolset_name"},
    "search_result": {"type", "source", "title", "content", "citations", "cache_control"},
    "tool_reference": {"type", "tool_name", "cache_control"},
}
_USER = {"text", "image", "document", "tool_result", "search_result", "container_upload"}
_ASSISTANT = {
    "text",
    "thinking",
    "redacted_thinking",
    "tool_use",
    "server_tool_use",
    "web_search_tool_result",
    "tool_search_tool_result",
}
_TOOL = {
    "type", "name", "description", "input_schema", "cache_control", "defer_loading", "eager_input_streaming", "strict",
    "allowed_callers", "input_examples",
}  # fmt: skip
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
NO_SAMPLING = "2026-10-21"


def check(tree: dict[str, Any], headers: dict[str, str], maker: Maker, *, lenient: bool) -> None:
    """Raises Refused. `lenient`: unknown fields pass."""
    version = headers.get("anthropic-version")
    need(version, "anthropic-version: header is required")
    betas = headers.get("anthropic-beta", "")
    for key in tree if not lenient else ():
        known = key in FIELDS or (key in BETA and BETA[key] in betas)
        need(known, f"{key}: Extra inputs are not permitted")
    for key in ("model", "messages", "max_tokens"):
        need(tree.get(key) is not None, f"{key}: Field required")
    need(isinstance(tree["max_tokens"], int) and tree["max_tokens"] > 0, "max_tokens: Input should be greater than or equal to 1")
    _settings(tree, str(version))
    names = _tools(tree, lenient)
    choice = tree.get("tool_choice") or {}
    if choice.get("type") == "tool":
        need(choice.get("name") in names, f"Tool '{choice.get('name')}' not found in provided tools")
    messages = tree["messages"]
    need(isinstance(messages, list) and messages, "messages: at least one message is required")
    for i, message in enumerate(messages):
        _message(i, message, len(messages), maker, lenient)
    need(messages[0].get("role") != "assistant", 'messages: first message must use the "user" role')
    _pairs(messages)
    _thinking_turns(tree, messages)
    _cached(tree)


def _settings(tree: dict[str, Any], version: str) -> None:
    sampling = [k for k in ("temperature", "top_p", "top_k") if tree.get(k) is not None]
    need(version < NO_SAMPLING or not sampling, f"{', '.join(sampling)}: not supported with anthropic-version {version}")
    temperature = tree.get("temperature")
    need(temperature is None or 0 <= temperature <= 1, "temperature: range: 0..1")
    need(
        "temperature" not in sampling or "top_p" not in sampling,
        "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
    )
    thinking = tree.get("thinking") or {}
    kind = thinking.get("type")
    need(
        kind in (None, "enabled", "adaptive", "disabled"),
        f"thinking: Input tag '{kind}' found using 'type' is none of 'adaptive', 'disabled', 'enabled'",
    )
    if kind == "enabled":
        budget = thinking.get("budget_tokens")
        need(isinstance(budget, int), "thinking.enabled.budget_tokens: Field required")
        assert isinstance(budget, int)
        need(budget >= 1024, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        need(budget < tree["max_tokens"], "`max_tokens` must be greater than `thinking.budget_tokens`.")
    if kind in ("enabled", "adaptive"):
        need(temperature in (None, 1), "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.")
        need(tree.get("top_k") is None, "`top_k` must be unset when thinking is enabled or in adaptive mode.")
        forced = (tree.get("tool_choice") or {}).get("type") in ("any", "tool")
        need(not forced, "Thinking may not be enabled when tool_choice forces tool use.")
    effort = (tree.get("output_config") or {}).get("effort")
    need(
        effort in (None, "low", "medium", "high", "xhigh", "max"),
        f"output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max', not {effort!r}",
    )
    form = (tree.get("output_config") or {}).get("format")
    if form is not None:
        need(
            form.get("type") == "json_schema" and isinstance(form.get("schema"), dict),
            "output_config.format.schema: Field required",
        )
        need(set(form) <= {"type", "schema"}, "output_config.format.name: Extra inputs are not permitted")
        closed_schema(form["schema"], "output_config.format.schema", every=False)
    for stop in tree.get("stop_sequences") or ():
        need(isinstance(stop, str) and stop.strip(), "stop_sequences: each stop sequence must contain non-whitespace")
    for key in tree.get("metadata") or {}:
        need(key == "user_id", f"metadata.{key}: Extra inputs are not permitted")


def _tools(tree: dict[str, Any], lenient: bool) -> set[str]:
    names: set[str] = set()
    for i, tool in enumerate(tree.get("tools") or ()):
        name = tool.get("name")
        need(
            isinstance(name, str) and _NAME.fullmatch(name),
            f"tools.{i}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'",
        )
        need(name not in names, "tools: Tool names must be unique.")
        names.add(name)
        if tool.get("type", "custom") != "custom":
            continue
        schema = tool.get("input_schema")
        need(isinstance(schema, dict), f"tools.{i}.custom.input_schema: Field required")
        need(schema.get("type") == "object", f"tools.{i}.custom.input_schema.type: Input should be 'object'")
        for key in tool if not lenient else ():
            need(key in _TOOL, f"tools.{i}.custom.{key}: Extra inputs are not permitted")
        if tool.get("strict"):
            closed_schema(schema, f"tools.{i}.custom.input_schema", every=False)
    kind = (tree.get("tool_choice") or {}).get("type")
    need(
        kind in (None, "auto", "any", "tool", "none"),
        f"tool_choice: Input tag '{kind}' found using 'type' does not match any of the expected tags",
    )
    need(kind in (None, "none") or names, "tool_choice may only be specified while providing tools.")
    return names


def _message(i: int, message: Any, total: int, maker: Maker, lenient: bool) -> None:
    where = f"messages.{i}"
    need(isinstance(message, dict), f"{where}: Input should be a valid dictionary")
    role, content = message.get("role"), message.get("content")
    need(role in ("user", "assistant", "system"), f"{where}.role: Input should be 'user' or 'assistant'")
    for key in message if not lenient else ():
        need(key in ("role", "content"), f"{where}.{key}: Extra inputs are not permitted")
    need(isinstance(content, (str, list)), f"{where}.content: Field required")
    last = i == total - 1
    need(
        content or (last and role == "assistant"),
        f"{where}: all messages must have non-empty content except for the optional final assistant message",
    )
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []
    if last and role == "assistant" and blocks and blocks[-1].get("type") == "text":
        need(not blocks[-1]["text"][-1:].isspace(), "messages: final assistant content cannot end with trailing whitespace")
    results_over = False
    for j, block in enumerate(blocks):
        at = f"{where}.content.{j}"
        need(isinstance(block, dict), f"{at}: Input should be a valid dictionary")
        kind = block.get("type")
        allowed = _ASSISTANT if role == "assistant" else _USER
        need(kind in allowed or lenient, f"{at}: Input tag '{kind}' found using 'type' does not match any of the expected tags")
        results_over = results_over or kind != "tool_result"
        early = kind != "tool_result" or not results_over
        need(early, f"{at}: `tool_result` blocks must come first in the content of a message")
        _block(block, at, maker, lenient)


def _block(block: dict[str, Any], at: str, maker: Maker, lenient: bool) -> None:
    kind = str(block.get("type"))
    for key in block if not lenient and kind in _BLOCKS else ():
        need(key in _BLOCKS[kind], f"{at}.{kind}.{key}: Extra inputs are not permitted")
    if kind == "text":
        need(isinstance(block.get("text"), str), f"{at}.text.text: Field required")
        need(block["text"], "messages: text content blocks must be non-empty")
        need(block["text"].strip(), "messages: text content blocks must contain non-whitespace text")
    elif kind == "thinking":
        said = maker.open(block.get("signature"))
        need(said is not None and block.get("thinking") in (said, ""), f"{at}: Invalid `signature` in `thinking` block")
    elif kind == "redacted_thinking":
        need(maker.open(block.get("data")) is not None, f"{at}: Invalid `data` in `redacted_thinking` block")
    elif kind == "tool_use":
        need(isinstance(block.get("input"), dict), f"{at}.tool_use.input: Input should be a valid dictionary")
        need(_ID.fullmatch(str(block.get("id", ""))), f"{at}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
        need(_NAME.fullmatch(str(block.get("name", ""))), f"{at}.tool_use.name: String should match pattern")
    elif kind == "tool_result":
        content = block.get("content")
        need(content is None or isinstance(content, (str, list)), f"{at}.tool_result.content: Input should be a valid list")
        for j, part in enumerate(content if isinstance(content, list) else ()):
            inner = part.get("type")
            fine = inner in ("text", "image", "document", "search_result", "tool_reference")
            need(
                fine,
                f"{at}.tool_result.content.{j}: Input tag '{inner}' found using 'type' does not match any of the expected tags",
            )
            _block(part, f"{at}.tool_result.content.{j}", maker, lenient)
    elif kind in ("image", "document"):
        source = block.get("source") or {}
        need(source.get("type") in ("base64", "url", "text", "content", "file"), f"{at}.{kind}.source: Field required")
        if kind == "image" and source["type"] == "base64":
            need(
                source.get("media_type") in ("image/jpeg", "image/png", "image/gif", "image/webp"),
                f"{at}.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'",
            )


def _ids(message: dict[str, Any], kind: str, key: str) -> list[str]:
    content = message.get("content")
    return [b.get(key, "") for b in content if b.get("type") == kind] if isinstance(content, list) else []


def _pairs(messages: list[Any]) -> None:
    """Each `tool_use` is answered in the very next user turn, and nothing else is. System turns stand aside; turns in a row are one."""
    merged: list[tuple[str, int, list[str], list[str]]] = []
    for i, message in enumerate(messages):
        role = message["role"]
        if role == "system":
            continue
        uses, results = _ids(message, "tool_use", "id"), _ids(message, "tool_result", "tool_use_id")
        if merged and merged[-1][0] == role:
            merged[-1][2].extend(uses)
            merged[-1][3].extend(results)
        else:
            merged.append((role, i, uses, results))
    seen: set[str] = set()
    for at, (_, i, uses, results) in enumerate(merged):
        before = merged[at - 1][2] if at else []
        for name in results:
            need(
                name in before,
                f"messages.{i}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {name}. "
                f"Each `tool_result` block must have a corresponding `tool_use` block in the previous message.",
            )
        need(len(set(results)) == len(results), f"messages.{i}.content: each tool_use must have a single result.")
        for name in uses:
            need(name not in seen, f"messages.{i}.content: `tool_use` ids must be unique")
            seen.add(name)
        after = merged[at + 1][3] if at + 1 < len(merged) else []
        missing = [name for name in uses if name not in after]
        need(
            not missing,
            f"messages.{i}: `tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(missing)}. "
            f"Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
        )


def _thinking_turns(tree: dict[str, Any], messages: list[Any]) -> None:
    if (tree.get("thinking") or {}).get("type") != "enabled":
        return
    for i in range(len(messages) - 1, -1, -1):
        message = messages[i]
        if message["role"] == "user" and not _ids(message, "tool_result", "tool_use_id"):
            return  # the loop of tools began after these words
        if message["role"] == "assistant" and _ids(message, "tool_use", "id"):
            first = message["content"][0].get("type")
            need(
                first in ("thinking", "redacted_thinking"),
                f"messages.{i}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{first}`. "
                "When `thinking` is enabled, a final `assistant` message must start with a thinking block.",
            )


def _cached(tree: dict[str, Any]) -> None:
    marks: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                walk(item)
        elif isinstance(node, dict):
            control = node.get("cache_control")
            if isinstance(control, dict):
                if control.get("type") != "ephemeral":
                    raise Refused("cache_control: Input tag does not match any of the expected tags: 'ephemeral'")
                marks.append(control.get("ttl", "5m"))
            walk(node.get("content"))

    for key in ("tools", "system", "messages"):
        walk(tree.get(key))
    marks += [tree["cache_control"].get("ttl", "5m")] if isinstance(tree.get("cache_control"), dict) else []
    need(len(marks) <= 4, f"A maximum of 4 blocks with cache_control may be provided. Found {len(marks)}.")
    late = "5m" in marks and "1h" in marks[marks.index("5m") :]
    need(not late, "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.")
