"""`localrouter doctor`: check each part, say what is wrong and what to do. Works with the daemon down."""

from __future__ import annotations

import click

from localrouter.cli._options import json_option


@click.command(short_help="Check each part, and say what to do about faults.")
@click.option(
    "--probe", is_flag=True, help="Also ask each host that has a key for its list of models. Nobody is asked otherwise."
)
@json_option
def command(probe: bool, as_json: bool) -> int:
    """Check the installation, the configuration, the keyring, the models and the daemon."""
    from localrouter.cli import _show
    from localrouter.daemon.doctor import examine

    checks = examine(probe=probe)
    bad = any(c.ok is False for c in checks)
    if as_json:
        _show.emit_json({"ok": not bad, "checks": [{"name": c.name, "ok": c.ok, "detail": c.detail, "do": c.do} for c in checks]})
        return 1 if bad else 0
    marks = {True: ("ok  ", "green"), False: ("FAIL", "red"), None: ("note", "yellow")}
    out = _show.console()
    for check in checks:
        from rich.text import Text

        mark, colour = marks[check.ok]
        line = Text(f"{mark}  ", style=colour)
        line.append(_show.clean(f"{check.name}: {check.detail}" + (f" {check.do}" if check.do else "")), style="default")
        out.print(line)
    return 1 if bad else 0
