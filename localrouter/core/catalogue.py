"""The catalogue's types: hosts with their terms, hosted models with their prices. Read from models.toml by `config`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from localrouter.core.money import Price

Zone = Literal["machine", "trusted", "hosted"]
ZONES: tuple[Zone, ...] = ("machine", "trusted", "hosted")
"""From the nearest to the farthest: this machine, another one of the user's own, anybody's."""
CLOUD = ("-cloud", ":cloud")


@dataclass(frozen=True, slots=True)
class Host:
    """An exact origin with its base path, and the terms that it states. None: not stated. `wire`: how it speaks; `wires`: all the
    ways, that one first. `tool_prices`: of the tools that it runs by itself, as in `Price.tools`, for each of its models."""

    name: str
    origin: str
    wire: str = "openai_chat"
    wires: tuple[str, ...] = ()
    region: str = ""
    retention_days: int | None = None
    trains_on_data: bool | None = None
    zone: Zone = "hosted"
    key_env: str = ""
    tool_prices: Mapping[str, int] = field(default_factory=dict, hash=False)

    def wire_for(self, dialect_wire: str) -> str:
        """The client's own wire when this host speaks it, else the host's first."""
        return dialect_wire if dialect_wire in self.wires else self.wire

    @property
    def least_output(self) -> int:
        """The least output that can be asked of it, in tokens: a reservation below it would be none (OpenAI API reference, Responses:
        `max_output_tokens` is at least 16)."""
        return 16 if "openai_responses" in (self.wire, *self.wires) else 1


@dataclass(frozen=True, slots=True)
class Model:
    """`id` is `host/name`; `name` is what the host calls it. Without a price it is refused (law 2). `zone`: where it runs, when that is not
    where its host is (an engine on this machine that passes some models on). `languages`: those that it is good at, ISO 639-1; none: not
    stated. `fim`: it completes code between two texts."""

    id: str
    host: str
    name: str
    price: Price | None = None
    context: int = 0
    max_output: int = 0
    tools: bool = False
    json_schema: bool = False
    vision: bool = False
    audio: bool = False
    reasoning: bool = False
    fim: bool = False
    languages: tuple[str, ...] = ()
    zone: Zone | None = None

    @property
    def fixes_sampling(self) -> bool:
        """OpenAI's reasoning models refuse sampling parameters, penalties and stop sequences ("Reasoning models", API guide)."""
        return self.host == "openai" and self.reasoning


Role = Literal["chat", "fim", "code", "embed", "rerank"]
SizeClass = Literal["tiny", "small", "medium", "large"]


@dataclass(frozen=True, slots=True)
class ModelPart:
    """One file of a model that was split: `NAME-00001-of-0000N.gguf`. `size` in bytes, `sha256` in hex."""

    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that can be pulled: a GGUF file, or `parts` of one, whose first is `file`. `size` in bytes, of all parts; `sha256` in hex, of a
    model that is one file: 0 and "" where nobody backs them; the first pull pins what the hub states. `revision`: the commit of the
    repository. `ram_gb`: with a cache of 8 192 tokens. `languages`: ISO 639-1, `*` is over a hundred. `family`: how its chat template speaks
    (engine/families); "" is found from the file itself."""

    name: str
    repo: str
    file: str
    size_class: SizeClass
    licence: str
    roles: tuple[Role, ...]
    title: str = ""
    parameters: str = ""
    revision: str = "main"
    size: int = 0
    sha256: str = ""
    context: int = 0
    languages: tuple[str, ...] = ()
    family: str = ""
    ram_gb: float = 0.0
    tools: bool = False
    reasoning: bool = False
    parts: tuple[ModelPart, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`version` is a hash of what was read, recorded with each decision. `local`: the files that can be pulled, by name."""

    version: str
    hosts: dict[str, Host] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    local: dict[str, LocalModel] = field(default_factory=dict)

    _by_name: dict[str, list[Model]] = field(init=False, repr=False, compare=False, default_factory=dict)
    _by_host: dict[str, list[Model]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for model in self.models.values():
            self._by_name.setdefault(model.name, []).append(model)
            self._by_host.setdefault(model.host, []).append(model)
        for models in self._by_host.values():
            models.sort(key=lambda m: m.id)

    def find(self, name: str) -> Model | None:
        """By `host/name`, or by the upstream name alone when exactly one host has it."""
        found = self.models.get(name)
        if found is not None:
            return found
        same = self._by_name.get(name, ())
        return same[0] if len(same) == 1 else None

    def of(self, host: str) -> list[Model]:
        """The models of a host, by id."""
        return self._by_host.get(host, [])

    def least_output(self, model: Model) -> int:
        """The least output in tokens that a model's host can be asked for; a reservation covers that."""
        host = self.hosts.get(model.host)
        return host.least_output if host is not None else 1

    def zone(self, model: Model) -> Zone:
        """Where a model runs. What an engine on this machine sends on to its maker's cloud is hosted, whatever its host's zone
        (Ollama's documentation, "Cloud": such models end in `-cloud`)."""
        if model.zone is not None:
            return model.zone
        if model.name.endswith(CLOUD):
            return "hosted"
        host = self.hosts.get(model.host)
        return host.zone if host is not None else "hosted"
