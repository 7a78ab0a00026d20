"""What a client says of itself: which conversation, which sub-agent, which user, what kind of call. Shared by all dialects.

Source: the headers and fields that real clients were seen to send (notes on clients, 6.1), asked for in that order; then, for the clients
that name nothing, a hash of the conversation's head, which every turn repeats. What a client names is hashed, since it is recorded and
may be anything. Hints only tighten (law 6), so a field of the wrong type is ignored and is never an error.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast, get_args

import orjson

from localrouter.core.ask import Hints
from localrouter.core.words import Interaction

_BILLING = re.compile(r"^x-anthropic-billing-header:[^\n]*\n?", re.M)
"""Claude Code's first system block differs in each conversation, each sub-agent and, in newer versions, each request."""
_SUBAGENT = "cc_is_subagent=true"
_OLD_USER = re.compile(r"user_([0-9a-f]+)_account_(.*?)_session_(.+)")
"""How Claude Code wrote `metadata.user_id` before it became JSON."""

_SHORT = 16_384
"""Characters of a whole request that can still be a title or a topic: Claude Code's are 2.4 KB, opencode's 2.5 KB."""
_CHORES = ("You are a title generator", "You are now acting as a managed memory extraction subagent")
_CHORE_WORDS = "managed memory extraction subagent"
_TASKS = re.compile(r"### Task:\s*\n(Generate|Suggest|Analyze)\b")
"""Open WebUI's side tasks: title, tags, follow-ups, queries."""
_LABELS = frozenset({"title", "topic", "isNewTopic", "summary", "tags", "follow_ups", "queries", "emoji", "branch"})
"""Names of the properties that a client's own chores ask for."""


def hints(headers: Mapping[str, str], tree: Mapping[str, Any], dialect: str) -> tuple[str, Hints]:
    """(conversation key, hints). `headers` by lower-case name; `dialect` is its NAME, so that two dialects' hashed heads never meet."""
    named = _named_session(headers, tree)
    head = "" if named else _head(headers, tree, dialect)
    agent = _agent(headers, tree)
    if agent == _SUBAGENT:
        # It says that it is one, but not which: its own head tells it from its siblings.
        agent = head or _head(headers, tree, dialect)
    user = user_of(headers, tree)
    return _digest(named or head), Hints(
        agent=_digest(agent) if agent else "",
        user=_digest(user) if user else "",
        cheap=_cheap(headers, tree),
        continues=_continues(headers, tree),
        interaction=_interaction(headers, tree),
    )


def names_session(headers: Mapping[str, str], tree: Mapping[str, Any]) -> bool:
    """Whether the client names one conversation, turn by turn. A `prompt_cache_key` or a tag in OpenAI's `metadata` does not say so:
    scripts send the same one with all that they ask."""
    own = {key: tree[key] for key in ("metadata", "client_metadata") if key in tree}
    metadata = own.get("metadata")
    if isinstance(metadata, Mapping):
        own["metadata"] = {"user_id": metadata.get("user_id")}
    return bool(_named_session(headers, own))


def _digest(name: str) -> str:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _str(tree: Any, *keys: str) -> str:
    """The text under these keys, or ""."""
    for key in keys:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree.strip() if isinstance(tree, str) else ""


# --- who -----------------------------------------------------------------------------------------


def _named_session(headers: Mapping[str, str], tree: Mapping[str, Any]) -> str:
    return next((name for name in _session_names(headers, tree) if name), "")


def _session_names(headers: Mapping[str, str], tree: Mapping[str, Any]) -> Iterator[str]:
    def header(name: str) -> str:
        return headers.get(name, "").strip()

    yield header("x-localrouter-session")
    yield header("x-claude-code-session-id")
    yield _claude_user(tree)[1]
    # opencode's sub-agents have sessions of their own and name their parent's: what was seen there holds for them too.
    yield header("x-parent-session-id")
    yield header("session-id")
    yield header("thread-id")
    # Codex puts the conversation's id here. OpenAI's documents call the same header the id of one request, and so do other clients.
    yield header("x-client-request-id") if header("originator") else ""
    yield _str(tree, "prompt_cache_key")
    yield _str(tree, "client_metadata", "session_id")
    yield _str(tree, "client_metadata", "thread_id")
    yield header("x-session-id")
    yield header("x-session-affinity")
    yield header("x-openwebui-chat-id")
    for key in ("session_id", "conversation_id", "thread_id", "chat_id"):
        yield _str(tree, "metadata", key)


def _claude_user(tree: Mapping[str, Any]) -> tuple[str, str]:
    """(user, session) of Claude Code's `metadata.user_id`; any other text there is a user alone."""
    text = _str(tree, "metadata", "user_id")
    if text.startswith("{"):
        try:
            inner = orjson.loads(text)
        except orjson.JSONDecodeError:
            return text, ""
        if isinstance(inner, dict):
            user = _str(inner, "account_uuid") or _str(inner, "device_id")
            return user, _str(inner, "parent_session_id") or _str(inner, "session_id")
    old = _OLD_USER.fullmatch(text)
    return (old[2] or old[1], old[3]) if old else (text, "")


def _agent(headers: Mapping[str, str], tree: Mapping[str, Any]) -> str:
    """A sub-agent's own name, `_SUBAGENT` for one without, or ""."""
    if named := headers.get("x-claude-code-agent-id", "").strip():
        return named
    if headers.get("x-parent-session-id", "").strip():
        return headers.get("x-session-id", "").strip() or headers.get("x-session-affinity", "").strip() or _SUBAGENT
    # Codex: a child's thread differs from the session, which is its root's.
    session, thread = headers.get("session-id", "").strip(), headers.get("thread-id", "").strip()
    if thread and session and thread != session:
        return thread
    if headers.get("x-openai-subagent", "").strip() or headers.get("x-interaction-type") == "conversation-subagent":
        return thread if headers.get("x-codex-parent-thread-id") and thread else _SUBAGENT
    first = next(iter(_texts(tree.get("system"))), "")
    return _SUBAGENT if first.startswith("x-anthropic-billing-header:") and _SUBAGENT in first else ""


def user_of(headers: Mapping[str, str], tree: Mapping[str, Any]) -> str:
    """Whom the client calls its user, in its own words: an account, a device, a name. Not to be recorded."""
    return (
        _claude_user(tree)[0]
        or headers.get("x-openwebui-user-id", "").strip()
        or _str(tree, "safety_identifier")
        or _str(tree, "user")
    )


# --- the conversation's head -----------------------------------------------------------------------


def _texts(content: Any) -> Iterator[str]:
    """The texts of a content: a string, or parts with a `text`."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, str):
                yield part
            elif isinstance(part, dict) and isinstance(part.get("text"), str):
                yield part["text"]


def _turns(tree: Mapping[str, Any]) -> list[Any]:
    """The conversation in the dialect's own field: `messages` (chat, Messages) or `input` (Responses)."""
    for key in ("messages", "input"):
        turns = tree.get(key)
        if isinstance(turns, str):
            return [{"role": "user", "content": turns}]
        if isinstance(turns, list):
            return turns
    return []


def _system_and_user(tree: Mapping[str, Any]) -> tuple[str, str]:
    """The system text in front and the first message of the user, without what varies in them."""
    system = [*_texts(tree.get("system")), *_texts(tree.get("instructions"))]
    user = ""
    for turn in _turns(tree):
        role = turn.get("role") if isinstance(turn, dict) else None
        if role in ("system", "developer") and not user:
            system += _texts(turn.get("content"))
        elif role == "user":
            user = "\n".join(_texts(turn.get("content")))
            break
    return _BILLING.sub("", "\n".join(system)), user


def _head(headers: Mapping[str, str], tree: Mapping[str, Any], dialect: str) -> str:
    # The product alone: what follows it holds a version, and with some clients the model of the moment.
    agent = headers.get("user-agent", "").split("/")[0]
    system, user = _system_and_user(tree)
    return "\x00".join((dialect, agent, system, user))


# --- what kind of call -----------------------------------------------------------------------------


def _continues(headers: Mapping[str, str], tree: Mapping[str, Any]) -> bool:
    """A tool has answered and the model goes on: the last turn is a tool's, or the client says so."""
    if headers.get("x-initiator", "").strip().lower() == "agent":
        return True
    for turn in reversed(_turns(tree)):
        if not isinstance(turn, dict):
            return False
        role, kind, content = turn.get("role"), turn.get("type"), turn.get("content")
        if role in ("system", "developer"):
            continue  # Claude Code and Codex add reminders behind a result
        if role in ("tool", "function") or (isinstance(kind, str) and kind.endswith("_output")):
            return True
        parts = content if isinstance(content, list) else []
        return any(isinstance(p, dict) and p.get("type") == "tool_result" for p in parts)
    return False


def _interaction(headers: Mapping[str, str], tree: Mapping[str, Any]) -> Interaction | Literal[""]:
    """Our own header; what VS Code says of its chores; OpenAI's `flex` (API reference, `service_tier`: slower and cheaper, for work that
    nobody waits for). A word that is none is ignored."""
    said = headers.get("x-localrouter-interaction", "").strip().lower()
    for word in get_args(Interaction):
        if said == word:
            return cast("Interaction", word)
    if headers.get("x-interaction-type", "").strip().lower() == "conversation-background":
        return "background"
    tier = _str(tree, "service_tier")
    return "batch" if tier == "batch" else "background" if tier == "flex" else ""


def _cheap(headers: Mapping[str, str], tree: Mapping[str, Any]) -> bool:
    """A chore of the client's own: a title, tags, a memory, a probe of one token."""
    if headers.get("x-interaction-type", "").strip().lower() == "conversation-background":
        return True
    if any(tree.get(k) == 1 and tree.get(k) is not True for k in ("max_tokens", "max_completion_tokens", "max_output_tokens")):
        return True
    if tree.get("tools") or tree.get("functions"):
        return False
    system, user = _system_and_user(tree)
    if system.startswith(_CHORES) or _CHORE_WORDS in system[:400]:
        return True
    if len(system) + len(user) > _SHORT:
        return False
    if _TASKS.match(user):
        return True
    names = _schema_names(tree)
    return bool(names) and names <= _LABELS


def _schema_names(tree: Mapping[str, Any]) -> frozenset[str]:
    """The names of the properties that the answer shall have, in whichever field the dialect says so."""
    for path in (
        ("output_config", "format", "schema"),
        ("output_format", "schema"),
        ("response_format", "json_schema", "schema"),
        ("text", "format", "schema"),
    ):
        node: Any = tree
        for key in (*path, "properties"):
            node = node.get(key) if isinstance(node, Mapping) else None
        if isinstance(node, dict):
            return frozenset(node)
    return frozenset()
