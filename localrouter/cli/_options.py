"""Options that several verbs share."""

from __future__ import annotations

import click

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, for machines.")

by_option = click.option("--by", type=click.Choice(["cli", "tui"]), default="cli", hidden=True)
"""Who put a recipe in force, for its history: the TUI runs these verbs and says so."""
