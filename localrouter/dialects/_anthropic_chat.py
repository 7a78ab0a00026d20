"""A Messages request in neutral form: from the veiled raw tree to a `Chat`, for hosts of another API and for the local engine.

Documented degradations, each with a sentence in `Chat.notes`: what the host's own tools did in earlier turns is told as text; tool
references and search results become text; settings without a counterpart (context management, tiers, remote servers) are left out. What
stands for content that only the host has (file ids, containers, threads) is refused by name. Source: the `MessageCreateParams` types of
the anthropic SDK, stable and beta; notes on clients, 7.2.
"""

from __future__ import annotations

from typing import Any, get_args

from localrouter.core.ask import Ask, Path
from localrouter.core.chat import Chat, Document, Effort, Form, Image, Part, Role, Text, Thought, ToolCall, ToolResult, Turn
from localrouter.core.errors import BadRequest, CannotCross
from localrouter.dialects import _anthropic_thoughts as thoughts
from localrouter.dialects._anthropic_leaves import dotted
from localrouter.dialects._anthropic_pairs import paired
from localrouter.dialects._anthropic_tools import choice_of, tools_of
from localrouter.dialects._fields import dumps

BILLING = "x-anthropic-billing-header:"
"""Claude Code's first system block: it differs per conversation and per sub-agent, and means something to Anthropic alone."""

_SAID = frozenset(
    {
        "model", "max_tokens", "messages", "system", "stream", "tools", "tool_choice", "temperature", "top_p", "top_k",
        "stop_sequences", "metadata", "thinking", "output_config", "output_format", "cache_control", "stream_options", "betas",
        "service_tier", "speed", "diagnostics",
    }
)  # fmt: skip
_EFFORTS = frozenset(get_args(Effort))
_BUDGETS: tuple[tuple[int, Effort], ...] = ((16_000, "high"), (4_000, "medium"), (0, "low"))
"""Thinking tokens -> effort: the steps at which Claude Code's own words stood ("think" 4 000, "think hard" 10 000, "ultrathink" 32 000)."""


def chat(tree: dict[str, Any], ask: Ask) -> Chat:
    """The veiled tree in neutral form. Raises BadRequest and CannotCross, each naming the field."""
    crossing = _Crossing()
    turns = crossing.system(tree.get("system"))
    for i, message in enumerate(tree["messages"]):
        turns = crossing.turn(turns, message, ("messages", i))
    turns = paired(turns)
    tools = tools_of(tree, crossing.named, crossing.added, crossing.notes)
    tools = tuple(tool for tool in tools if tool.name not in crossing.removed)
    choice, parallel = choice_of(tree, tools, crossing.notes)
    for key, value in tree.items():
        if key not in _SAID and value is not None:
            crossing.setting(key, value)
    if not any(turn.role != "system" for turn in turns):
        raise BadRequest("No message has any content.", "Add a message of the user.", param="messages")
    stop = tree.get("stop_sequences")
    return Chat(
        turns=tuple(turns),
        tools=tools,
        choice=choice,
        parallel=parallel,
        max_output=ask.max_output,
        temperature=_number(tree.get("temperature")),
        top_p=_number(tree.get("top_p")),
        top_k=tree["top_k"] if isinstance(tree.get("top_k"), int) else None,
        stop=tuple(s for s in stop if isinstance(s, str) and s) if isinstance(stop, list) else (),
        form=_form(tree),
        effort=_effort(tree, crossing),
        user=_user(tree),
        session=ask.session,
        stream=ask.needs.stream,
        notes=tuple(crossing.notes),
    )


class _Crossing:
    """What is collected while turns are read: `notes`, tools that references name, and tools that come and go in between."""

    def __init__(self) -> None:
        self.notes: dict[str, None] = {}
        self.named: set[str] = set()
        self.added: list[Any] = []
        self.removed: set[str] = set()
        self.effort: Any = None

    def note(self, sentence: str) -> None:
        self.notes[sentence] = None

    def setting(self, key: str, value: Any) -> None:
        if key == "container" or (key == "thread" and isinstance(value, dict) and value.get("type") == "continue"):
            raise CannotCross(
                f"'{key}' stands for content that only its own host has.", "Choose a model of that host.", param=key
            )
        if key == "mcp_servers":
            self.note("Remote MCP servers are called by hosts of the Messages API only, and were left out.")
        else:
            self.note(f"'{key[:60]}' has no counterpart there and was left out.")

    # --- turns -----------------------------------------------------------------------------------

    def system(self, system: Any) -> list[Turn]:
        blocks = [{"type": "text", "text": system}] if isinstance(system, str) else system or []
        parts = [
            part
            for j, block in enumerate(blocks)
            if not str(block.get("text", "")).startswith(BILLING)
            for part in self._parts(block, ("system", j))
        ]
        return [Turn("system", tuple(parts))] if parts else []

    def turn(self, turns: list[Turn], message: dict[str, Any], path: Path) -> list[Turn]:
        """The turns with this message behind them; a compaction in it stands for all that was said before."""
        role: Role = message["role"]
        content = message.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
        settings = message.get("output_config")
        if isinstance(settings, dict) and settings.get("effort"):
            self.effort = settings["effort"]
        parts: list[Part] = []
        for j, block in enumerate(blocks):
            if block.get("type") == "compaction":
                turns = [t for t in turns if t.role == "system"]
                turns.append(Turn("user", (self._compaction(block, (*path, "content", j)),)))
                parts.clear()
                continue
            parts.extend(self._parts(block, (*path, "content", j)))
        if role == "user":
            parts.sort(key=lambda part: not isinstance(part, ToolResult))  # stable: results first, the rest in order
        if parts:
            turns.append(Turn(role, tuple(parts)))
        return turns

    def _compaction(self, block: dict[str, Any], path: Path) -> Text:
        text = block.get("content")
        if not isinstance(text, str) or not text:
            raise CannotCross(f"{dotted(path)} is a summary that only its own host can read.", "Choose a model of that host.")
        self.note("The host's summary of the conversation was sent as text of the user.")
        return Text(f"Summary of the conversation so far:\n\n{text}")

    def _parts(self, block: dict[str, Any], path: Path) -> list[Part]:
        cache = _cache(block)
        match block.get("type"):
            case "text":
                text = block.get("text")
                return [Text(text, cache)] if isinstance(text, str) and text else []
            case "thinking" | "redacted_thinking":
                return self._thought(block)
            case "tool_use":
                return [self._call(block, path, cache)]
            case "tool_result":
                return [self._result(block, path, cache)]
            case "tool_addition":
                return self._tool_change(block, added=True)
            case "tool_removal":
                return self._tool_change(block, added=False)
            case "image":
                return [self._image(block, path, cache)]
            case "document":
                return self._document(block, path, cache)
            case "container_upload":
                raise CannotCross(f"{dotted(path)} is a file that only its own host has.", "Choose a model of that host.")
            case "tool_reference":
                return [self._reference(block, cache)]
            case "search_result":
                return [Text(_search_result(block), cache)]
            case "fallback" | "mcp_tool_listing":
                self.note("What the host said of its own models and servers was left out.")
                return []
            case kind:
                return self._told(block, str(kind), cache)

    def _thought(self, block: dict[str, Any]) -> list[Part]:
        text = block.get("thinking")
        text = text if isinstance(text, str) else ""
        if block["type"] == "redacted_thinking":
            data = block.get("data")
            return [Thought(sealed=data)] if isinstance(data, str) and data else []
        mark = thoughts.mark_of(block)
        if thoughts.is_own(mark):
            mark = ""
        return [Thought(text, sealed=mark)] if text or mark else []

    def _call(self, block: dict[str, Any], path: Path, cache: dict[str, Any] | None) -> ToolCall:
        call_id, name, given = block.get("id"), block.get("name"), block.get("input")
        if not isinstance(call_id, str) or not call_id or not isinstance(name, str) or not name:
            raise BadRequest(f"{dotted(path)} needs an 'id' and a 'name'.", "Add them.", param=dotted(path))
        return ToolCall(call_id, name, dumps(given if given is not None else {}).decode(), cache=cache)

    def _result(self, block: dict[str, Any], path: Path, cache: dict[str, Any] | None) -> ToolResult:
        call_id, content = block.get("tool_use_id"), block.get("content")
        if not isinstance(call_id, str) or not call_id:
            raise BadRequest(f"{dotted(path)} needs a 'tool_use_id'.", "Add it.", param=dotted(path))
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
        parts = [part for j, inner in enumerate(blocks) for part in self._parts(inner, (*path, "content", j))]
        kept = tuple(part for part in parts if isinstance(part, (Text, Image, Document)))
        return ToolResult(call_id, kept, error=block.get("is_error") is True, cache=cache)

    def _reference(self, block: dict[str, Any], cache: dict[str, Any] | None) -> Text:
        name = str(block.get("tool_name") or "")
        self.named.add(name)
        return Text(f"The tool {name} is loaded and can be called.", cache)

    def _tool_change(self, block: dict[str, Any], *, added: bool) -> list[Part]:
        tool = block.get("tool")
        tool = tool if isinstance(tool, dict) else {}
        name = tool.get("name")
        if tool.get("type") == "tool_definition" and isinstance(tool.get("definition"), dict):
            self.added.append(tool["definition"])
            name = tool["definition"].get("name")
        elif tool.get("type") != "tool_reference":
            self.note("Tools of remote MCP servers were left out.")
            return []
        if not isinstance(name, str):
            return []
        if added:
            self.named.add(name)
            self.removed.discard(name)
            return [Text(f"The tool {name} can be called from now on.")]
        self.removed.add(name)
        return [Text(f"The tool {name} can no longer be called.")]

    def _told(self, block: dict[str, Any], kind: str, cache: dict[str, Any] | None) -> list[Part]:
        """What the host's own tools did, and the state of a browser: told as text, without what is encrypted."""
        self.note(f"Blocks of type '{kind}' were told as text.")
        for name in _named(block):
            self.named.add(name)
        return [Text(f"[{kind}] {dumps(_plain(block)).decode()}", cache)]

    # --- media -----------------------------------------------------------------------------------

    def _image(self, block: dict[str, Any], path: Path, cache: dict[str, Any] | None) -> Image:
        source = block.get("source")
        source = source if isinstance(source, dict) else {}
        if source.get("type") == "base64":
            return Image(media=str(source.get("media_type") or ""), data=str(source.get("data") or ""), cache=cache)
        if source.get("type") == "url":
            return Image(url=str(source.get("url") or ""), cache=cache)
        raise CannotCross(f"{dotted(path)} is a picture that only its own host has.", "Send it as base64.")

    def _document(self, block: dict[str, Any], path: Path, cache: dict[str, Any] | None) -> list[Part]:
        source = block.get("source")
        source = source if isinstance(source, dict) else {}
        name = block["title"] if isinstance(block.get("title"), str) else ""
        context = block.get("context")
        before: list[Part] = [Text(context)] if isinstance(context, str) and context else []
        citations = block.get("citations")
        if isinstance(citations, dict) and citations.get("enabled"):
            self.note("Citations have no counterpart there and were not asked for.")
        match source.get("type"):
            case "base64":
                media = str(source.get("media_type") or "application/pdf")
                return [*before, Document(media=media, data=str(source.get("data") or ""), name=name, cache=cache)]
            case "text":
                return [*before, Document("text/plain", text=str(source.get("data") or ""), name=name, cache=cache)]
            case "url":
                return [*before, Document(url=str(source.get("url") or ""), name=name, cache=cache)]
            case "content":
                inner = source.get("content")
                blocks = [{"type": "text", "text": inner}] if isinstance(inner, str) else inner or []
                parts = [part for j, b in enumerate(blocks) for part in self._parts(b, (*path, "source", "content", j))]
                text = "\n\n".join(part.text for part in parts if isinstance(part, Text))
                pictures: list[Part] = [part for part in parts if isinstance(part, Image)]
                return [*before, Document("text/plain", text=text, name=name, cache=cache), *pictures]
            case _:
                raise CannotCross(f"{dotted(path)} is a file that only its own host has.", "Send the file itself.")


def _cache(block: dict[str, Any]) -> dict[str, Any] | None:
    cache = block.get("cache_control")
    return cache if isinstance(cache, dict) else None


def _search_result(block: dict[str, Any]) -> str:
    content = block.get("content")
    texts = (
        [b["text"] for b in content if isinstance(b, dict) and isinstance(b.get("text"), str)]
        if isinstance(content, list)
        else []
    )
    return "\n".join([str(block.get("title") or ""), str(block.get("source") or ""), "", *texts]).strip()


_HIDDEN = (*thoughts.MARKS, "cache_control", "type", "id", "tool_use_id", "caller", "data")


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {k: _plain(v) for k, v in node.items() if k not in _HIDDEN and v is not None}
    return [_plain(item) for item in node] if isinstance(node, list) else node


def _named(node: Any) -> list[str]:
    if isinstance(node, list):
        return [name for item in node for name in _named(item)]
    if not isinstance(node, dict):
        return []
    name = node.get("tool_name") if node.get("type") == "tool_reference" else None
    return [*([name] if isinstance(name, str) else []), *(n for v in node.values() for n in _named(v))]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _config(tree: dict[str, Any]) -> dict[str, Any]:
    config = tree.get("output_config")
    return config if isinstance(config, dict) else {}


def _form(tree: dict[str, Any]) -> Form:
    form = _config(tree).get("format") or tree.get("output_format")
    schema = form.get("schema") if isinstance(form, dict) else None
    return Form("schema", "answer", schema) if isinstance(schema, dict) else Form()


def _effort(tree: dict[str, Any], crossing: _Crossing) -> Effort | None:
    """The words of `output_config`, of the last turn that has them; else what the thinking budget amounts to."""
    thinking = tree.get("thinking")
    thinking = thinking if isinstance(thinking, dict) else {}
    if thinking.get("type") == "disabled":
        return "none"
    word = crossing.effort or _config(tree).get("effort")
    if isinstance(word, str) and word in _EFFORTS:
        return word  # type: ignore[return-value]  # it is one of the words
    budget = thinking.get("budget_tokens")
    if thinking.get("type") == "enabled" and isinstance(budget, int):
        return next(effort for least, effort in _BUDGETS if budget >= least or not least)
    return None


def _user(tree: dict[str, Any]) -> str:
    """A plain name crosses; Claude Code's JSON of device and account ids concerns Anthropic alone."""
    metadata = tree.get("metadata")
    user = metadata.get("user_id") if isinstance(metadata, dict) else None
    return user if isinstance(user, str) and len(user) <= 64 and not user.startswith("{") else ""
