"""Write models.toml from a price table in the LiteLLM project's JSON form. `python packaging/build_models.py PRICES.json`.

Prices become dollars per million tokens, exactly (Decimal). Only the models named here are taken: a catalogue that a person
can read beats one with a thousand rows.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

HOSTS: dict[str, dict[str, Any]] = {
    "openai": {
        "origin": "https://api.openai.com/v1",
        "wire": ["openai_chat", "openai_responses", "openai_compact"],
        "key_env": "OPENAI_API_KEY",
        "region": "us",
        "retention_days": 30,
        "trains_on_data": False,
        # Pricing page, "Built-in tools": per 1 000 calls; a container per session and gigabyte ($0.03 of 1 GB, $1.92 of 64 GB); a picture at its
        # dearest (gpt-image-1, high quality, 1536 x 1024: $0.25). A remote MCP server costs tokens only.
        "tool_prices": {
            "web_search": "10",
            "web_search_preview": "10",
            "file_search": "2.5",
            "code_interpreter": "30",
            "container_shell": "30",
            "image_generation": "250",
            "mcp": "0",
        },
    },
    "anthropic": {
        "origin": "https://api.anthropic.com/v1",
        "wire": "anthropic_messages",
        "key_env": "ANTHROPIC_API_KEY",
        "region": "us",
        "retention_days": 30,
        "trains_on_data": False,
        # "Pricing", Anthropic's documentation: $10 per 1 000 searches; fetches cost tokens only; a container $0.05 an hour, a whole one for
        # each request (its free hours of a month are not known here). What an advisor costs depends on its model, and is not stated.
        "tool_prices": {"web_search": "10", "web_fetch": "0", "code_execution": "50", "mcp_toolset": "0"},
    },
    "google": {"origin": "https://generativelanguage.googleapis.com/v1beta/openai", "key_env": "GEMINI_API_KEY"},
    "mistral": {"origin": "https://api.mistral.ai/v1", "key_env": "MISTRAL_API_KEY", "region": "eu", "retention_days": 30},
    "deepseek": {"origin": "https://api.deepseek.com/v1", "key_env": "DEEPSEEK_API_KEY", "region": "cn"},
    "xai": {
        "origin": "https://api.x.ai/v1",
        "key_env": "XAI_API_KEY",
        "region": "us",
        "retention_days": 30,
        "trains_on_data": False,
        # "Models and pricing", Live Search: $25 per 1 000 sources.
        "tool_prices": {"web_search": "25"},
    },
    "openrouter": {"origin": "https://openrouter.ai/api/v1", "key_env": "OPENROUTER_API_KEY"},
}
OWN: dict[str, dict[str, Any]] = {
    # The preview of the search costs more at models that do not reason, whose searches cost no tokens.
    f"openai/{name}": {"tool_prices": {"web_search_preview": "25"}}
    for name in ("gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini")
}
PREFIX = {
    "openai": "",
    "anthropic": "",
    "google": "gemini/",
    "mistral": "mistral/",
    "deepseek": "deepseek/",
    "xai": "xai/",
    "openrouter": "openrouter/",
}
WANTED: dict[str, tuple[str, ...]] = {
    "openai": ("gpt-5.6", "gpt-5.5", "gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano", "gpt-5.2", "gpt-5.1", "gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini", "o4-mini", "o3"),
    "anthropic": ("claude-opus-5-5", "claude-opus-5", "claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-6", "claude-opus-4-5", "claude-opus-4-5-20251101", "claude-sonnet-5-5", "claude-sonnet-5", "claude-sonnet-4-6", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "claude-haiku-5-5", "claude-haiku-4-5", "claude-haiku-4-5-20251001"),
    "google": ("gemini-3.1-pro-preview", "gemini-3.8-flash", "gemini-3.5-flash", "gemini-3-flash-preview", "gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite"),
    "mistral": ("mistral-large-latest", "mistral-medium-latest", "mistral-small-latest", "codestral-latest", "devstral-medium-latest", "ministral-8b-latest", "magistral-medium-latest"),
    "deepseek": ("deepseek-chat", "deepseek-reasoner"),
    "xai": ("grok-4.20", "grok-4.20-0309-reasoning", "grok-4.20-0309-non-reasoning", "grok-code-fast-1"),
    "openrouter": (
        "anthropic/claude-sonnet-4.5", "anthropic/claude-haiku-4.5", "openai/gpt-5", "openai/gpt-5-mini", "google/gemini-2.5-pro",
        "deepseek/deepseek-chat-v3.1", "qwen/qwen3-coder", "x-ai/grok-4", "moonshotai/kimi-k2",
    ),
}  # fmt: skip
COSTS = (
    ("price_in", "input_cost_per_token"), ("price_out", "output_cost_per_token"), ("price_cache_read", "cache_read_input_token_cost"),
    ("price_cache_write", "cache_creation_input_token_cost"), ("price_cache_write_1h", "cache_creation_input_token_cost_above_1hr"),
)  # fmt: skip
FLAGS = (
    ("tools", "supports_function_calling"),
    ("json_schema", "supports_response_schema"),
    ("vision", "supports_vision"),
    ("audio", "supports_audio_input"),
    ("reasoning", "supports_reasoning"),
)
HEAD = """# The catalogue: hosts with their terms, hosted models with prices in dollars per million tokens.
# Facts collected by the LiteLLM project (MIT, 1.109.1, autumn 2026), picked and converted by packaging/build_models.py.
# A term that a host does not state, or that nobody checked, is left out: an unstated term counts as not met.
# Check the prices of the models you use against their host's own page; add or override them in config.toml.
# tool_prices: dollars per 1 000 uses of a tool that the host runs by itself (recipes: hosted_tools), from the hosts' pricing pages: OpenAI,
# "Built-in tools" (containers per session and gigabyte, pictures at their dearest); Anthropic, "Pricing" (code: a container-hour for each
# request); xAI, "Live Search" (per source). A model's own go before its host's; a tool without a price is refused.
"""


def mtok(value: float) -> str:
    return format((Decimal(str(value)) * 1_000_000).normalize(), "f")


def prices(row: dict[str, Any], suffix: str = "") -> dict[str, str]:
    return {name: mtok(row[key + suffix]) for name, key in COSTS if row.get(key + suffix) is not None}


def toml(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


def main(path: str) -> None:
    table = json.loads(Path(path).read_text())
    out = [HEAD]
    for host, terms in HOSTS.items():
        out.append(f"\n[hosts.{host}]")
        out += [f"{k} = {toml(v)}" for k, v in terms.items()]
        for name in WANTED[host]:
            row = table.get(PREFIX[host] + name)
            if row is None or row.get("mode") not in ("chat", "responses", None):
                print(f"left out, not in the table as a chat model: {host}/{name}", file=sys.stderr)
                continue
            if row.get("input_cost_per_token") is None:
                continue
            out.append(f'\n[models."{host}/{name}"]\nhost = "{host}"\nname = "{name}"')
            out.append(f"context = {row.get('max_input_tokens', 0)}\nmax_output = {row.get('max_output_tokens') or 4096}")
            out += [f'{k} = "{v}"' for k, v in prices(row).items()]
            for edge in (128, 200, 256, 272):
                suffix = f"_above_{edge}k_tokens"
                if row.get("input_cost_per_token" + suffix) is not None:
                    base, long = prices(row), prices(row, suffix)
                    out.append(f"above = {edge * 1000}")
                    inner = ", ".join(f'{k} = "{v}"' for k, v in {**base, **long}.items())
                    out.append(f"long = {{ {inner} }}")
                    break
            out += [f"{k} = {toml(v)}" for k, v in OWN.get(f"{host}/{name}", {}).items()]
            out += [f"{k} = true" for k, key in FLAGS if row.get(key)]
    file = Path(__file__).resolve().parent.parent / "models.toml"
    # The local models below the hosted ones are kept by hand.
    _, mark, local = file.read_text().partition("\n# Local models: ")
    file.write_text("\n".join(out) + "\n" + mark + local)


if __name__ == "__main__":
    main(sys.argv[1])
