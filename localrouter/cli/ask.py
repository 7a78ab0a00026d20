"""`localrouter ask`: one question from the command line, through the daemon like any client's."""

from __future__ import annotations

import sys
from typing import Any

import click


@click.command()
@click.argument("words", nargs=-1)
@click.option(
    "--model",
    "-m",
    default="localrouter/auto",
    show_default=True,
    help="A model of `GET /v1/models`; auto leaves it to the recipe.",
)
@click.option("--system", "-s", help="A system prompt.")
@click.option("--json", "as_json", is_flag=True, help="The whole answer and its headers as JSON.")
def command(words: tuple[str, ...], model: str, system: str | None, as_json: bool) -> int:
    """Ask one question. WORDS and what stands on stdin (when it is not a terminal) are sent together."""
    from localrouter.cli import _show
    from localrouter.core.errors import BadRequest
    from localrouter.daemon.client import Client

    parts = [" ".join(words)] if words else []
    if not sys.stdin.isatty():
        piped = sys.stdin.read()
        if piped.strip():
            parts.append(piped)
    if not parts:
        raise BadRequest("There is no question.", 'Write it: localrouter ask "What does EINTR mean?"')
    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": "\n\n".join(parts)})
    body: dict[str, Any] = {"model": model, "messages": messages, "stream": not as_json}
    client = Client(timeout=960)
    headers, chunks = client.chat(body)
    if as_json:
        _show.emit_json({"headers": headers, "answer": next(iter(chunks))})
        return 0
    last = ""
    for chunk in chunks:
        for choice in chunk.get("choices", ()):
            text = choice.get("delta", {}).get("content") or ""
            if text:
                last = text
                click.echo(_show.clean(text), nl=False)
    if not last.endswith("\n"):
        click.echo()
    lane, name, id_ = (headers.get(f"x-localrouter-{k}", "") for k in ("lane", "model", "id"))
    click.echo(f"[{lane}: {name}. Why, what left, what it cost: localrouter explain {id_}]", err=True)
    return 0
