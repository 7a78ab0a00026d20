"""`localrouter explain`: one decision in plain English; or, with --dry-run, what would be decided for a file."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from typing import IO, Any

import click

from localrouter.cli._options import json_option


@click.command(short_help="Say why a request went where it went.")
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
    help="With --dry-run: which API the body is for: chat, messages, responses or compact. Without it, that is seen where it can be.",
)
@click.option(
    "--decision", is_flag=True, help="The whole decision as JSON: what was read, and the plan. It replays to the same plan."
)
@click.option("--schema", is_flag=True, help="The JSON Schema of a decision.")
@json_option
def command(
    trace_id: str | None, file: IO[bytes] | None, dialect: str | None, decision: bool, schema: bool, as_json: bool
) -> int:
    """Say why a request went where it went, what left this machine, and what it cost.

    TRACE_ID may be shortened to a part of it. Without one, the newest trace is explained.
    """
    from localrouter.cli import _show, _why
    from localrouter.core.errors import NotFound
    from localrouter.daemon.client import Client

    if schema:
        from localrouter.core.decision_schema import schema as made

        _show.emit_json(made())
        return 0
    if file is None and dialect is not None:
        raise click.UsageError("--dialect says what the file of --dry-run is; without that there is no file.")
    if file is not None and trace_id is not None:
        raise click.UsageError("Either a trace or --dry-run: a trace is of what was asked, a dry run of what is not.")
    client = Client(timeout=120)
    if file is not None:
        raw = file.read()
        body, dialect = (raw, dialect) if dialect else _body(raw)
        tree = client.post("explain", body, dialect=dialect)
        if decision:
            _show.emit_json(tree["decision"])
        elif as_json:
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
    decided = _why.decided(client, record)
    if decision:
        if decided is None:
            raise NotFound(f"No decision is kept of {record['id']}.", "It was forgotten, or nothing was decided.")
        _show.emit_json(decided["decision"])
    elif as_json:
        _show.emit_json(record)
    else:
        _told(record, decided)
    return 0


def _body(raw: bytes) -> tuple[bytes, str]:
    """(the body, its dialect) as far as that can be seen; a prompt as a body for chat. Raises click.UsageError for a body of another kind."""
    try:
        tree = json.loads(raw)
    except ValueError:
        tree = None
    if isinstance(tree, dict) and "messages" in tree:
        # Anthropic's `system` stands beside the messages, and its limit has no other name.
        own = "system" in tree or any(isinstance(t, dict) and "input_schema" in t for t in tree.get("tools") or ())
        return raw, "messages" if own else "chat"
    if isinstance(tree, dict) and "input" in tree:
        return raw, "responses"
    if isinstance(tree, dict) and "model" in tree:
        raise click.UsageError(
            "This is a request body, but which API it is for cannot be seen: say it with --dialect, such as --dialect responses."
        )
    prompt = {"model": "localrouter/auto", "messages": [{"role": "user", "content": raw.decode("utf-8", "replace")}]}
    return json.dumps(prompt).encode(), "chat"


def _left(title: str, texts: list[str], tokens: list[str]) -> None:
    from localrouter.cli import _show

    out = _show.console()
    out.print(title, style="bold")
    for text in texts:
        out.print(_show.highlighted(text, tokens))


def _paragraph(text: str) -> None:
    """Broken between words on a terminal; one line for a program."""
    from localrouter.cli import _show

    said = _show.clean(text)
    click.echo(textwrap.fill(said, max(40, shutil.get_terminal_size().columns - 1)) if sys.stdout.isatty() else said)


def _read(signals: dict[str, Any]) -> None:
    """What was understood of the request; a record of an older version, or of another kind of request, has less of it."""
    names = ("task", "domain", "risk", "difficulty", "injection", "language", "interaction")
    said = [f"{name} {signals[name]}" for name in names if signals.get(name) not in (None, "")]
    if said:
        click.echo(f"Read as: {', '.join(said)}.")


def _dry(tree: dict[str, Any]) -> None:
    from localrouter.cli import _show, _why

    signals, plan = tree["signals"], tree["plan"]
    _paragraph(tree["text"])
    click.echo(f"\nFound: {_show.counts(signals['findings'])}. Class: {signals['data_class']}.")
    _read(signals)
    _why.route(tree)
    _why.candidates(plan["candidates"], tree)
    _why.failing(tree)
    title = (
        "What would leave this machine:"
        if tree["hosted"]
        else "It would stay here or be refused. To a hosted model it would look like this:"
    )
    _left(title, tree["left_machine"], tree["tokens"])
    click.echo("Nothing was sent: this was a dry run.")


def _told(r: dict[str, Any], decided: dict[str, Any] | None) -> None:
    from localrouter.cli import _show, _why

    if r.get("forgotten"):
        click.echo(f"The trace {r['id']} was forgotten on {_show.clock(r['forgotten'])}; only its place in the chain is left.")
        return
    click.echo(f"{r['id']}  {_show.clock(r['started'])}  {r['ms']:.0f} ms  status {r['status']}  {r['outcome']}")
    _paragraph(r["explain"])
    click.echo(f"\nFound: {_show.counts(r['findings'])}. Class: {r['data_class']}.")
    _read(r["signals"])
    restored = {k: n for k, n in (r.get("restored") or {}).items() if n}
    if restored:
        click.echo(f"Restored in the answer: {_show.counts(restored)}.")
    click.echo(f"Cost: {_show.usd(r['cost_micro'])} (reserved {_show.usd(r['reserved_micro'])}).")
    _why.route(decided)
    _why.candidates(r["candidates"], decided)
    _why.attempts(r["attempts"], decided)
    _why.walked(r)
    click.echo("Steps: " + ", ".join(f"{s['name']} {s['ms']:.1f} ms" for s in r["steps"]))
    click.echo(f"Recipe {r['recipe']}, catalogue {r['catalogue']}." + _why.replayed(decided))
    texts = r["left_machine"]
    _left("What left this machine:" if texts else "Nothing left this machine.", texts, r.get("tokens", []))
