"""What this daemon makes of a request before it is scanned: the model that a name means, the tools that are left out, who asks. Shared by the
routes that answer and by the dry run, so that a dry run cannot tell another story."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from localrouter.core.ask import Ask
from localrouter.daemon.models_list import named
from localrouter.daemon.services import Services
from localrouter.dialects._caller import caller


def asked(services: Services, ask: Ask, headers: Mapping[str, str]) -> Ask:
    """The request as it is decided, under the recipe in force. `headers`: the client's, by lower-case name."""
    recipe = services.recipe
    hosted = tuple(kind for kind in ask.hosted if kind not in recipe.hosted_tools)
    return replace(ask, model=named(services, ask.model), hosted=hosted, caller=caller(dict(headers), ask, recipe.wanted))
