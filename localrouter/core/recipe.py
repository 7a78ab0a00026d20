"""The types of a recipe: routing as an artifact (DESIGN section 6).

A recipe is data that a person reviews. Unknown keys are errors; defaults are the strict ones. This file knows the grammar,
not where recipes are stored (`config/recipes.py`) nor what they decide (`core/decide.py`).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from localrouter.core.contract import Contract
from localrouter.core.fallback import Fallback
from localrouter.core.hosted_tools import known
from localrouter.core.keeping import Logging
from localrouter.core.kinds import DataClass
from localrouter.core.match import Match
from localrouter.core.rules import DomainRule, Loop, ModelRules
from localrouter.core.shape import Prompt, Toolset
from localrouter.core.signals import Signals
from localrouter.core.strict import Strict as Strict
from localrouter.core.tool_rules import ToolRules
from localrouter.core.words import Domain

Values = Literal["pass", "veil", "seal"]
Request = Literal["hosted", "trusted", "local", "refuse"]
"""How far a request may go: to a hosted model, to a machine of the user's own, nowhere but here, nowhere at all."""
_TARGET = r"^(local:[\w.-]+|[\w.-]+/[\w.:/@*-]+|asked)$"


def _target(value: object) -> object:
    if isinstance(value, str) and not re.search(_TARGET, value):
        raise ValueError(f"{value[:100]!r} is no target; write local:NAME, HOST/MODEL, HOST/* or asked")
    return value


Target = Annotated[str, StringConstraints(pattern=_TARGET), BeforeValidator(_target)]
"""`local:chat`, `host/model`, `host/*` (any model of that host), or `asked`: the model that the client named."""
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""Of a route and of what routes refer to: it stands in headers and in commands."""


class Only(Strict):
    """Terms that a host must state. An unstated term counts as not met."""

    region: tuple[str, ...] | None = None
    retention_days_max: int | None = Field(default=None, ge=0)
    trains_on_data: bool | None = None


class ClassRule(Strict):
    """What happens to a class's values, and where its request may go."""

    values: Values = "veil"
    request: Request = "hosted"
    only: Only | None = None
    otherwise: Literal["local", "refuse"] = "local"


class Limits(Strict):
    """Per request. `cost_usd` is a ceiling on one attempt's reservation; `input_tokens` what a hosted model is sent at most, at four bytes a
    token; `first_token_ms` what the live quantiles of a model must promise
    to be asked, and after which an attempt counts as timed out; `total_ms` the time of all attempts together."""

    cost_usd: str | float | None = None
    output_tokens: int | None = Field(default=None, ge=1)
    input_tokens: int | None = Field(default=None, ge=1)
    first_token_ms: int | None = Field(default=None, ge=1)
    total_ms: int | None = Field(default=None, ge=1)


class Steps(Strict):
    """`[limits]` of the recipe: what comes before a route is known. `inspect_ms`: of the privacy scan, where it has to wait for the inspector; a
    request that is not read by then is `privacy_unsure` (law 1), and its route's fallback says what becomes of it. `decide_ms`: from the end of
    the scan to the plan, with the look at the ledger and at the keyring; a request that is not decided by then is refused."""

    inspect_ms: int | None = Field(default=None, ge=1)
    decide_ms: int | None = Field(default=None, ge=1)


class Route(Strict):
    """The first route whose match holds is taken; its targets are tried in order. `before`: in a recipe that extends another, the
    route of that one in front of which this one stands (config/recipes.py). `prompt`, `toolset`: names of what the recipe has under [prompts]
    and [toolsets]."""

    name: Name
    before: Name | None = None
    match: Match = Match()
    try_: tuple[Target, ...] = Field(alias="try", min_length=1)
    limits: Limits = Limits()
    fallback: Fallback = Fallback()
    contract: Contract | None = None
    prompt: Name | None = None
    toolset: Name | None = None
    logging: Logging = Logging()
    tools: ToolRules | None = None


DEFAULT_CLASSES: dict[DataClass, ClassRule] = {
    "public": ClassRule(values="pass"),
    "internal": ClassRule(values="veil"),
    "personal": ClassRule(values="veil"),
    "regulated": ClassRule(
        values="veil", only=Only(region=("eu",), retention_days_max=0, trains_on_data=False), otherwise="local"
    ),
    "secret": ClassRule(values="seal"),
    "unreadable": ClassRule(request="local"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the routes of a recipe want to know of who asks; nothing else of it is kept with a request."""

    headers: frozenset[str] = frozenset()
    paths: bool = False
    user: bool = False


class Recipe(Strict):
    """One policy. `extends` names another whose keys it overrides. `hosted_tools`: tools that a host may run by itself (core/hosted_tools.py),
    though nobody here reads what they read; none unless it says so. `cache_marks`: whether a prompt that crosses to a Messages host is marked for
    that host's prompt cache (a write costs more than reading once, a later read a tenth), where the client has no marks of its own.
    `local_tools`: names (with `*` and `?`) of tools of the user's own that send nothing anywhere, and of those that are only the form of an
    answer: personal values in their arguments are restored, as for other local tools; none unless it says so. `schemas`: JSON Schemas that
    contracts name. `prompts`, `toolsets`: see core/shape.py. `domains`, `models`, `loop`: see core/rules.py."""

    name: str
    description: str = ""
    extends: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}$")] | None = None
    private_keys: Request = "local"
    hosted_tools: tuple[Annotated[str, AfterValidator(known)], ...] = ()
    cache_marks: bool = True
    local_tools: tuple[Annotated[str, StringConstraints(min_length=1, max_length=200)], ...] = ()
    classes: dict[DataClass, ClassRule] = Field(default_factory=dict)
    domains: dict[Domain, DomainRule] = Field(default_factory=dict)
    models: ModelRules = ModelRules()
    loop: Loop = Loop()
    limits: Steps = Steps()
    schemas: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    prompts: dict[Name, Prompt] = Field(default_factory=dict)
    toolsets: dict[Name, Toolset] = Field(default_factory=dict)
    route: tuple[Route, ...] = ()

    @model_validator(mode="after")
    def _routes_of_domains(self) -> Recipe:
        names = [r.name for r in self.route]
        for domain, rule in self.domains.items():
            if rule.route is not None and rule.route not in names:
                raise ValueError(f"domains.{domain}.route names '{rule.route}', and the routes are {', '.join(names) or 'none'}")
        return self

    def rule(self, data_class: DataClass) -> ClassRule:
        """The rule of a class: the recipe's, else the default."""
        return self.classes.get(data_class, DEFAULT_CLASSES[data_class])

    @functools.cached_property
    def wanted(self) -> Wanted:
        """What the routes match on that only who asks can say."""
        return Wanted(
            frozenset(name for r in self.route for name in r.match.headers or ()),
            any(r.match.path is not None for r in self.route),
            any(r.match.user is not None for r in self.route),
        )

    def shape(self, route: str) -> tuple[Prompt | None, Toolset | None]:
        """What a route, by its name, makes of its requests."""
        if not self.prompts and not self.toolsets:
            return None, None
        found = next((r for r in self.route if r.name == route), None)
        prompt = self.prompts.get(found.prompt) if found is not None and found.prompt is not None else None
        toolset = self.toolsets.get(found.toolset) if found is not None and found.toolset is not None else None
        return prompt, toolset

    def tool_rules(self, route: str) -> ToolRules | None:
        """What a route, by its name, says of tool calls."""
        return next((r.tools for r in self.route if r.name == route), None)

    def grown(self, signals: Signals, route: str) -> Signals:
        """The signals with the prompt's bound as large as the route's own prompt makes it."""
        prompt, _ = self.shape(route)
        return signals if prompt is None else replace(signals, prompt_bound=signals.prompt_bound + prompt.most_bytes)
