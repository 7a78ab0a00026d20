"""A request veiled for one destination, and what restores its answer."""

from __future__ import annotations

import functools
import time
from typing import Any

from localrouter.core.ask import Ask, rename_keys, replace
from localrouter.core.findings import Finding
from localrouter.core.kinds import ORDER
from localrouter.core.recipe import Recipe
from localrouter.daemon import tool_names
from localrouter.daemon.noting import Story
from localrouter.daemon.services import Services
from localrouter.scrub.checked import checked
from localrouter.scrub.memory import Looks
from localrouter.scrub.tokens import Minter
from localrouter.scrub.toolclass import tool_class
from localrouter.scrub.unveil import Unveiler


def veiled_for(
    services: Services, recipe: Recipe, story: Story, host: str, ask: Ask, findings: list[tuple[Finding, ...]]
) -> tuple[dict[str, Any], Unveiler | None, dict[str, str]]:
    """(the veiled tree, what restores its answer, its veiled names of tools -> the client's own). `host`: its name; tokens of one's own identity
    differ from host to host. The story is told what was veiled. Raises PrivacyUnsure when the last check finds a value twice."""
    values = {name: recipe.rule(name).values for name in ORDER}
    names = (story.names if ask is story.ask else None) or services.inspection.names(ask.leaves)
    memory = services.memories.of(ask.who, (ask.session, ask.hints.agent), time.monotonic())
    looks = Looks(ask.leaves, memory, names) if names is not None else Looks(ask.leaves)
    story.minter = Minter(services.secret, f"{ask.who}\x00{ask.session}", host, looks.taken)
    story.veiled = veiled = checked(ask.leaves, findings, values, story.minter, services.allowed, looks)
    table = services.conversations.merge(ask.who, ask.session, veiled.table)
    of = functools.partial(tool_class, own=recipe.local_tools)
    unveiler = Unveiler(table, veiled.outgoing, of, json_reply=ask.needs.json_schema) if len(table) else None
    tree: dict[str, Any] = ask.tree
    fit, named = tool_names.veiled(ask.leaves, veiled.texts) if veiled.edits else ([], {})
    if veiled.edits:
        tree = replace(tree, [*veiled.edits, *fit])
    if veiled.renames:
        tree = rename_keys(tree, veiled.renames)
    return tree, unveiler, named
