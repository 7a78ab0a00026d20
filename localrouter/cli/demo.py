"""`localrouter demo`: the product at work on a dozen real prompts, in a temporary home."""

from __future__ import annotations

from pathlib import Path

import click

from localrouter.cli._options import json_option


@click.command(short_help="See it at work on a dozen developer prompts.")
@click.option(
    "--host", default="rehearsal", show_default=True, help="The simulated host, or a real one (openai ...) with your own key."
)
@click.option(
    "--local",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.gguf",
    help="Let this local model answer the easy prompts.",
)
@click.option("--only", multiple=True, metavar="NAME", help="Only this sample (may be repeated).")
@json_option
def command(host: str, local: Path | None, only: tuple[str, ...], as_json: bool) -> int:
    """Run the real daemon on a dozen developer prompts and show what happened to each."""
    from localrouter.daemon import demo

    return demo.main(as_json=as_json, host=host, local=local, only=only)
