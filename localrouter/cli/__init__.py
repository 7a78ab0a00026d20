"""The command line: one file per verb, found in this folder and imported when asked for. No logic of its own.

A file holds `command`, a click command; its name is the verb. Exit codes: EXITS. A reader that leaves (`localrouter traces | head`) is no failure.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys

import click

ORDER = (
    "demo",
    "up",
    "down",
    "restart",
    "status",
    "logs",
    "ask",
    "doctor",
    "keys",
    "models",
    "token",
    "traces",
    "explain",
    "forget",
    "scrub",
    "classify",
    "budget",
    "recipe",
)
"""How help lists the verbs: in the order that a new user needs them; others follow by name."""


EXITS = "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 the daemon is not running, 130 interrupted."


class Verbs(click.Group):
    """The folder is the registry."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
        return sorted(names, key=lambda n: (ORDER.index(n) if n in ORDER else len(ORDER), n))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{__name__}.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as exc:
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f"Did you mean `localrouter {near[0]}`?" if near else "`localrouter --help` lists the verbs."
            raise click.UsageError(f"{exc.message.rstrip('.')}. {hint}", ctx) from None


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from localrouter import __version__

        click.echo(f"localrouter {__version__}")
        ctx.exit()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXITS)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version.")
def cli() -> None:
    """A local-first LLM router: private by construction, exact on money, explainable in plain English.

    `localrouter demo` shows it at work; `localrouter up` starts the daemon for your editors and scripts.
    """


def main(argv: list[str] | None = None) -> int:
    """The entry point. Errors are one sentence of what happened and one of what to do, on stderr."""
    from localrouter.core.errors import RouterError

    out = sys.stdout
    try:
        result = cli.main(argv, prog_name="localrouter", standalone_mode=False)
        sys.stdout.flush()  # a reader that left is found here at the latest, and not when the interpreter ends
        return result if isinstance(result, int) else 0
    except click.exceptions.Abort:
        click.echo("", err=True)
        return 130
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except KeyboardInterrupt:
        return 130
    except (BrokenPipeError, SystemExit) as exc:
        if isinstance(exc, SystemExit) and sys.stdout is out:
            raise
        # The reader left. Click wraps stdout then, and exits with 1. What is still buffered goes nowhere: Python would write it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        return 0
    except RouterError as exc:
        click.echo(f"localrouter: {exc.text}", err=True)
        return {"daemon_down": 3, "config": 2, "start": 2, "paths": 2}.get(exc.code, 1)
