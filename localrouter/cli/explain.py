"""`localrouter explain`: one decision in plain English; or, with --dry-run, what would be decided for a file."""

from __future__ import annotations

import json
from typing import IO, Any

import click

from localrouter.cli._options import json_option


@click.command()
@click.argument("trace_id", required=False)
@click.option(
    "--dry-run",
    "file",
    type=click.File("rb"),
    metavar="FILE",
    help="A request body (JSON) or a plain prompt; - is stdin. Nothing is sent.",
)
@click.option(
    "--dialect",
    metavar="NAME",
    help="With --dry-run: which API the body is for: chat, messages or responses. Without it, a body with 'messages' is one for chat.",
)
@json_option
def command(trace_id: str | None, file: IO[bytes] | None, dialect: str | None, as_json: bool) -> int:
    """Say why a request went where it went, what left this machine, and what it cost.

    TRACE_ID may be shortened to a part of it. Without one, the newest trace is explained.
    """
    from localrouter.cli import _show
    from localrouter.core.errors import NotFound
    from localrouter.daemon.client import Client

    if file is None and dialect is not None:
        raise click.UsageError("--dialect says what the file of --dry-run is; without that there is no file.")
    if file is not None and trace_id is not None:
        raise click.UsageError("Either a trace or --dry-run: a trace is of what was asked, a dry run of what is not.")
    client = Client(timeout=120)
    if file is not None:
        raw = file.read()
        tree = client.post("explain", raw, dialect=dialect) if dialect else client.post("explain", _body(raw))
        if as_json:
            _show.emit_json(tree)
        else:
            _dry(tree)
        return 0
    if trace_id is None:
        rows = client.get("traces", limit=1)["traces"]
        if not rows:
            raise NotFound("There are no traces yet.", "`localrouter ask` or any client makes one.")
        trace_id = str(rows[0]["id"])
    record = client.get(f"traces/{trace_id}")
    if as_json:
        _show.emit_json(record)
    else:
        _told(record)
    return 0


def _body(raw: bytes) -> bytes:
    """A body for chat, or a prompt as one. Raises click.UsageError for a body that says `model` and no `messages`."""
    try:
        tree = json.loads(raw)
    except ValueError:
        tree = None
    if isinstance(tree, dict) and "messages" in tree:
        return raw
    if isinstance(tree, dict) and "model" in tree:
        raise click.UsageError(
            "This is a request body, but not one for chat: say which with --dialect, such as --dialect responses."
        )
    return json.dumps(
        {"model": "localrouter/auto", "messages": [{"role": "user", "content": raw.decode("utf-8", "replace")}]}
    ).encode()


def _left(title: str, texts: list[str], tokens: list[str]) -> None:
    from localrouter.cli import _show

    out = _show.console()
    out.print(title, style="bold")
    for text in texts:
        out.print(_show.highlighted(text, tokens))


def _candidates(rows: list[dict[str, Any]]) -> None:
    from localrouter.cli import _show

    for row in rows:
        mark = "kept   " if row["kept"] else "dropped"
        gate = f" [{row['gate']}]" if row["gate"] else ""
        click.echo(_show.clean(f"  {mark} {row['model']}{gate}: {row['why']}"))


def _dry(tree: dict[str, Any]) -> None:
    from localrouter.cli import _show

    signals, plan = tree["signals"], tree["plan"]
    click.echo(_show.clean(tree["text"]))
    click.echo(
        f"\nFound: {_show.counts(signals['findings'])}. Class: {signals['data_class']}. Task: {signals['task']}, difficulty {signals['difficulty']}."
    )
    click.echo("Candidates:")
    _candidates(plan["candidates"])
    title = (
        "What would leave this machine:"
        if tree["hosted"]
        else "It would stay here or be refused. To a hosted model it would look like this:"
    )
    _left(title, tree["left_machine"], tree["tokens"])
    click.echo("Nothing was sent: this was a dry run.")


def _told(r: dict[str, Any]) -> None:
    from localrouter.cli import _show

    if r.get("forgotten"):
        click.echo(f"The trace {r['id']} was forgotten on {_show.clock(r['forgotten'])}; only its place in the chain is left.")
        return
    click.echo(f"{r['id']}  {_show.clock(r['started'])}  {r['ms']:.0f} ms  status {r['status']}  {r['outcome']}")
    click.echo(_show.clean(r["explain"]))
    click.echo(f"\nFound: {_show.counts(r['findings'])}. Class: {r['data_class']}.")
    restored = r.get("restored") or {}
    if restored:
        click.echo(f"Restored in the answer: {_show.counts(restored)}.")
    click.echo(f"Cost: {_show.usd(r['cost_micro'])} (reserved {_show.usd(r['reserved_micro'])}).")
    if r["attempts"]:
        click.echo("Attempts:")
        for a in r["attempts"]:
            click.echo(
                _show.clean(f"  {a['model']} ({a['lane']}): {a.get('outcome', 'no cost')}, {_show.usd(a.get('cost_micro', 0))}")
                + (", an estimate" if a.get("estimated") else "")
            )
            for edit in a.get("edits", ()):
                click.echo(_show.clean(f"    {edit['name']}: {edit['why']}"))
    click.echo("Candidates:")
    _candidates(r["candidates"])
    click.echo("Steps: " + ", ".join(f"{s['name']} {s['ms']:.1f} ms" for s in r["steps"]))
    click.echo(f"Recipe {r['recipe']}, catalogue {r['catalogue']}.")
    texts = r["left_machine"]
    _left("What left this machine:" if texts else "Nothing left this machine.", texts, r.get("tokens", []))
