"""The text leaves of a Messages request, what of it nobody can read, and what a host signed (law 1).

Every string is a leaf unless its field is one of `PROTOCOL` and it looks like an identifier or a word of a closed set; so an unknown
field is read, and its name and the names in it are read too. Unknown block and tool types are refused by name. Source: the types
`MessageCreateParams` of the anthropic SDK, stable and beta, whose fields a test holds against the two tables here.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from localrouter.core.ask import Leaf, Path, Signed, Where
from localrouter.core.errors import BadRequest, Unsupported
from localrouter.dialects import _anthropic_thoughts as thoughts
from localrouter.dialects._fields import dumps
from localrouter.dialects._leaves import walk

PROTOCOL = frozenset(
    {
        "type", "role", "id", "tool_use_id", "tool_id", "file_id", "skill_id", "tab_id", "download_id", "media_type", "ttl",
        "error_code", "file_type", "effort", "display", "clear_at", "model", "stop_reason", "service_tier", "speed",
        "inference_geo", "oversized_image", "allowed_callers", "prefix_mismatch_behavior", "previous_message_id", "bill_to",
        "response_inclusion", "version", "mode", "user_profile_id", "workspace_id", "betas", "keep",
    }
)  # fmt: skip
"""Fields that hold a word of a closed set or an identifier. What does not look like one is read as text all the same."""

KNOWN = PROTOCOL | frozenset(
    {
        # texts
        "text", "thinking", "content", "title", "context", "source", "url", "cited_text", "document_title", "description", "name",
        "tool_name", "toolset_name", "server_name", "mcp_server_name", "user_id", "system", "stop_sequences", "instructions",
        "stdout", "stderr", "error_message", "lines", "page_age", "retrieved_at", "path", "error", "allowed_domains",
        "blocked_domains", "city", "country", "region", "timezone", "exclude_tools", "clear_tool_inputs", "allowed_tools",
        "authorization_token", "token", "fallback_credit_token",
        # signed, encrypted or opaque: named in Ask.signed or Ask.unread
        "signature", "data", "encrypted_content", "encrypted_index", "encrypted_stdout", "container", "skills",
        # free JSON, walked with its keys
        "input", "input_schema", "schema", "input_examples", "properties", "required", "metadata", "configs",
        # numbers and flags
        "max_tokens", "stream", "temperature", "top_p", "top_k", "budget_tokens", "document_index", "end_char_index",
        "start_char_index", "end_page_number", "start_page_number", "end_block_index", "start_block_index", "search_result_index",
        "enabled", "active", "size_bytes", "return_code", "num_lines", "start_line", "total_lines", "is_file_update", "new_lines",
        "new_start", "old_lines", "old_start", "is_error", "disable_parallel_tool_use", "defer_loading", "eager_input_streaming",
        "strict", "max_characters", "max_uses", "max_content_tokens", "use_cache", "display_height_px", "display_width_px",
        "display_number", "enable_zoom", "value", "pause_after_compaction", "total", "remaining",
        # objects and lists of the above
        "messages", "tools", "tool_choice", "output_config", "output_format", "format", "context_management", "edits",
        "cache_control", "caching", "citations", "transformations", "caller", "tabs", "state_changes", "tool", "definition",
        "tool_references", "tool_changes", "mcp_servers", "tool_configuration", "default_config", "diagnostics", "thread",
        "fallbacks", "from", "to", "trigger", "compaction", "billing_policy", "user_location", "url_sources",
        "client_tool_results", "server_tool_results", "user_input", "clear_at_least", "task_budget", "block_binding",
        "stream_options",
    }
)  # fmt: skip
"""The API's own field names. Any other name is a leaf itself."""

_SETTINGS = frozenset({"max_tokens", "stream", "temperature", "top_p", "top_k", "stream_options"})
_WORD = re.compile(r"[A-Za-z0-9_.:\-]{0,128}")
_ROLES: dict[str, Where] = {"user": "user", "assistant": "assistant", "system": "system"}
_BLOCKS = frozenset(
    {
        "text", "image", "document", "search_result", "thinking", "redacted_thinking", "tool_use", "tool_result", "tool_reference",
        "browser_state", "server_tool_use", "web_search_tool_result", "web_fetch_tool_result", "advisor_tool_result",
        "code_execution_tool_result", "bash_code_execution_tool_result", "text_editor_code_execution_tool_result",
        "tool_search_tool_result", "mcp_tool_use", "mcp_tool_result", "mcp_tool_listing", "container_upload", "compaction",
        "tool_addition", "tool_removal", "fallback",
    }
)  # fmt: skip
_AT_HOST = re.compile(r"(web_search|web_fetch|code_execution|advisor|mcp_toolset)(_[0-9]{8})?")
"""Tools that the host runs (what becomes of each: core/hosted_tools.py). Searching the request's own tools reads nothing else."""
_AT_CLIENT = re.compile(
    r"(bash|text_editor|memory|computer|computer_toolset|browser_toolset)_[0-9]{8}"
    r"|tool_search_tool_(regex|bm25)(_[0-9]{8})?|custom"
)
_SCHEMA_WORDS = frozenset({"type", "format", "$schema", "$ref"})
_SCHEMA_WORD = re.compile(r"[A-Za-z0-9_.:/#$\-]{0,128}")
_NAMES = frozenset({"properties", "$defs", "definitions", "patternProperties", "dependentSchemas", "dependentRequired"})
_KEYWORDS = frozenset(
    {
        "$schema", "$id", "$ref", "$anchor", "$defs", "definitions", "$comment", "type", "format", "title", "description", "default",
        "const", "enum", "examples", "example", "properties", "patternProperties", "additionalProperties", "propertyNames",
        "required", "dependentRequired", "dependentSchemas", "dependencies", "unevaluatedProperties", "minProperties",
        "maxProperties", "items", "prefixItems", "additionalItems", "unevaluatedItems", "contains", "minContains", "maxContains",
        "minItems", "maxItems", "uniqueItems", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minLength", "maxLength", "pattern", "contentEncoding", "contentMediaType", "anyOf", "oneOf", "allOf", "not", "if", "then",
        "else", "nullable", "deprecated", "readOnly", "writeOnly", "strict", "discriminator", "xml", "externalDocs",
    }
)  # fmt: skip
"""JSON Schema, drafts 7 and 2020-12, and OpenAPI 3.0."""
_TOOL_NAMES = frozenset({"name", "tool_name", "toolset_name"})
_OF_TOOLS = frozenset({"tool_schema", "tool_arguments", "tool_result"})
_VALUES = frozenset({"default", "const", "enum", "examples", "example"})
_TOOL_LISTS = 32
_seen_tools: dict[bytes, tuple[tuple[Leaf, ...], tuple[str, ...]]] = {}


class Reading:
    """What one request holds: `leaves` in document order, `unread` names, `signed` blocks (no leaves)."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.unread: dict[str, None] = {}
        self.signed: list[Signed] = []

    # --- the top ---------------------------------------------------------------------------------

    def request(self, tree: dict[str, Any]) -> None:
        """Read a whole request. Raises BadRequest and Unsupported, each naming the field."""
        for key, value in tree.items():
            # The model's name is replaced by the chosen one's: it never leaves, and scanning each new one would cost a call.
            if key in _SETTINGS or key == "model" or value is None:
                continue
            if key == "messages":
                for i, message in enumerate(value):
                    self._message(message, i)
            elif key == "system":
                self._content(value, ("system",), "system")
            elif key == "tools":
                self._tools(value)
            elif key == "metadata":
                walk(value, (key,), "metadata", self.leaves, protocol=_nothing, free_keys=True, context=key)
            else:
                if key in ("container", "thread"):
                    self.unread[key] = None  # content that the host holds
                where: Where = "tool_schema" if key in ("tool_choice", "output_config", "output_format") else "metadata"
                self._field(key, value, (key,), where)

    def _message(self, message: dict[str, Any], i: int) -> None:
        where = _ROLES[message["role"]]
        for key, value in message.items():
            if key == "content":
                self._content(value, ("messages", i, key), where)
            elif key != "role":
                self._field(key, value, ("messages", i, key), where)

    def _content(self, content: Any, path: Path, where: Where) -> None:
        if content is None:
            return
        if isinstance(content, str):
            self._text(content, path, where, str(path[-1]))
            return
        if not isinstance(content, list):
            raise BadRequest(f"{dotted(path)} must be a string or a list of blocks.", "Correct it.", param=dotted(path))
        for j, block in enumerate(content):
            kind = block.get("type") if isinstance(block, dict) else None
            if not isinstance(kind, str):
                raise BadRequest(
                    f"{dotted((*path, j))} must be an object with a 'type'.", "Correct it.", param=dotted((*path, j))
                )
            if kind not in _BLOCKS:
                raise Unsupported(
                    f"{dotted((*path, j))} has the block type {kind[:60]!r}, which localrouter does not know and so cannot read.",
                    "Send it as text, or leave it out.",
                    param=dotted((*path, j)),
                )
            self._node(block, (*path, j), where)

    # --- objects of the API ----------------------------------------------------------------------

    def _node(self, node: dict[str, Any], path: Path, where: Where) -> None:
        kind = node.get("type")
        if self._apart(node, path, where):
            return
        if kind in ("image", "document") and isinstance(node.get("source"), dict):
            self._source(str(kind), node["source"], (*path, "source"), where)
            self._fields(node, path, where, but=("source",))
        elif kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
            self._fields(node, path, "tool_arguments", but=("input",))
            if "input" in node:
                walk(node["input"], (*path, "input"), "tool_arguments", self.leaves, protocol=_nothing, free_keys=True)
        elif kind in ("tool_result", "mcp_tool_result", "search_result"):
            inside: Where = where if kind == "search_result" else "tool_result"
            self._fields(node, path, inside, but=("content",))
            self._content(node.get("content"), (*path, "content"), inside)
        else:
            if kind == "container_upload":
                self.unread["container_upload"] = None
            inner: Where = "tool_result" if isinstance(kind, str) and kind.endswith("_tool_result") else where
            self._fields(node, path, inner)

    def _apart(self, node: dict[str, Any], path: Path, where: Where) -> bool:
        """A block that a host signed stands apart. Our own marks are no signatures: the thought under one is a text like others."""
        mark = thoughts.mark_of(node)
        if not mark:
            return False
        if thoughts.is_own(mark):
            self._text(node.get("thinking"), (*path, "thinking"), where, "thinking")
            self._fields(node, path, where, but=("thinking", "signature"))
            return True
        inner = Reading()
        inner._fields(node, (), where, but=thoughts.MARKS)
        if node.get("type") == "redacted_thinking":
            inner = Reading()
        self.unread |= inner.unread
        self.signed.append(Signed(path, mark, "\n".join(leaf.text for leaf in inner.leaves)))
        return True

    def _source(self, kind: str, source: dict[str, Any], path: Path, where: Where) -> None:
        form = source.get("type")
        if form == "text":
            self._fields(source, path, where)
        elif form == "content":
            self._fields(source, path, where, but=("content",))
            self._content(source.get("content"), (*path, "content"), where)
        elif form == "base64":
            pdf = kind == "document" and source.get("media_type", "application/pdf") == "application/pdf"
            self.unread["pdf" if pdf else kind] = None
            self._fields(source, path, where, but=("data",))
        elif form == "url":
            self.unread[f"{kind}_url"] = None
            self._fields(source, path, where)
        elif form == "file":
            self._fields(source, path, where)
        else:
            raise Unsupported(
                f"{dotted(path)} has the type {str(form)[:60]!r}, which localrouter does not know and so cannot read.",
                "Send the content itself, as base64 or as text.",
                param=dotted(path),
            )
        if kind == "image":
            self.unread["image"] = None

    def _fields(self, node: dict[str, Any], path: Path, where: Where, *, but: tuple[str, ...] = ()) -> None:
        for key, value in node.items():
            if key not in but and value is not None:
                self._field(key, value, (*path, key), where)

    def _field(self, key: str, value: Any, path: Path, where: Where) -> None:
        if key not in KNOWN:
            if key:
                self.leaves.append(Leaf(path, key, "key", str(path[-2]) if len(path) > 1 else ""))
            walk(value, path, where, self.leaves, protocol=_nothing, free_keys=True, context=key)
        elif key in ("input_schema", "schema"):
            self._schema(value, path)
        elif key in ("input", "input_examples", "configs"):
            walk(value, path, where, self.leaves, protocol=_nothing, free_keys=True, context=key)
        elif key == "file_id":
            self.unread["file_id"] = None
            self._value(key, value, path, where)
        else:
            self._value(key, value, path, where)

    def _value(self, key: str, value: Any, path: Path, where: Where) -> None:
        if isinstance(value, str):
            if not (key in PROTOCOL and _WORD.fullmatch(value)):
                # A tool's name is no person's, so it is not read as the value of a field called "name".
                self._text(value, path, where, "tool" if key in _TOOL_NAMES and where in _OF_TOOLS else key)
        elif isinstance(value, list):
            for j, item in enumerate(value):
                self._value(key, item, (*path, j), where)
        elif isinstance(value, dict):
            if key == "definition":
                self._tool(value, path)  # a tool that is added in the middle of a conversation
            else:
                self._node(value, path, where)
        elif key not in KNOWN:
            walk(value, path, where, self.leaves, protocol=_nothing, free_keys=True, context=key)

    def _text(self, text: Any, path: Path, where: Where, context: str) -> None:
        walk(text, path, where, self.leaves, protocol=_nothing, free_keys=True, context=context)

    # --- tools -----------------------------------------------------------------------------------

    def _tools(self, tools: list[Any]) -> None:
        """An agent sends the same sixty kilobytes of them with each turn, so the walk is remembered by their hash."""
        digest = hashlib.blake2b(dumps(tools), digest_size=16).digest()
        found = _seen_tools.get(digest)
        if found is None:
            inner = Reading()
            for i, tool in enumerate(tools):
                inner._tool(tool, ("tools", i))
            found = (tuple(inner.leaves), tuple(inner.unread))
            while len(_seen_tools) >= _TOOL_LISTS:
                _seen_tools.pop(next(iter(_seen_tools)))
            _seen_tools[digest] = found
        self.leaves.extend(found[0])
        self.unread |= dict.fromkeys(found[1])

    def _tool(self, tool: Any, path: Path) -> None:
        if not isinstance(tool, dict):
            raise BadRequest(f"{dotted(path)} must be an object.", "Correct it.", param=dotted(path))
        kind = tool.get("type") or "custom"
        if not isinstance(kind, str) or not (_AT_HOST.fullmatch(kind) or _AT_CLIENT.fullmatch(kind)):
            raise Unsupported(
                f"{dotted(path)} has the type {str(kind)[:60]!r}, and localrouter does not know who runs it and what it reads.",
                "Describe it as a tool with an input_schema, or leave it out.",
                param=dotted(path),
            )
        self._fields(tool, path, "tool_schema")

    def _schema(self, node: Any, path: Path) -> None:
        """A JSON Schema: its own words are protocol, the names of properties and the values in it are not."""
        if isinstance(node, list):
            for i, item in enumerate(node):
                self._schema(item, (*path, i))
        elif isinstance(node, dict):
            names = path[-1] in _NAMES
            for key, value in node.items():
                here: Path = (*path, key)
                if key and (names or key not in _KEYWORDS):
                    self.leaves.append(Leaf(here, key, "key", str(path[-1])))
                if not names and key in _VALUES:
                    walk(value, here, "tool_schema", self.leaves, protocol=_nothing, free_keys=True, context=key)
                elif not names and key in _SCHEMA_WORDS and isinstance(value, str) and _SCHEMA_WORD.fullmatch(value):
                    continue
                else:
                    self._schema(value, here)
        else:
            walk(node, path, "tool_schema", self.leaves, protocol=_nothing, free_keys=True, context=_nearest(path))


def _nothing(path: Path) -> bool:
    return False


def _nearest(path: Path) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def dotted(path: Path) -> str:
    """`messages[1].content[0]`, for people."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
