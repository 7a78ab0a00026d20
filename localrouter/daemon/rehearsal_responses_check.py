"""What the rehearsal host's Responses API answers with 400, in the words of the real one.

Source: OpenAI API reference, "Create a model response", and the texts of its errors; limits and prefixes of ids are of the reference too.
"""

from __future__ import annotations

from typing import Any

from localrouter.daemon.rehearsal_strict import NAME, Maker, closed_schema, need

FIELDS = frozenset(
    {
        "access_programs", "background", "background_options", "client_metadata", "context_management", "conversation", "image", "include", "input",
        "instructions", "max_output_tokens", "max_tool_calls", "metadata", "model", "moderation", "parallel_tool_calls",
        "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning",
        "safety_identifier", "service_tier", "store", "stream", "stream_options", "temperature", "text", "tool_choice", "tools",
        "top_logprobs", "top_p", "truncation", "user",
    }
)  # fmt: skip
_TYPES = frozenset(
    {
        "message", "reasoning", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output",
        "item_reference", "web_search_call", "compaction", "additional_tools", "tool_search_call", "tool_search_output",
    }
)  # fmt: skip
_IDS = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}
_ITEM = {
    "message": {"type", "role", "content", "id", "status", "phase"},
    "reasoning": {"type", "id", "summary", "content", "encrypted_content", "status"},
    "function_call": {"type", "id", "call_id", "name", "arguments", "status", "namespace", "caller"},
    "function_call_output": {"type", "id", "call_id", "output", "status", "caller"},
    "custom_tool_call": {"type", "id", "call_id", "name", "input", "status", "namespace", "caller"},
    "custom_tool_call_output": {"type", "id", "call_id", "output", "status", "caller"},
}
_EFFORTS = (None, "none", "minimal", "low", "medium", "high", "xhigh", "max")
_TOOLS = frozenset(
    {"function", "custom", "namespace", "web_search", "web_search_preview", "file_search", "mcp", "code_interpreter",
     "image_generation", "local_shell", "shell", "apply_patch", "computer_use_preview", "computer", "tool_search"}
)  # fmt: skip


def _known(fine: object, where: str) -> None:
    need(fine, f"Unknown parameter: '{where}'.", code="unknown_parameter", param=where)


def check(tree: dict[str, Any], headers: dict[str, str], maker: Maker, *, lenient: bool) -> None:
    """Raises Refused. `lenient`: unknown fields pass."""
    for key in tree if not lenient else ():
        _known(key in FIELDS, key)
    given = tree.get("input")
    need(
        isinstance(given, (str, list)) and given,
        "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided.",
        code="missing_required_parameter",
    )
    before = tree.get("previous_response_id")
    need(
        before is None,
        f"Previous response with id '{before}' not found.",
        code="previous_response_not_found",
        param="previous_response_id",
    )
    limit = tree.get("max_output_tokens")
    need(
        limit is None or limit >= 16,
        f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got {limit} instead.",
        code="integer_below_min_value",
        param="max_output_tokens",
    )
    effort = (tree.get("reasoning") or {}).get("effort")
    need(effort in _EFFORTS, f"Invalid value: '{effort}'.", code="invalid_value", param="reasoning.effort")
    options = tree.get("stream_options") is not None and tree.get("stream") is not True
    need(not options, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options")
    user_meta = tree.get("metadata") or {}
    need(all(isinstance(v, str) for v in user_meta.values()), "Invalid type for 'metadata': expected a string.", param="metadata")
    _form(tree)
    _tools(tree, lenient)
    _items(given if isinstance(given, list) else [], maker, lenient)


def _form(tree: dict[str, Any]) -> None:
    form = (tree.get("text") or {}).get("format") or {"type": "text"}
    kind = form.get("type")
    need(
        kind in ("text", "json_object", "json_schema"),
        f"Invalid value: '{kind}'.",
        code="invalid_value",
        param="text.format.type",
    )
    if kind != "json_schema":
        return
    _known("json_schema" not in form, "text.format.json_schema")
    need(
        NAME.fullmatch(form.get("name") or ""),
        "Missing required parameter: 'text.format.name'.",
        code="missing_required_parameter",
        param="text.format.name",
    )
    need(isinstance(form.get("schema"), dict), "Missing required parameter: 'text.format.schema'.", param="text.format.schema")
    if form.get("strict"):
        closed_schema(form["schema"], f"Invalid schema for response_format '{form['name']}'", every=True)


def _tools(tree: dict[str, Any], lenient: bool) -> None:
    names = set()
    for i, tool in enumerate(tree.get("tools") or ()):
        at = f"tools[{i}]"
        kind = tool.get("type")
        need(kind in _TOOLS, f"Invalid value: '{kind}'.", code="invalid_value", param=f"{at}.type")
        for key in ("function", "custom"):
            _known(key not in tool, f"{at}.{key}")
        if kind not in ("function", "custom", "namespace"):
            continue
        need(
            NAME.fullmatch(tool.get("name") or ""),
            f"Missing required parameter: '{at}.name'.",
            code="missing_required_parameter",
            param=f"{at}.name",
        )
        names.add(tool["name"])
        if kind == "function":
            schema = tool.get("parameters")
            fine = schema is None or (isinstance(schema, dict) and schema.get("type") == "object")
            need(
                fine,
                f"Invalid schema for function '{tool['name']}': schema must be a JSON Schema of 'type: \"object\"'.",
                code="invalid_function_parameters",
                param=f"{at}.parameters",
            )
            if tool.get("strict"):
                closed_schema(schema, f"Invalid schema for function '{tool['name']}'", every=True)
    choice = tree.get("tool_choice")
    if isinstance(choice, dict):
        _known("function" not in choice, "tool_choice.function")
        if choice.get("type") in ("function", "custom"):
            need(
                choice.get("name") in names,
                f"Tool choice '{choice.get('name')}' not found in 'tools' parameter.",
                param="tool_choice",
            )
    else:
        need(
            choice in (None, "none", "auto", "required"), f"Invalid value: '{choice}'.", code="invalid_value", param="tool_choice"
        )


def _items(items: list[Any], maker: Maker, lenient: bool) -> None:
    calls: dict[str, bool] = {}
    for i, item in enumerate(items):
        at = f"input[{i}]"
        need(isinstance(item, dict), f"Invalid type for '{at}': expected an object.", param=at)
        kind = item.get("type", "message" if "role" in item else None)
        need(
            kind in _TYPES or lenient,
            f"Invalid value: '{kind}'. Supported values are: 'message', 'reasoning', ...",
            code="invalid_value",
            param=f"{at}.type",
        )
        for key in item if not lenient and kind in _ITEM else ():
            _known(key in _ITEM[kind], f"{at}.{key}")
        prefix = _IDS.get(str(kind))
        name = item.get("id")
        need(
            not prefix or not name or str(name).startswith(prefix),
            f"Invalid '{at}.id': '{name}'. Expected an ID that begins with '{prefix}'.",
            code="invalid_value",
            param=f"{at}.id",
        )
        if kind == "message":
            _content(item, at)
        elif kind == "reasoning":
            need(isinstance(item.get("summary"), list), f"Missing required parameter: '{at}.summary'.", param=f"{at}.summary")
            sealed = item.get("encrypted_content")
            said = maker.open(sealed)
            need(
                sealed is None or said is not None,
                "The encrypted content could not be verified. Reason: Encrypted content could not be decrypted or parsed.",
                code="invalid_encrypted_content",
            )
            need(
                sealed is not None or not name,
                f"Item with id '{name}' not found. Items are not persisted when `store` is set to false.",
                param="input",
            )
            after = items[i + 1] if i + 1 < len(items) else {}
            fine = (
                after.get("type") in ("reasoning", "function_call", "custom_tool_call", "web_search_call")
                or after.get("role") == "assistant"
            )
            need(fine, f"Item '{name}' of type 'reasoning' was provided without its required following item.", param="input")
        elif kind in ("function_call", "custom_tool_call"):
            words = item.get("arguments" if kind == "function_call" else "input")
            need(isinstance(words, str), f"Missing required parameter: '{at}.arguments'.", param=at)
            need(
                NAME.fullmatch(item.get("name") or ""), f"Invalid '{at}.name': string does not match pattern.", param=f"{at}.name"
            )
            need(0 < len(item.get("call_id") or "") <= 64, f"Invalid '{at}.call_id': string too long.", param=f"{at}.call_id")
            calls[item["call_id"]] = False
        elif kind in ("function_call_output", "custom_tool_call_output"):
            need(
                item.get("call_id") in calls,
                f"No tool call found for function call output with call_id {item.get('call_id')}.",
                param="input",
            )
            need(isinstance(item.get("output"), (str, list)), f"Missing required parameter: '{at}.output'.", param=f"{at}.output")
            for part in item["output"] if isinstance(item["output"], list) else ():
                need(
                    part.get("type") in ("input_text", "input_image", "input_file"),
                    f"Invalid value: '{part.get('type')}'.",
                    param=f"{at}.output",
                )
            calls[item["call_id"]] = True
    for name, answered in calls.items():
        need(answered, f"No tool output found for function call {name}.", param="input")


def _content(item: dict[str, Any], at: str) -> None:
    role, content = item.get("role"), item.get("content")
    need(
        role in ("user", "assistant", "system", "developer"),
        f"Invalid value: '{role}'.",
        code="invalid_value",
        param=f"{at}.role",
    )
    need(isinstance(content, (str, list)), f"Missing required parameter: '{at}.content'.", param=f"{at}.content")
    for j, part in enumerate(content if isinstance(content, list) else ()):
        where = f"{at}.content[{j}]"
        kind = part.get("type")
        allowed = ("output_text", "refusal") if role == "assistant" else ("input_text", "input_image", "input_file")
        names = " and ".join(f"'{a}'" for a in allowed)
        need(kind in allowed, f"Invalid value: '{kind}'. Supported values are: {names}.", code="invalid_value", param=where)
        _known("cache_control" not in part, f"{where}.cache_control")
        if kind == "input_image":
            need(
                isinstance(part.get("image_url"), str) or part.get("file_id"),
                f"Invalid type for '{where}.image_url': expected an image URL, but got an object instead.",
                param=where,
            )
