"""The items of a Responses request as turns of the neutral form: messages, thoughts, calls and what they returned.

Source: OpenAI API reference, "Create a model response"; for namespaces, tool search and freeform tools, the types of its SDK and Codex.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from localrouter.core.chat import Document, Image, Part, Text, Thought, ToolCall, ToolResult, Turn
from localrouter.core.errors import BadRequest, CannotCross
from localrouter.dialects import _responses_kinds as k
from localrouter.dialects._fields import dumps
from localrouter.dialects._responses_leaves import item_type, texts_of
from localrouter.dialects._responses_tools import flat

_HOSTED_ITEMS = k.words(
    "web_search_call file_search_call code_interpreter_call image_generation_call mcp_list_tools mcp_approval_request "
    "mcp_approval_response program program_output"
)
"""What a host did by itself in an earlier turn. What came of it stands in the text that followed."""
_REFUSED_ITEMS = {
    "compaction": "a compacted conversation to be read, as only the host that made it can",
    "compaction_trigger": "the conversation to be compacted at the host",
    "computer_call": "computer use",
    "computer_call_output": "computer use",
}


HOW_TO_COMPACT = (
    "Ask a model of a host that compacts, or let the client do it: Codex does when its provider is not named OpenAI "
    "([model_providers.localrouter] in its config.toml)."
)
"""Codex compacts at the host when its provider's name is OpenAI or its address is Azure's, else by itself (model-provider-info)."""


def cannot(what: str, param: str, do: str = "") -> CannotCross:
    """What other APIs have no word for, by name."""
    return CannotCross(
        f"The request asks for {what}, which the host's API has no word for.",
        do or "Leave it out, or ask a model that is reached through the Responses API.",
        param=param,
    )


class Turns:
    """Items to turns. The results of a turn's calls stand right behind it, in the order of the calls, wherever they stood.
    `configure` is given the items that change the settings on the way."""

    def __init__(self, configure: Callable[[dict[str, Any]], None], notes: dict[str, None]) -> None:
        self.out: list[Turn] = []
        self._configure, self._notes = configure, notes
        self._said: list[Part] = []
        self._results: dict[str, ToolResult] = {}
        self._called: set[str] = set()
        self._taken: set[str] = set()
        self._answering = False

    def all(self, given: Any) -> None:
        if isinstance(given, str):
            self.out.append(Turn("user", (Text(given),)))
            return
        items = [i for i in given if isinstance(i, dict)] if isinstance(given, list) else []
        self._collect(items)
        for i, item in enumerate(items):
            kind = item_type(item)
            if kind == "message":
                self._message(item, f"input[{i}]")
            elif kind == "reasoning":
                self._reasoning(item)
            elif kind in _CALLS:
                self._call(kind, item, f"input[{i}]")
            elif kind in _RESULTS:
                self._result(item, f"input[{i}]")
            elif kind == "mcp_call":
                self._remote(item)
            elif kind == "configuration_update":
                self._configure(item)
            elif kind in _HOSTED_ITEMS:
                self._notes[f"A '{kind}' of an earlier turn has no counterpart there and was left out."] = None
            elif kind != "additional_tools":
                how = HOW_TO_COMPACT if kind == "compaction_trigger" else ""
                raise cannot(_REFUSED_ITEMS.get(kind, f"an item of the type {kind[:40]!r}"), f"input[{i}]", how)
        self._close()

    def _collect(self, items: list[dict[str, Any]]) -> None:
        for i, item in enumerate(items):
            if item_type(item) in _CALLS:
                self._called.add(_id(item, f"input[{i}]"))
            if item_type(item) not in _RESULTS:
                continue
            result = _result(item, f"input[{i}]")
            same = self._results.get(result.call_id)
            if same is not None:
                result = ToolResult(result.call_id, same.parts + result.parts, same.error or result.error)
            self._results[result.call_id] = result

    def _close(self) -> None:
        """The assistant's turn is over; what its calls returned follows."""
        self._answering = False
        parts, self._said = tuple(self._said), []
        if not parts:
            return
        self.out.append(Turn("assistant", parts))
        results: list[Part] = []
        for part in parts:
            if not isinstance(part, ToolCall):
                continue
            result = self._results.get(part.id)
            if result is None:
                self._notes["A tool call without a result was given an empty one, marked as an error."] = None
                result = ToolResult(part.id, (Text("The call was not answered."),), error=True)
            results.append(result)
        if results:
            self.out.append(Turn("user", tuple(results)))

    def _message(self, item: dict[str, Any], where: str) -> None:
        parts = _parts(item.get("content"), f"{where}.content")
        role = item.get("role")
        if role == "assistant":
            if self._answering:
                self._close()
            self._said += [p for p in parts if not isinstance(p, Text) or p.text]
            return
        self._close()
        if role in ("system", "developer"):
            if parts:
                self.out.append(Turn("system", parts))
            return
        if role != "user":
            self._notes["A message of an unknown role was sent as the user's."] = None
        last = self.out[-1] if self.out else None
        if last is not None and last.role == "user" and isinstance(last.parts[-1], ToolResult):
            self.out[-1] = Turn("user", (*last.parts, *parts))
        elif parts:
            self.out.append(Turn("user", parts))

    def _reasoning(self, item: dict[str, Any]) -> None:
        if self._answering:
            self._close()
        text = "\n\n".join(texts_of(item.get("summary")) or texts_of(item.get("content")))
        sealed = item.get("encrypted_content")
        if text or sealed:
            self._said.append(Thought(text, sealed if isinstance(sealed, str) else ""))

    def _call(self, kind: str, item: dict[str, Any], where: str) -> None:
        if self._answering:
            self._close()
        call_id = _id(item, where)
        name, space = item.get("name"), item.get("namespace")
        if kind in ("function_call", "custom_tool_call"):
            if not isinstance(name, str) or not name:
                raise BadRequest(f"{where} must have the 'name' of a tool.", "Correct it.", param=f"{where}.name")
            said = item.get("arguments" if kind == "function_call" else "input")
            text = said if isinstance(said, str) else "" if said is None else dumps(said).decode()
            own = flat(name, space if isinstance(space, str) else "")
            self._said.append(ToolCall(call_id, own, text, "custom" if kind == "custom_tool_call" else "function"))
            return
        said = item.get(_CALLS[kind])
        if kind in ("local_shell_call", "shell_call") and isinstance(said, dict):
            said = {key: value for key, value in said.items() if key != "type" and value is not None}
        text = said if isinstance(said, str) else dumps(said if said is not None else {}).decode()
        self._said.append(ToolCall(call_id, kind.removesuffix("_call"), text))

    def _result(self, item: dict[str, Any], where: str) -> None:
        call_id = _id(item, where)
        if any(isinstance(p, ToolCall) and p.id == call_id for p in self._said):
            self._answering = True  # what the assistant says next is a new turn
            return
        if call_id in self._called or call_id in self._taken:
            return  # stands behind its call
        self._close()
        self._taken.add(call_id)
        self._notes["The result of a tool call that is not there was sent as the user's text."] = None
        self.out.append(Turn("user", (Text("The result of an earlier tool call:"), *self._results[call_id].parts)))

    def _remote(self, item: dict[str, Any]) -> None:
        """A call that a host made by itself, with what came of it: said as a call with its result."""
        call_id, output = str(item.get("id") or "mcp"), item.get("output")
        name = flat(str(item.get("name") or "tool"), str(item.get("server_label") or ""))
        arguments, error = item.get("arguments"), item.get("error")
        failed = "" if error is None else error if isinstance(error, str) else dumps(error).decode()
        self._said.append(ToolCall(call_id, name, arguments if isinstance(arguments, str) else "{}"))
        self._results[call_id] = ToolResult(call_id, (Text(output if isinstance(output, str) else failed),), error is not None)
        self._close()


_CALLS = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "local_shell_call": "action",
    "shell_call": "action",
    "apply_patch_call": "operation",
    "tool_search_call": "arguments",
}
"""Call items and where their arguments stand."""
_RESULTS = frozenset({*(f"{kind}_output" for kind in _CALLS), "tool_search_output"} - {"tool_search_call_output"})


def _id(item: dict[str, Any], where: str) -> str:
    for key in ("call_id", "id"):  # local_shell_call_output has its call's id in `id`
        if isinstance(item.get(key), str) and item[key]:
            return cast("str", item[key])
    if item_type(item).startswith("tool_search"):
        return "tool_search"  # of a search that the host made there is one at a time, without an id
    raise BadRequest(f"{where} must have a 'call_id'.", "Correct it.", param=f"{where}.call_id")


def _result(item: dict[str, Any], where: str) -> ToolResult:
    call_id, output = _id(item, where), item.get("output")
    kind = item_type(item)
    if kind == "tool_search_output":
        names = [flat(n, s) for n, s in _names(item.get("tools"))]
        said = "Tools that can be called now: " + ", ".join(names) if names else "No tool was found."
        return ToolResult(call_id, (Text(said),))
    error = kind == "apply_patch_call_output" and item.get("status") == "failed"
    if kind == "shell_call_output" and not isinstance(output, str):
        output = dumps(output).decode() if output is not None else ""
    if kind == "apply_patch_call_output" and not output:
        output = str(item.get("status") or "")
    parts = _parts(output, f"{where}.output")
    return ToolResult(call_id, cast("tuple[Text | Image | Document, ...]", parts), error)


def _names(tools: Any, namespace: str = "") -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    for tool in tools if isinstance(tools, list) else ():
        name = tool.get("name") if isinstance(tool, dict) else None
        if isinstance(name, str) and tool.get("type") == "namespace":
            out += _names(tool.get("tools"), name)
        elif isinstance(name, str):
            out.append((name, namespace))
    return out


# --- parts -----------------------------------------------------------------------------------------


def _parts(content: Any, where: str) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),) if content else ()
    listed = content if isinstance(content, list) else [content] if isinstance(content, dict) else []
    return tuple(_part(part, f"{where}[{j}]") for j, part in enumerate(listed))


def _part(part: Any, where: str) -> Part:
    if isinstance(part, str):
        return Text(part)
    kind = part.get("type")
    if kind in k.TEXT_PARTS:
        text = part.get(k.TEXT_PARTS[kind])
        return Text(text if isinstance(text, str) else "")
    if kind in ("input_image", "computer_screenshot"):
        url, detail = part.get("image_url"), part.get("detail")
        if isinstance(url, str) and url:
            media, data = data_url(url)
            hint = detail if isinstance(detail, str) else ""
            return Image(media, data, detail=hint) if data else Image(url=url, detail=hint)
    if kind == "input_file":
        held, url, name = part.get("file_data"), part.get("file_url"), part.get("filename")
        called = name if isinstance(name, str) else ""
        if isinstance(held, str) and held:
            media, data = data_url(held)
            return Document(media or "application/pdf", data or held, name=called)
        if isinstance(url, str) and url:
            return Document(url=url, name=called)
    raise CannotCross(
        f"{where} is of the type {str(kind)[:40]!r} in a form that the host's API has no word for.",
        "Send its content itself, or ask a model that is reached through the Responses API.",
        param=where,
    )


def data_url(url: str) -> tuple[str, str]:
    """(media type, base64) of a data URL (RFC 2397), or two empty strings."""
    if url[:5].lower() != "data:" or "," not in url:
        return "", ""
    head, _, data = url[5:].partition(",")
    media, _, coding = head.partition(";")
    return (media.lower(), data) if coding.lower().endswith("base64") else ("", "")
