"""`localrouter status`: what runs, where, and how it is."""

from __future__ import annotations

from typing import Any

import click

from localrouter.cli._options import json_option


@click.command(short_help="Show the daemon, and how hosts and models do.")
@json_option
def command(as_json: bool) -> int:
    """Show the daemon: address, recipe, privacy scan, local model, and how hosts and models do."""
    from localrouter.cli import _show
    from localrouter.daemon.client import Client
    from localrouter.daemon.engine_words import in_words

    client = Client(timeout=10)
    tree = client.get("status") | {"address": client.at.base}
    if as_json:
        _show.emit_json(tree)
        return 0
    scan = tree["inspector"]
    local = tree["local"]
    rows = [
        ("address", f"{client.at.base}/v1"),
        ("daemon", f"version {tree['version']}, pid {tree['pid']}, up {tree['uptime_s']:.0f} s, {tree['in_flight']} in flight"),
        ("recipe", tree["recipe"]),
        (
            "privacy scan",
            (f"ready, {len(scan['detectors'])} detectors" if scan["alive"] else scan["why"] or "not running")
            + f", {scan['unsure']} unsure",
        ),
        ("local model", "ready" if local["available"] else local["why_not"]),
        *(("engine", in_words(row)) for row in local["engines"]),
    ]
    repeats = tree["repeats"]
    if any(repeats.values()):
        rows.append(
            (
                "repeats",
                f"{repeats['joined']} read a running answer, {repeats['spared']} got the error at once; no host was asked",
            )
        )
    rows += [("pausing", name) for name in tree["cooling"]]
    rows += [
        ("refused", f"{name} ({status}): check it with `localrouter keys test {name}`")
        for name, status in tree["refused"].items()
    ]
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        click.echo(f"{name:<{width}}  {_show.clean(str(text))}")
    if tree["health"]:
        # Who is cut off or does not do well comes first; on a narrow terminal what is looked at least is left out.
        ordered = sorted(tree["health"], key=lambda h: (h["state"] == "closed", not h["words"]))
        _show.table(_COLUMNS, map(_row, ordered), right=_COLUMNS[2:], drop=("tokens/s", "slow", "broken", "p95"))
        for h in ordered:
            if h["words"]:
                click.echo(_show.clean(f"{h['name']}: {h['words']}."))
    return 0


_COLUMNS = ("host or model", "breaker", "calls", "failed", "refused", "broken", "slow", "first ms", "p95", "tokens/s")


def _row(h: dict[str, Any]) -> list[str]:
    """Shares are of the calls of the last minutes."""
    wait = f" ({h['wait_s']:.0f} s)" if h["state"] == "open" else ""
    return [
        h["name"],
        h["state"].replace("_", "-") + wait,
        str(h["calls"]),
        _percent(h["errors"]),
        _percent(h["refusals"]),
        _percent(h["broken"]),
        _percent(h["slow"]),
        _number(h["first_ms"]),
        _number(h["first_p95_ms"]),
        _number(h["tokens_s"]),
    ]


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %" if share else "-"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
