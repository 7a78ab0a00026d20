"""Recipes as TOML: one that is resolved, whole, for a diff or a file that nobody edits; and a new one to edit."""

from __future__ import annotations

import re
from typing import Any

import tomlkit

from localrouter.config.faults import ConfigFault
from localrouter.core.decision import said
from localrouter.core.recipe import Recipe

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""A recipe's own name: also its file's, and what stands before the `@` of a version."""


def text_of(recipe: Recipe) -> str:
    """All that it says, what it extends in it; reads back as the same recipe."""
    return tomlkit.dumps(_slim(said(recipe)))


def _slim(tree: Any) -> Any:
    """Without nulls, which TOML lacks, and without empty tables."""
    if isinstance(tree, list):
        return [_slim(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    return {k: v for k, v in ((k, _slim(v)) for k, v in tree.items() if v is not None) if v != {}}


def draft(name: str, base: Recipe) -> str:
    """A recipe that does what `base` does, with each thing that is changed most as a comment. Raises ConfigFault."""
    if not NAME.fullmatch(name):
        raise ConfigFault(name[:64], 1, "a recipe's name is made of letters, digits, - and _.", "Choose another.")
    first, last = base.route[0].name, base.route[-1]
    targets = ", ".join(f'"{t}"' for t in dict.fromkeys(("local:chat", *last.try_)))
    return f'''# {name}: say here who it is for. What it does not say, it takes from {base.name} (`localrouter recipe show {base.name}`).
# Take the # from what you want to change. `localrouter recipe check {name}` finds mistakes, `localrouter recipe dry-run {name}` says what it
# would have done with your last requests, `localrouter recipe apply {name}` puts it in force, `localrouter recipe rollback` takes it back.
name = "{name}"
description = "What {base.name} does."
extends = "{base.name}"

# What happens to values of a class (pass, veil, seal), and how far a request that holds them may go (hosted, trusted, local, refuse).
# Classes: public, internal, personal, regulated, secret, unreadable.
# [classes.personal]
# values = "veil"
# request = "local"

# The first route whose match holds is taken; its models are tried in order. This one stands before those of {base.name}.
# [[route]]
# name = "mine"
# before = "{first}"
# match = {{ task = ["summarise", "extract"], difficulty_below = 0.5, tools = false }}
# try = [{targets}]
# limits = {{ cost_usd = "0.05" }}
'''
