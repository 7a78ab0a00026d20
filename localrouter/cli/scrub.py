"""`localrouter scrub`: what would leave of a text. A pipe and pre-commit tool; no daemon is needed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from localrouter.cli._options import json_option

if TYPE_CHECKING:
    from localrouter.daemon.scrubbing import Scrubbed, Scrubber

INK = {"own": "bold black on cyan", "mask": "bold black on yellow", "seal": "bold white on red"}


@click.command(short_help="Show what of a text would leave this machine.")
@click.argument("files", nargs=-1, type=click.Path(), metavar="[FILE|-]...")
@json_option
@click.option("--jsonl", is_flag=True, help='Each line of the input is {"id", "text"}; each line of the output is its answer.')
@click.option("--diff", is_flag=True, help="Show what changes, as a unified diff.")
@click.option(
    "--check", is_flag=True, help="Print what was found as FILE:LINE:COLUMN; exit 1 if anything was. For pre-commit hooks."
)
@click.option(
    "--restore",
    "original",
    type=click.Path(exists=True, dir_okay=False),
    metavar="ORIGINAL",
    help="Turn tokens back: the input is a scrubbed text (or an answer about it), ORIGINAL the file it was made from.",
)
@click.option("--session", default="", metavar="NAME", help="Give equal values equal tokens in all texts of this name.")
@click.option("--recipe", metavar="NAME", help="The recipe whose rules say what is veiled (default: the one in force).")
def command(
    files: tuple[str, ...],
    as_json: bool,
    jsonl: bool,
    diff: bool,
    check: bool,
    original: str | None,
    session: str,
    recipe: str | None,
) -> int:
    """Show what of a text would leave this machine: private values become tokens.

    The scrubbed text goes to stdout, a summary to stderr. Without FILE, or with -, it reads stdin. Nothing is sent anywhere.
    """
    if sum((as_json, jsonl, diff, check, original is not None)) > 1:
        raise click.UsageError("Use one of --json, --jsonl, --diff, --check and --restore.")
    names = files or ("-",)
    if len(names) > 1 and not (check or diff):
        raise click.UsageError("Several files work with --check and --diff; pass one file otherwise.")
    import asyncio

    return asyncio.run(_run(names, as_json, jsonl, diff, check, original, session, recipe))


async def _run(
    names: tuple[str, ...],
    as_json: bool,
    jsonl: bool,
    diff: bool,
    check: bool,
    original: str | None,
    session: str,
    recipe: str | None,
) -> int:
    from localrouter.daemon.scrubbing import Scrubber

    async with Scrubber(recipe) as scrubber:
        if jsonl:
            return await _lines(scrubber, names[0], session)
        if original is not None:
            return _restored(await scrubber.scrub(_read(original)[0], session), *_read(names[0]))
        found = 0
        for name in names:
            text, encoding = _read(name)
            made = await scrubber.scrub(text, session)
            found += sum(row.action != "pass" for row in made.rows)
            if as_json:
                _write(json.dumps({"veiled": made.veiled, "findings": [row.json() for row in made.rows]}, indent=2) + "\n")
            elif check:
                _check(name, text, made)
            elif diff:
                _diff(name, text, made, encoding)
            else:
                _shown(made, encoding)
        return 1 if check and found else 0


def _read(name: str) -> tuple[str, str]:
    """(the text, its encoding). What is not UTF-8 is read as Latin-1, where every byte is a character, and is written as it came."""
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as exc:
        raise click.ClickException(f"{name} cannot be read ({exc.strerror}).") from None
    if b"\x00" in raw[:8192]:
        raise click.ClickException(f"{name} is no UTF-8 text. Convert it first; binary files cannot be scanned.")
    try:
        return raw.decode(), "utf-8"
    except UnicodeDecodeError:
        return raw.decode("latin-1"), "latin-1"


def _write(text: str, encoding: str = "utf-8") -> None:
    sys.stdout.flush()
    try:
        raw = text.encode(encoding)
    except UnicodeEncodeError:  # a Latin-1 text into which values of a UTF-8 one were restored
        raw = text.encode()
    sys.stdout.buffer.write(raw)
    sys.stdout.buffer.flush()


async def _lines(scrubber: Scrubber, name: str, session: str) -> int:
    """One line in, one line out, in order, as they come; a line that fails has "error" and makes the exit code 1."""
    failed = False
    source: IO[bytes] = sys.stdin.buffer if name == "-" else click.open_file(name, "rb")
    with source:
        for number, line in enumerate(source, 1):
            if line.strip():
                answer = await _line(scrubber, line, number, session)
                failed = failed or "error" in answer
                _write(json.dumps(answer) + "\n")
    return 1 if failed else 0


async def _line(scrubber: Scrubber, line: bytes, number: int, session: str) -> dict[str, Any]:
    from localrouter.core.errors import RouterError

    try:
        tree = json.loads(line)
    except ValueError:
        return {"id": None, "error": f"Line {number} is no JSON."}
    if not isinstance(tree, dict) or not isinstance(tree.get("text"), str):
        return {"id": tree.get("id") if isinstance(tree, dict) else None, "error": f'Line {number} needs {{"id", "text"}}.'}
    try:
        made = await scrubber.scrub(tree["text"], session)
    except RouterError as exc:
        return {"id": tree.get("id"), "error": exc.text}
    return {"id": tree.get("id"), "veiled": made.veiled, "findings": [row.json() for row in made.rows]}


def _restored(made: Scrubbed, text: str, encoding: str) -> int:
    from localrouter.daemon.scrubbing import restore

    out, done, unknown = restore(text, made.table)
    _write(out, encoding)
    note = f"{done} tokens restored" + (f"; {unknown} are not of this file, and stand" if unknown else "")
    click.echo(f"{note}.", err=True)
    return 0


def _shown(made: Scrubbed, encoding: str) -> None:
    from localrouter.cli import _show

    if sys.stdout.isatty():
        from rich.text import Text

        out = Text(_show.clean(made.veiled))
        for row in made.rows:
            if row.token:
                out.highlight_words([row.token], INK[row.tier])
        _show.console().print(out, end="" if made.veiled.endswith("\n") else "\n")
    else:
        _write(made.veiled, encoding)
    _summary(made)


def _summary(made: Scrubbed) -> None:
    from localrouter.cli import _show
    from localrouter.core.kinds import kind

    groups: dict[tuple[str, str], int] = {}
    for row in made.rows:
        groups[row.type, row.action] = groups.get((row.type, row.action), 0) + 1
    if not groups:
        click.echo("Nothing private was found. That is no proof: `localrouter demo` shows what is missed.", err=True)
        return
    does = {"pass": "leaves as it is", "veil": "veiled", "seal": "veiled; restored only in code and edits"}
    _show.table(
        ("type", "class", "count", "what happens"),
        ((t, kind(t).data_class, str(n), does[action]) for (t, action), n in sorted(groups.items())),
        right=("count",),
        stderr=True,
    )
    if made.stays:
        click.echo("It holds a private key: a request with this text would stay on this machine.", err=True)


def _check(name: str, text: str, made: Scrubbed) -> None:
    for row in made.rows:
        if row.action != "pass":
            line = text.count("\n", 0, row.start) + 1
            column = row.start - text.rfind("\n", 0, row.start)
            click.echo(f"{name}:{line}:{column}: {row.type} ({row.detector})")


def _diff(name: str, text: str, made: Scrubbed, encoding: str) -> None:
    import difflib

    label = "stdin" if name == "-" else name.lstrip("/")
    lines = difflib.unified_diff(text.splitlines(True), made.veiled.splitlines(True), f"a/{label}", f"b/{label}")
    for line in lines:
        body = line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
        if sys.stdout.isatty():
            from localrouter.cli import _show

            click.secho(_show.clean(body.rstrip("\n")), fg={"+": "green", "-": "red", "@": "cyan"}.get(line[:1]))
        else:
            _write(body, encoding)
