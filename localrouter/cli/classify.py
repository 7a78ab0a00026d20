"""`localrouter classify`: what would be said of a request before it is routed. A pipe; no daemon is needed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import IO, Any

import click

from localrouter.cli._options import json_option


@click.command(short_help="Say what kind of request this is.")
@click.argument("file", default="-", type=click.Path(), metavar="[FILE|-]")
@click.option(
    "--jsonl",
    is_flag=True,
    help='Each line of the input is {"id", "prompt"} or a chat request; each line of the output is its answer.',
)
@json_option
def command(file: str, jsonl: bool, as_json: bool) -> int:
    """Say what kind of request this is: task, domain, risk, difficulty, injection, language.

    FILE is a prompt or a request body (JSON); without it, or with -, stdin is read. The probabilities are scores of rules. With --jsonl, a
    line that cannot be read is answered with an error, the others go on, and the exit code is 1. Nothing is sent anywhere.
    """
    if jsonl and as_json:
        raise click.UsageError("Use one of --json and --jsonl.")
    if jsonl:
        return _lines(file)
    from localrouter.classify import classify
    from localrouter.core.errors import RouterError
    from localrouter.daemon import classifying

    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as exc:
        raise click.ClickException(f"{file} cannot be read ({exc.strerror}).") from None
    try:
        tree = classifying.shown(classify(classifying.file(raw)))
    except RouterError as exc:
        raise click.ClickException(exc.text) from None
    if as_json:
        click.echo(json.dumps(tree, indent=2, ensure_ascii=False))
    else:
        _table(tree)
    return 0


def _lines(name: str) -> int:
    """One line in, one line out, in order, as they come."""
    from localrouter.daemon.classifying import answer

    failed = False
    try:
        source: IO[bytes] = sys.stdin.buffer if name == "-" else click.open_file(name, "rb")
        for number, line in enumerate(source, 1):
            if line.strip():
                said = answer(line, number)
                failed = failed or "error" in said
                click.echo(json.dumps(said, ensure_ascii=False).encode("utf-8", "replace"))
    except OSError as exc:
        raise click.ClickException(f"{name} cannot be read ({exc.strerror}).") from None
    return 1 if failed else 0


_ROWS = ("task", "domain", "risk", "language", "interaction")


def _table(tree: dict[str, Any]) -> None:
    for name in _ROWS:
        shares = sorted(tree["probabilities"][name].items(), key=lambda item: -item[1])
        others = ", ".join(f"{word} {share:.2f}" for word, share in shares[:4] if share >= 0.01)
        click.echo(f"{name:<12} {tree[name] or 'unknown':<12} {others}".rstrip())
    click.echo(f"{'difficulty':<12} {tree['difficulty']:<12.2f} that a small local model is not enough")
    click.echo(f"{'injection':<12} {tree['injection']:<12.2f} that it wants the model to leave its instructions")
    click.echo(f"By {tree['method']}, in {tree['ms']:.2f} ms. The shares are scores of rules.")
