"""`localrouter traces`: what went through, newest first. The records are veiled."""

from __future__ import annotations

from typing import Any

import click

from localrouter.cli._options import json_option


@click.command()
@click.option("--limit", "-n", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@click.option("--search", "-q", metavar="WORDS", help="Only those whose veiled text has all these words.")
@click.option("--lane", type=click.Choice(["local", "hosted", "none"]), help="Only those of one lane.")
@json_option
def command(limit: int, search: str | None, lane: str | None, as_json: bool) -> int:
    """List what went through the daemon."""
    from localrouter.cli import _show
    from localrouter.daemon.client import Client

    rows = Client(timeout=30).get("traces", limit=limit, q=search, lane=lane)["traces"]
    if as_json:
        _show.emit_json(rows)
        return 0
    if not rows:
        click.echo("No traces yet. `localrouter ask` or any client makes one.")
        return 0

    def found(row: dict[str, Any]) -> str:
        return "forgotten" if row["forgotten"] else _show.counts(row["findings"])

    _show.table(
        ("when", "id", "lane", "model", "found", "status", "cost", "ms"),
        (
            (_show.clock(r["started"]), r["id"], r["lane"], r["model"] or "-", found(r), str(r["status"]), _show.usd(r["cost_micro"]),
             f"{r['ms']:.0f}")
            for r in rows
        ),
        right=("status", "cost", "ms"),
        cut=("model", "found"),
        drop=("ms", "lane", "status", "found", "when"),
    )  # fmt: skip
    return 0
