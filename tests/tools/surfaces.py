"""A home whose daemon has the rehearsal host behind it three times, once on each wire, so that every client can be sent over every wire."""

from __future__ import annotations

from pathlib import Path

from localrouter.daemon.rehearsal import Rehearsal

WIRES = {"chat": "openai_chat", "responses": "openai_responses", "messages": "anthropic_messages"}
MODELS = (
    *(
        "1",
        "2",
        "echo",
        "lenient",
        "think",
        "redacted",
        "parallel",
        "rounds-2",
        "rounds-3",
        "refuse",
        "filtered",
        "length",
        "empty",
    ),
    *("400", "401", "403", "404", "413", "422", "429", "500", "503", "529", "context", "context-mid"),
    *(
        "silent",
        "silent-3",
        "silent-9",
        "mute-2",
        "mute-9",
        "hush-9",
        "slow",
        "drop",
        "drop-first",
        "cut",
        "error-first",
        "error-mid",
        "error-event",
    ),
)


def settings(host: Rehearsal, *, then: str = "") -> tuple[str, str]:
    """(tables for config.toml, recipe). The hosts are named by their wires; `other` is a second one that speaks Messages.
    `then`: what is tried after the model that was asked for."""
    lines: list[str] = []
    for name, wire in {**WIRES, "other": "anthropic_messages", "other-responses": "openai_responses"}.items():
        origin = f"{host.root}/{name}/v1"
        lines.append(f'[hosts.{name}]\norigin = "{origin}"\nwire = "{wire}"\nkey_env = "LOCALROUTER_REHEARSAL_KEY"')
        lines.append('region = "eu"\nretention_days = 0\ntrains_on_data = false')
        for model in MODELS:
            lines.append(f'[models."{name}/rehearsal-{model}"]\nhost = "{name}"\nname = "rehearsal-{model}"')
            lines.append('price_in = "0.25"\nprice_out = "2.00"')
            lines.append("context = 200000\nmax_output = 8192\ntools = true\njson_schema = true\nvision = true\nreasoning = true")
    targets = ", ".join(f'"{t}"' for t in ("asked", *([then] if then else [])))
    recipe = f'name = "rehearse"\nextends = "balanced"\n[classes.unreadable]\nrequest = "hosted"\n[[route]]\nname = "default"\ntry = [{targets}]\n'
    return "\n".join(lines), recipe


def write(home: Path, host: Rehearsal, *, then: str = "", day_usd: str = "1000") -> None:
    """config.toml and the recipe of such a home."""
    config = home / "config"
    (config / "recipes").mkdir(parents=True, mode=0o700)
    config.chmod(0o700)
    tables, recipe = settings(host, then=then)
    head = f'port = 0\nrecipe = "rehearse"\n[budgets]\nday_usd = "{day_usd}"\nmonth_usd = "5000.00"\n[health]\nbreaker = false\n'
    (config / "config.toml").write_text(head + tables + "\n")
    (config / "recipes" / "rehearse.toml").write_text(recipe)
