"""One request as we understand it: the raw tree, its text leaves, its limits, and who asks.

A `Leaf` is one text that a model would read. Law 1: every one of them is scanned before it leaves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from localrouter.core.hosted_tools import Offer
from localrouter.core.words import Interaction

Path = tuple[str | int, ...]
Where = Literal["system", "user", "assistant", "tool_result", "tool_arguments", "tool_schema", "metadata", "key", "number"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """`path` leads to it in the raw tree. `where="key"`: the leaf is the object key itself (last step of `path`).
    `where="number"`: a number of 7 digits and more, as its decimal text. `context` is the nearest key name."""

    path: Path
    text: str
    where: Where
    context: str = ""


@dataclass(frozen=True, slots=True)
class Needs:
    """What the answering model must be able to do."""

    tools: bool = False
    json_schema: bool = False
    vision: bool = False
    audio: bool = False
    stream: bool = False
    fim: bool = False
    reasoning: bool = False


@dataclass(frozen=True, slots=True)
class Hints:
    """What the client says of itself, in real headers and fields (notes on clients, 6.1). Hints only tighten (law 6): they choose no
    user and no budget but narrower ones, and loosen nothing. `agent`: a sub-agent's id. `user`: whom the client calls its user, hashed.
    `cheap`: a title, a summary, a probe, that the smallest model can answer. `continues`: a turn of a tool loop, for the same model.
    `interaction`: how long somebody waits, where the client says it, else ""."""

    agent: str = ""
    user: str = ""
    cheap: bool = False
    continues: bool = False
    interaction: Interaction | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, beside `Ask.who`: what the client's headers and texts say, as far as the recipe's routes match on it. `headers`: by lower-case
    name. `paths`: folders and files that the client says it works on. `user`: whom the client calls its user."""

    user: str = ""
    tier: str = ""
    project: str = ""
    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signed:
    """A block that a host signed or encrypted: it is no leaf, goes back to the host that made it unchanged and to no other (law 1).
    `path` leads to the whole block, which is dropped for another host. `mark` is its signature or encrypted content. `text` is what of it
    can be read (a thought), "" for what nobody can read. `needed`: without it the conversation is lost (a compaction), so a request to
    another host is refused rather than sent without it."""

    path: Path
    mark: str
    text: str = ""
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """`size` is the body in bytes; `unread` names parts that cannot be read (images, references), by type. `head`: the client's
    headers that its own host may see, by lower-case name (API version, beta flags). `hosted`: kinds of tools that the host itself would run
    (core/hosted_tools.py), which are left out on the way; `offers`: every such kind, allowed or not, with what
    it can be billed at most; `forced`: the kind that the request wants called, or "". `endpoint`: the path that
    was asked; the dialect's first where no server was."""

    dialect: str
    tree: dict[str, Any]
    leaves: tuple[Leaf, ...]
    model: str
    needs: Needs
    max_output: int | None
    n: int
    size: int
    last_user: str = ""
    session: str = ""
    who: str = "default"
    unread: tuple[str, ...] = ()
    context_ids: tuple[str, ...] = ()
    head: dict[str, str] = field(default_factory=dict)
    hints: Hints = Hints()
    signed: tuple[Signed, ...] = ()
    hosted: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    forced: str = ""
    endpoint: str = ""
    caller: Caller = Caller()


def get(tree: Any, path: Path) -> Any:
    """Walk to a path. Raises KeyError, IndexError or TypeError when it does not exist."""
    for step in path:
        tree = tree[step]
    return tree


def replace(tree: Any, edits: Iterable[tuple[Path, Any]]) -> Any:
    """A copy of the tree with some paths set; only the containers on those paths are copied."""
    fresh: dict[int, Any] = {}

    def own(node: Any) -> Any:
        if id(node) in fresh:
            return node
        copy: Any = dict(node) if isinstance(node, dict) else list(node)
        fresh[id(copy)] = copy
        return copy

    root = own(tree)
    for path, value in edits:
        node = root
        for step in path[:-1]:
            node[step] = own(node[step])
            node = node[step]
        node[path[-1]] = value
    return root


def rename_keys(tree: Any, renames: dict[Path, str]) -> Any:
    """Rename object keys by path (last step is the old key), order kept, deepest first."""
    for path in sorted(renames, key=len, reverse=True):
        parent = get(tree, path[:-1])
        new = {renames[path] if k == path[-1] else k: v for k, v in parent.items()}
        tree = replace(tree, [(path[:-1], new)]) if len(path) > 1 else new
    return tree


def remove(tree: Any, paths: Iterable[Path]) -> Any:
    """A copy of the tree without some blocks (an item of a list, a key of an object). A list that held nothing else goes with its key,
    and a turn whose `content` that was goes too: an empty turn is no turn in any dialect."""
    for path in sorted(paths, key=lambda p: (len(p), [str(s).rjust(12, "0") for s in p]), reverse=True):
        tree = _without(tree, path)
    return tree


def _without(tree: Any, path: Path) -> Any:
    parent = get(tree, path[:-1])
    left: Any
    if isinstance(parent, dict):
        left = {k: v for k, v in parent.items() if k != path[-1]}
    else:
        left = [item for i, item in enumerate(parent) if i != path[-1]]
        if not left and len(path) > 2:
            holder = get(tree, path[:-2])
            if isinstance(holder, dict) and (path[-2] != "content" or len(path) == 3):
                return _without(tree, path[:-1])
            return _without(tree, path[:-2])
    return replace(tree, [(path[:-1], left)]) if len(path) > 1 else left
