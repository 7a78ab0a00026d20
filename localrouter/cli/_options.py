"""Options that several verbs share."""

from __future__ import annotations

import click

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, for machines.")
