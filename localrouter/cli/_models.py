"""What the verbs of `localrouter models` share: what is here, what is in use, how sizes are written, and the bar of a pull."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from localrouter.config.paths import Paths
from localrouter.core.catalogue import LocalModel
from localrouter.core.errors import BadRequest
from localrouter.engine.hub import Watch
from localrouter.engine.pins import Pins
from localrouter.engine.pull import Pulled
from localrouter.engine.shelf import CONTEXT, Shelved, Unfinished, choose, models_folder, shelf, unfinished

LINE_S = 5.0
"""Seconds between two lines of progress where there is no terminal for a bar."""


@dataclass(frozen=True, slots=True)
class Here:
    """The state folder's models, the catalogue's, and the file that config.toml names."""

    paths: Paths
    pins: Pins
    catalogue: dict[str, LocalModel]
    models: list[Shelved]
    in_use: Path | None
    unfinished: list[Unfinished]

    def stated(self, file: Path) -> str:
        """What the catalogue says that a file of our own folder is, in hex, or ""."""
        root = models_folder(self.paths)
        for model in self.catalogue.values():
            for name, sha256 in [(model.file, model.sha256), *((p.file, p.sha256) for p in model.parts)]:
                if sha256 and file == root / model.repo / name:
                    return sha256
        return ""

    def uses(self, model: Shelved) -> bool:
        return self.in_use is not None and os.path.realpath(self.in_use) == os.path.realpath(model.path)

    def named(self, text: str) -> Shelved:
        """Raises BadRequest."""
        found = choose(self.models, text)
        if found is not None:
            return found
        if text in self.catalogue:
            raise BadRequest(f"The model {text} is not on this machine yet.", f"Run `localrouter models pull {text}`.")
        import difflib

        near = difflib.get_close_matches(text, [m.name for m in self.models] + list(self.catalogue), n=1, cutoff=0.4)
        raise BadRequest(
            f"There is no model {text[:80]!r} here.",
            f"Did you mean {near[0]}?" if near else "`localrouter models list` shows them.",
        )


def here() -> Here:
    """Raises ConfigFault, PathFault."""
    from localrouter.config.catalogue import load_catalogue
    from localrouter.config.settings import load_settings

    paths = Paths.default()
    paths.ensure()
    settings = load_settings(paths)
    catalogue = load_catalogue(extra=settings.catalogue_extra()).local
    return Here(paths, Pins(paths), catalogue, shelf(paths, catalogue), settings.local.model, unfinished(paths, catalogue))


def gb(size: float) -> str:
    """`2.7 GB`, `533 MB`: decimal, as disks and hubs count."""
    return f"{size / 1e9:.1f} GB" if size >= 0.95e9 else f"{size / 1e6:.0f} MB"


def count(number: int) -> str:
    """`4.0B`, `135M` parameters."""
    return f"{number / 1e9:.1f}B" if number >= 0.95e9 else f"{number / 1e6:.0f}M" if number >= 1e6 else str(number)


def room() -> int:
    """Bytes of memory that can be had now without swapping, within the limits of a container."""
    from localrouter.engine.machine import available

    return available()


def suggestion(now: Here) -> str:
    """What to begin with on this machine, in a sentence."""
    from localrouter.engine.machine import machine
    from localrouter.engine.suggest import suggested

    have = machine()
    found = suggested(now.catalogue.values(), have.total)
    if found is None:
        return f"No chat model of the catalogue leaves room on a machine with {gb(have.total)} of memory."
    what = f"{found.title or found.name}, {gb(found.size)} to fetch, licence {found.licence}"
    return f"For this machine, with {gb(have.total)} of memory: `localrouter models pull {found.name} --use` ({what})."


def fit(memory: int) -> str:
    """Whether it can run here, in words."""
    free = room()
    need = f"needs about {gb(memory)} with a context of {CONTEXT:,} tokens".replace(",", " ")
    if memory <= free:
        return f"{need}; {gb(free)} are free"
    return f"{need}; {gb(free)} are free, so {gb(memory - free)} are missing"


def tree(model: Shelved, now: Here) -> dict[str, Any]:
    """A model for --json."""
    pin = now.pins.of(model.path)
    return asdict(model.facts) | {
        "name": model.name, "title": model.facts.name, "path": str(model.path), "place": model.place, "size": model.size,
        "usable": model.usable, "in_use": now.uses(model), "sha256": pin.sha256 if pin else model.sha256, "pinned_by": pin.stated if pin else "",
    }  # fmt: skip


def tell_unfinished(now: Here) -> None:
    """What pulls left, a line each."""
    from localrouter.cli import _show

    for left in now.unfinished:
        goes_on = f"is here in part: `localrouter models pull {left.source}` goes on"
        what = goes_on if left.source else "was wrong and is set aside"
        click.echo(_show.clean(f"{left.name} {what}; `localrouter models rm {left.name}` frees {gb(left.size)}."))


@contextmanager
def watching(name: str) -> Iterator[Watch]:
    """A bar on a terminal; lines now and then elsewhere. Both on stderr, so that stdout is for the result."""
    if sys.stderr.isatty():
        with _bar(name) as watch:
            yield watch
    else:
        yield _lines(name)


@contextmanager
def _bar(name: str) -> Iterator[Watch]:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from localrouter.cli import _show

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_show.console(stderr=True)) as progress:
        task = progress.add_task(_show.clean(name), total=None)

        def stage(what: str) -> None:
            progress.reset(task, total=None, description="checking" if what == "hash" else what)

        yield Watch(
            total=lambda size: progress.update(task, total=size),
            bytes=lambda size: progress.advance(task, size),
            stage=stage,
            note=lambda text: progress.console.print(_show.clean(text)),
        )


def _lines(name: str) -> Watch:
    state: dict[str, Any] = {"total": 0, "done": 0, "said": time.monotonic(), "what": name}

    def total(size: int) -> None:
        state.update(total=size, done=0)

    def more(size: int) -> None:
        state["done"] += size
        now = time.monotonic()
        if now - state["said"] > LINE_S or state["done"] == state["total"]:
            state["said"] = now
            percent = 100 * state["done"] // max(state["total"], 1)
            click.echo(f"{state['what']}: {percent} % of {gb(state['total'])}", err=True)

    return Watch(
        total=total,
        bytes=more,
        stage=lambda what: state.update(what="checking" if what == "hash" else what),
        note=lambda text: click.echo(text, err=True),
    )


def said(name: str, done: Pulled) -> str:
    """What a pull did, in two lines."""
    who = {
        "catalogue": "as the catalogue pins it",
        "user": "as you said",
        "hub": "as the hub states it",
        "seen": "which nobody states; it is pinned from now on",
    }[done.stated]
    what = f"{gb(done.fetched)} fetched" if done.fetched else "nothing had to be fetched"
    before = f", {gb(done.resumed)} were here" if done.fetched and done.resumed else ""
    if done.files > 1:
        return f"{name} is here: {done.files} files, {gb(done.size)}, {what}{before}. Each has its SHA-256, {who}.\n{done.path}"
    return f"{name} is here: {gb(done.size)}, {what}{before}. SHA-256 {done.sha256[:16]}..., {who}.\n{done.path}"


def pinned(entry: LocalModel) -> str:
    """Who vouches for a model of the catalogue before it is here."""
    if entry.parts:
        return f"SHA-256 of each of {len(entry.parts)} files, by the catalogue"
    return f"SHA-256 {entry.sha256[:16]}..., by the catalogue" if entry.sha256 else "no: the first pull pins what the hub states"


def rows(model: Shelved, now: Here) -> list[tuple[str, str]]:
    """What a file is, line by line."""
    facts, pin = model.facts, now.pins.of(model.path)
    out = [("model", facts.name or model.name), ("path", str(model.path)), ("is in", model.place), ("size", gb(model.size))]
    if not model.usable:
        return [*out, ("fault", facts.fault)]
    speaks = "has a chat template" if facts.template else "has no chat template"
    return [
        *out,
        (
            "architecture",
            f"{facts.architecture}, {count(facts.parameters)} parameters, {facts.layers} layers, {facts.vocabulary} tokens",
        ),
        ("type", facts.quantisation),
        ("context", f"{facts.context} tokens"),
        ("chat", speaks + (", and tokens to fill in the middle" if facts.fim else "")),
        ("licence", facts.licence or "-"),
        ("pinned", f"SHA-256 {pin.sha256}, by {pin.stated}" if pin else "no"),
        ("memory", fit(facts.memory)),
        ("in use", "yes" if now.uses(model) else "no"),
    ]


def verified(model: Shelved, now: Here) -> dict[str, Any]:
    """Read a model's files again; `state` is right, wrong, or unknown where nothing is pinned and the catalogue does not say either. The
    hashes are those of the first file, or of the one that is wrong."""
    from localrouter.engine.gguf_checks import sound_header
    from localrouter.engine.gguf_header import BadHeader
    from localrouter.engine.gguf_parts import parts

    row: dict[str, Any] = {"name": model.name, "path": str(model.path), "sha256": "", "wanted": "", "state": "right", "why": ""}
    pins, files = now.pins.all(), parts(model.path)
    unknown = []
    try:
        sound_header(model.path)
        with watching(model.name) as watch:
            watch.total(model.size)
            for file in files:
                pin = pins.get(os.path.realpath(file))
                wanted = pin.sha256 if pin else (model.sha256 if file == model.path else "") or now.stated(file)
                found = now.pins.sha256(file, watch.bytes, anew=True)
                if wanted and found != wanted:
                    which = f"that of {file.name}" if len(files) > 1 else "its SHA-256"
                    why = f"{which} is {found[:12]}... and must be {wanted[:12]}..."
                    return row | {"sha256": found, "wanted": wanted, "state": "wrong", "why": why}
                if not wanted:
                    unknown.append(found)
                if file == model.path:
                    row |= {"sha256": found, "wanted": wanted}
    except (BadHeader, OSError) as exc:
        return row | {"state": "wrong", "why": str(exc)}
    if unknown:
        why = f"its SHA-256 is {row['sha256']}" if len(files) == 1 else f"{len(unknown)} of its {len(files)} files have no pin"
        return row | {"state": "unknown", "why": f"nothing is pinned; {why}" if len(files) == 1 else why}
    return row
