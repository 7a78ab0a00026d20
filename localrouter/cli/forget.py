"""`localrouter forget`: destroy what is kept of a request."""

from __future__ import annotations

import click


@click.command(short_help="Destroy the record of one request.")
@click.argument("trace_id")
@click.option("--yes", "-y", is_flag=True, help="Do not ask first.")
def command(trace_id: str, yes: bool) -> int:
    """Destroy the record of one request: its texts, findings and decision. It cannot be brought back.

    What it cost stays in the ledger, and its place in the chain of traces stays, so that `localrouter doctor` can still tell that
    nobody else took anything out.
    """
    from localrouter.daemon.client import Client

    client = Client(timeout=30)
    record = client.get(f"traces/{trace_id}")
    if record.get("forgotten"):
        click.echo(f"{record['id']} was forgotten before.")
        return 0
    if not yes:
        click.confirm(f"Forget {record['id']} for good?", abort=True)
    client.delete(f"traces/{record['id']}")
    click.echo(f"{record['id']} is forgotten.")
    return 0
