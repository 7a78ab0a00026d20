"""Settings: config.toml as a frozen object. Every key has a default; an unknown key is an error with file and line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from localrouter.config import prices
from localrouter.config.faults import ConfigFault, explain, nearest
from localrouter.config.paths import Paths
from localrouter.core.keeping import KEEP_DAYS, LONGEST_DAYS, Texts
from localrouter.core.kinds import KINDS
from localrouter.core.money import parse_usd

ENTRY_MAX = 1000
"""Characters of one entry of a list."""


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Local(Strict):
    """The local models. `model`: the GGUF file of `local:chat`; `fim`: that of `local:fim`, when another one completes code. The rest is how
    models are loaded, chosen for the machine where it is left out or 0 (engine/fit.py): `ctx` in tokens, `threads`, `batch` in tokens,
    `kv_type`, `slots` (requests at once), `gpu_layers` (-1: all), `memory_gb` for all loaded models together. `idle_minutes`: after which a
    model that nobody asks is unloaded; 0 keeps it. How sure an answer is is always in its trace; with `samples` so many more are drawn, unseen,
    to tell how far they agree, and with `self_check` the model is asked whether it was right. Both cost time."""

    model: Path | None = None
    fim: Path | None = None
    ctx: int = Field(default=0, ge=0, le=1_048_576)
    threads: int = Field(default=0, ge=0, le=512)
    batch: int = Field(default=0, ge=0, le=8192)
    kv_type: Literal["", "f16", "q8_0", "q4_0"] = ""
    slots: int = Field(default=0, ge=0, le=64)
    gpu_layers: int | None = Field(default=None, ge=-1, le=1000)
    memory_gb: float = Field(default=0, ge=0, le=100_000)
    idle_minutes: float = Field(default=15, ge=0, le=100_000)
    samples: int = Field(default=0, ge=0, le=8)
    self_check: bool = False

    @field_validator("ctx")
    @classmethod
    def _context(cls, value: int) -> int:
        if 0 < value < 512:
            raise ValueError("must be 512 at least, or 0 for what fits the machine")
        return value


class Budgets(Strict):
    """Dollars per user; "none" lifts a limit. The day and the month are those of `timezone`."""

    day_usd: str | float = "5.00"
    month_usd: str | float = "50.00"

    @field_validator("day_usd", "month_usd")
    @classmethod
    def _amount(cls, value: str | float) -> str | float:
        if value != "none":
            parse_usd(value)
        return value


def _tool_prices(value: dict[str, str | float]) -> dict[str, str | float]:
    prices.per_use({prices.TOOLS: value})
    return value


ToolPrices = Annotated[dict[str, str | float], AfterValidator(_tool_prices)]


class HostEntry(Strict):
    """A host added or overridden in config.toml."""

    origin: str | None = None
    wire: str | tuple[str, ...] | None = None
    """How it speaks: `openai_chat`, or a list with the default first."""
    region: str | None = None
    retention_days: int | None = None
    trains_on_data: bool | None = None
    zone: Literal["machine", "trusted", "hosted"] | None = None
    key_env: str | None = None
    tool_prices: ToolPrices | None = None
    """Dollars per 1 000 uses of a tool that the host runs, by kind (core/hosted_tools.py)."""


class Tier(Strict):
    """Prices in dollars per million tokens; those of the prompt cache where the host has one."""

    price_in: str | float | None = None
    price_out: str | float | None = None
    price_cache_read: str | float | None = None
    price_cache_write: str | float | None = None
    price_cache_write_1h: str | float | None = None

    @field_validator(*prices.KEYS, mode="before")
    @classmethod
    def _dollars(cls, value: Any, info: ValidationInfo) -> Any:
        prices.micro(str(info.field_name), value)
        return value


class ModelEntry(Tier):
    """A model added in config.toml, with the keys of models.toml. A prompt of more than `above` tokens is billed at the prices of `long`."""

    host: str
    name: str
    above: int | None = Field(default=None, ge=1)
    long: Tier | None = None
    context: int = Field(default=0, ge=0)
    max_output: int = Field(default=4096, ge=0)
    tools: bool = False
    json_schema: bool = False
    vision: bool = False
    audio: bool = False
    reasoning: bool = False
    fim: bool = False
    languages: tuple[str, ...] = ()
    """Those that it is good at, ISO 639-1; none: not stated."""
    zone: Literal["machine", "trusted", "hosted"] | None = None
    """Where it runs, when that is not where its host is."""
    tool_prices: ToolPrices | None = None
    """Over those of its host."""

    @model_validator(mode="after")
    def _whole(self) -> ModelEntry:
        prices.price(self.model_dump(exclude_none=True, include={*prices.KEYS, *prices.TIER}))
        return self


class Logging(Strict):
    """`prompts`: what traces keep of texts at most, of what left and of the answer (core/keeping.py); a route may keep less. `keep_days`: how long
    traces are kept. `max_mb`: of the database; over it the oldest traces go first (store/retention.py)."""

    prompts: Texts = "veiled"
    keep_days: int = Field(default=KEEP_DAYS, ge=1, le=LONGEST_DAYS)
    max_mb: int = Field(default=1024, ge=16, le=1_000_000)


class Health(Strict):
    """`breaker`: a host that fails again and again is left alone for a while, then tried by one request (daemon/breaker.py). Without it each
    request asks it anew, and goes on to the next target when it failed."""

    breaker: bool = True


def _is_pattern(entry: str) -> bool:
    return len(entry) > 2 and entry.startswith("/") and entry.endswith("/")


class Privacy(Strict):
    """What the privacy scan is told. `allow`: values that pass. `deny`: values that never do. Each is matched exactly, or as a regular
    expression when it is written `/so/`. `packs`: national ids to look for, such as "de". `thresholds`: the least score of a type.
    `spacy`: larger spaCy models beside the encoder: `auto` (those that are installed), `off`, or the name of one."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    packs: tuple[str, ...] = ()
    thresholds: dict[str, float] = Field(default_factory=dict)
    spacy: str = Field(default="auto", pattern=r"^[a-z][a-z0-9_]{1,63}$")

    @field_validator("allow", "deny")
    @classmethod
    def _entries(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            if not entry.strip():
                raise ValueError("an entry is empty")
            if len(entry) > ENTRY_MAX:
                raise ValueError(f"an entry has more than {ENTRY_MAX} characters")
            head, colon, rest = entry.partition(":")
            bare = rest.strip() if colon and head in KINDS else entry  # `SECRET:/acme-[0-9]+/` names the kind
            if _is_pattern(bare):
                import regex  # as the scan reads it; 3 MB that a file without expressions saves

                try:
                    empty = regex.compile(bare[1:-1]).fullmatch("") is not None
                except regex.error as exc:
                    raise ValueError(f"{entry} is not a regular expression ({exc})") from None
                if empty:
                    raise ValueError(f"{entry} matches the empty text, and so everything")
        return value

    @field_validator("packs")
    @classmethod
    def _countries(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pack in value:
            if not re.fullmatch(r"[a-z]{2}", pack):
                raise ValueError(f"{pack!r} is not a country in two small letters such as de")
        return value

    @field_validator("thresholds")
    @classmethod
    def _scores(cls, value: dict[str, float]) -> dict[str, float]:
        for name, least in value.items():
            if name not in KINDS:
                raise ValueError(f"{name!r} is no type of finding. {nearest(name, KINDS)}")
            if not 0 <= least <= 1:
                raise ValueError(f"{name} must lie between 0 and 1")
        return value

    def exact(self) -> frozenset[str]:
        """The allowed values that are written out, for the last check."""
        return frozenset(e for e in self.allow if not _is_pattern(e))

    def options(self) -> dict[str, Any]:
        """For the scan, but for the identity, which is the machine's."""
        return {
            "allow": list(self.allow),
            "deny": list(self.deny),
            "packs": list(self.packs),
            "thresholds": dict(self.thresholds),
            "spacy": self.spacy,
        }


class Settings(Strict):
    """config.toml."""

    listen_host: Literal["127.0.0.1", "::1", "localhost"] = "127.0.0.1"
    port: int = Field(default=8642, ge=0, le=65_535)
    recipe: str = "balanced"
    timezone: str = ""
    local: Local = Local()
    budgets: Budgets = Budgets()
    logging: Logging = Logging()
    health: Health = Health()
    privacy: Privacy = Privacy()
    allowed_origins: tuple[str, ...] = ()
    """Web origins that may call, each exact (`http://localhost:3000`). None by default: any page of a listed origin can use the token."""
    hosts: dict[str, HostEntry] = Field(default_factory=dict)
    models: dict[str, ModelEntry] = Field(default_factory=dict)

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            if (
                parts.scheme not in ("http", "https")
                or not parts.hostname
                or origin != f"{parts.scheme}://{parts.netloc}"
                or "*" in origin
            ):
                raise ValueError(f"{origin!r} is not an exact origin such as http://localhost:3000")
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError):
                raise ValueError("is not a time zone such as Europe/Berlin") from None
        return value

    def catalogue_extra(self) -> dict[str, Any]:
        """What this file adds to models.toml."""
        return {
            "hosts": {k: v.model_dump(exclude_none=True) for k, v in self.hosts.items()},
            "models": {k: v.model_dump(exclude_none=True) for k, v in self.models.items()},
        }

    def ledger_budgets(self) -> tuple[int | None, int | None]:
        """(day, month) in micro-dollars."""
        day, month = self.budgets.day_usd, self.budgets.month_usd
        return (None if day == "none" else parse_usd(day), None if month == "none" else parse_usd(month))


def load_settings(paths: Paths) -> Settings:
    """Read config.toml; a missing file is all defaults. Raises ConfigFault."""
    file = paths.config_file
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigFault(file, 1, f"the file cannot be read ({exc}).", "Check its permissions and encoding.") from None
    tree = parse(file, text)
    try:
        return Settings.model_validate(tree)
    except ValidationError as exc:
        raise explain(file, text, Settings, exc) from None


def parse(file: Path | str, text: str) -> dict[str, Any]:
    """TOML, with the line of a syntax error. Raises ConfigFault."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        found = re.search(r"line (\d+)", str(exc))
        raise ConfigFault(file, int(found[1]) if found else 1, f"not TOML: {exc}.", "Correct the line.") from None
