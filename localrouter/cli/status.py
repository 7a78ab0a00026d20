"""`localrouter status`: what runs, where, and how it is."""

from __future__ import annotations

import click

from localrouter.cli._options import json_option


@click.command()
@json_option
def command(as_json: bool) -> int:
    """Show the daemon: address, recipe, privacy scan, local model."""
    from localrouter.cli import _show
    from localrouter.daemon.client import Client

    client = Client(timeout=10)
    tree = client.get("status") | {"address": client.at.base}
    if as_json:
        _show.emit_json(tree)
        return 0
    scan = tree["inspector"]
    local = tree["local"]
    rows = [
        ("address", f"{client.at.base}/v1"),
        ("daemon", f"version {tree['version']}, pid {tree['pid']}, up {tree['uptime_s']:.0f} s, {tree['in_flight']} in flight"),
        ("recipe", tree["recipe"]),
        (
            "privacy scan",
            (f"ready, {len(scan['detectors'])} detectors" if scan["alive"] else scan["why"] or "not running")
            + f", {scan['unsure']} unsure",
        ),
        ("local model", "ready" if local["available"] else local["why_not"]),
    ]
    repeats = tree["repeats"]
    if any(repeats.values()):
        rows.append(
            (
                "repeats",
                f"{repeats['joined']} read a running answer, {repeats['spared']} got the error at once; no host was asked",
            )
        )
    rows += [("pausing", name) for name in tree["cooling"]]
    rows += [
        ("refused", f"{name} ({status}): check it with `localrouter keys test {name}`")
        for name, status in tree["refused"].items()
    ]
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        click.echo(f"{name:<{width}}  {_show.clean(str(text))}")
    return 0
