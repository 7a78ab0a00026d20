"""`localrouter models`: the local models: which are here, which can be had, and which one is used."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from localrouter.cli._options import json_option

if TYPE_CHECKING:
    from pathlib import Path

    from localrouter.cli._models import Here
    from localrouter.engine.hub import Hub
    from localrouter.engine.pull import Pulled
    from localrouter.engine.sources import Source


@click.group()
def command() -> None:
    """List, find, pull, check, use and remove local models.

    Models of Ollama, LM Studio, llama.cpp and the Hugging Face cache are found and used where they lie.
    """


@command.command(name="list")
@json_option
def list_(as_json: bool) -> int:
    """Show the models that are on this machine."""
    from localrouter.cli import _models, _show

    now = _models.here()
    if as_json:
        left = [{"name": u.name, "size": u.size, "source": u.source} for u in now.unfinished]
        _show.emit_json({"models": [_models.tree(m, now) for m in now.models], "unfinished": left})
        return 0
    if not now.models:
        click.echo("There is no model on this machine. `localrouter models search` lists those that can be pulled.")
        click.echo(_models.suggestion(now))
        _models.tell_unfinished(now)
        return 0
    _show.table(
        ("", "model", "parameters", "type", "context", "size", "is in"),
        (
            (
                "*" if now.uses(m) else "",
                m.name,
                _models.count(m.facts.parameters) if m.usable else "-",
                m.facts.quantisation or "-",
                str(m.facts.context or "-"),
                _models.gb(m.size),
                m.place if m.usable else f"{m.place}; cannot be used",
            )
            for m in now.models
        ),
        right=("parameters", "context", "size"),
        drop=("context", "parameters", "type"),
    )
    if any(now.uses(m) for m in now.models):
        click.echo("* is used by the local lane.")
    elif now.in_use is not None:
        click.echo(_show.clean(f"The local lane uses {now.in_use}."))
    _models.tell_unfinished(now)
    for m in now.models:
        if not m.usable:
            click.echo(_show.clean(f"{m.name}: {m.facts.fault}"), err=True)
    return 0


@command.command()
@click.argument("words", nargs=-1)
@json_option
def search(words: tuple[str, ...], as_json: bool) -> int:
    """Show the catalogue's models, all or those that match WORDS (a name, a role such as fim, a size class, a language, a licence)."""
    from dataclasses import asdict

    from localrouter.cli import _models, _show

    now = _models.here()
    present = {m.name for m in now.models}
    found = [
        m
        for m in now.catalogue.values()
        if all(
            w.lower() in f"{m.name} {m.title} {m.repo}".lower()
            or w.lower() in (m.size_class, m.licence, m.family, *m.roles, *m.languages)
            for w in words
        )
    ]
    if as_json:
        _show.emit_json({"models": [{**asdict(m), "here": m.name in present} for m in found]})
        return 0
    if not found:
        click.echo("The catalogue has no such model. Any file can be pulled: `localrouter models pull OWNER/REPO/FILE.gguf`.")
        return 1
    _show.table(
        ("model", "class", "parameters", "for", "licence", "size", "memory", "here"),
        (
            (
                m.name,
                m.size_class,
                m.parameters or "-",
                ", ".join([*m.roles, *(["tools"] if m.tools else []), *(["reasoning"] if m.reasoning else [])]),
                m.licence,
                _models.gb(m.size) if m.size else "-",
                f"{m.ram_gb:g} GB" if m.ram_gb else "-",
                "yes" if m.name in present else "",
            )
            for m in found
        ),
        right=("size", "memory"),
        cut=("for",),
        drop=("class", "parameters"),
    )
    click.echo(
        f"{_models.gb(_models.room())} of memory are free here. memory: what a model takes with a context of 8 192 tokens."
    )
    if not words:
        click.echo(_models.suggestion(now))
    return 0


@command.command()
@click.argument("name")
@click.option("--sha256", default="", metavar="HEX", help="What the file must be; wrong ones are set aside.")
@click.option("--use", "then_use", is_flag=True, help="Use it when it is here.")
@click.option("--send-token", is_flag=True, help="Send HF_TOKEN to the mirror of HF_ENDPOINT too, if it asks for one.")
@json_option
def pull(name: str, sha256: str, then_use: bool, send_token: bool, as_json: bool) -> int:
    """Fetch a model: a NAME of the catalogue, OWNER/REPO/FILE.gguf or OWNER/REPO[:TYPE] of Hugging Face, or an https URL. A path of this
    machine is only pinned.

    An interrupted pull goes on where it stopped. HF_ENDPOINT names a mirror; HF_TOKEN opens gated models.
    """
    from localrouter.cli import _models, _show
    from localrouter.engine.sources import source_of

    now = _models.here()
    source = source_of(name, now.catalogue, sha256)
    if source.kind == "path":
        done = _pin(now, source)
    else:
        from localrouter.engine.hub import Hub

        hub = Hub(send_token=send_token)
        source = hub.chosen(source)
        done = _fetch(now, source, name, hub)
    if as_json:
        _show.emit_json({"path": str(done.path), "sha256": done.sha256, "size": done.size, "stated_by": done.stated, "fetched": done.fetched,
                         "resumed": done.resumed, "files": done.files})  # fmt: skip
    else:
        click.echo(_show.clean(_models.said(source.name, done)))
        if source.name in now.catalogue:
            click.echo(f"Its licence: {now.catalogue[source.name].licence}.")
    if then_use:
        text, _ = _use(now, done.path)
        click.echo(_show.clean(text), err=as_json)
        return 0
    if not as_json and source.kind != "path":
        click.echo(f"Use it with `localrouter models use {source.name if source.name in now.catalogue else source.place}`.")
    return 0


def _fetch(now: Here, source: Source, name: str, hub: Hub) -> Pulled:
    from localrouter.cli import _models
    from localrouter.engine.pull import pull as fetch
    from localrouter.engine.shelf import models_folder

    try:
        with _models.watching(source.name) as watch:
            return fetch(source, models_folder(now.paths), now.pins, hub, watch)
    except KeyboardInterrupt:
        click.echo(f"\nInterrupted. What came is kept: `localrouter models pull {name}` goes on where it stopped.", err=True)
        raise


def _pin(now: Here, source: Source) -> Pulled:
    """A file that stays where it is: its hash is checked and noted; of a model in parts that of each."""
    from localrouter.cli import _models
    from localrouter.engine.gguf_parts import parts
    from localrouter.engine.pins import ModelFault
    from localrouter.engine.pull import Pulled
    from localrouter.engine.shelf import at_path

    model = at_path(source.path)
    if not model.usable:
        raise ModelFault(model.facts.fault, "Choose another file.")
    files = parts(source.path)
    if source.sha256 and len(files) > 1:
        raise ModelFault(f"{source.name} is one of {len(files)} files, and one SHA-256 cannot stand for them.", "Pin it without.")
    stated = source.stated or "seen"
    with _models.watching("checking") as watch:
        watch.total(model.size)
        hashes = [now.pins.sha256(file, watch.bytes, anew=True) for file in files]
    if source.sha256 and hashes[0] != source.sha256:
        raise ModelFault(
            f"{source.name} has the SHA-256 {hashes[0]}, which is not yours.", "Do not use it; fetch it again from its source."
        )
    for file, found in zip(files, hashes, strict=True):
        now.pins.put(file, found, file.stat().st_size, "path", stated)
    return Pulled(source.path, hashes[0], model.size, stated, 0, model.size, len(files))


@command.command()
@click.argument("name", required=False)
@click.option("--none", is_flag=True, help="Use no local model.")
@json_option
def use(name: str | None, none: bool, as_json: bool) -> int:
    """Make NAME (a model of `list`, or a path) the model of the local lane."""
    from localrouter.cli import _models, _show
    from localrouter.core.errors import BadRequest

    if none == (name is not None):
        raise BadRequest("Say which model.", "`localrouter models use NAME`, or --none.")
    now = _models.here()
    path = None if name is None else now.named(name).path
    text, in_force = _tell(now, None) if path is None else _use(now, path)
    if as_json:
        _show.emit_json({"model": None if path is None else str(path), "in_force": in_force})
    else:
        click.echo(_show.clean(text))
    return 0


def _use(now: Here, path: Path) -> tuple[str, bool]:
    from localrouter.cli import _models, _show
    from localrouter.engine.gguf_parts import size_of
    from localrouter.engine.pins import admit
    from localrouter.engine.shelf import facts_of

    with _models.watching("checking") as watch:
        watch.total(size_of(path))
        admit(path, now.pins, watch.bytes)
    facts = facts_of(path)
    if facts.memory > _models.room():
        click.echo(_show.clean(f"{path.name} {_models.fit(facts.memory)}. It is set, and may not load."), err=True)
    if not facts.template:
        click.echo(_show.clean(f"{path.name} has no chat template: it completes text, and chats badly."), err=True)
    return _tell(now, path)


def _tell(now: Here, path: Path | None) -> tuple[str, bool]:
    """Write config.toml; (what the daemon makes of it in words, whether it is in force already)."""
    from localrouter.cli._detached import running
    from localrouter.config.edit import set_local_model

    file = set_local_model(now.paths, path)
    client = running(now.paths)
    text = f"The local lane uses {path.name}." if path is not None else "The local lane has no model now."
    if client is None:
        return f"{text} Written to {file}; the next start uses it.", False
    if "local" in client.at.overrides:
        return f"{text} The running daemon was started with --local, which goes first until it is started without.", False
    if client.post("reload").get("local") == (str(path) if path is not None else ""):
        return f"{text} In force.", True
    return f"{text} `localrouter restart` brings it into force.", False


@command.command()
@click.argument("name")
@json_option
def info(name: str, as_json: bool) -> int:
    """Say what a model is and whether it fits this machine: one that is here, or one of the catalogue."""
    from dataclasses import asdict

    from localrouter.cli import _models, _show
    from localrouter.engine.shelf import choose

    now = _models.here()
    model = choose(now.models, name)
    entry = now.catalogue.get(name)
    if model is None and entry is not None:
        if as_json:
            _show.emit_json({**asdict(entry), "here": False, "free": _models.room()})
            return 0
        rows = [
            ("model", f"{entry.title or name}, {entry.parameters}"),
            ("file", f"{entry.repo}/{entry.file}" + (f" and {len(entry.parts) - 1} more parts" if entry.parts else "")),
            ("size", _models.gb(entry.size) if entry.size else "not known before it is pulled"),
            ("pinned", _models.pinned(entry)),
            ("licence", entry.licence),
            ("for", ", ".join(entry.roles)),
            ("context", f"{entry.context} tokens" if entry.context else "-"),
            ("languages", "over a hundred" if "*" in entry.languages else ", ".join(entry.languages) or "-"),
            ("memory", _models.fit(round(entry.ram_gb * 1e9)) if entry.ram_gb else "-"),
            ("here", f"no; `localrouter models pull {name}`"),
        ]
    else:
        model = model or now.named(name)
        if as_json:
            _show.emit_json({**_models.tree(model, now), "here": True, "free": _models.room()})
            return 0 if model.usable else 1
        rows = _models.rows(model, now)
    width = max(len(k) for k, _ in rows)
    for key, value in rows:
        click.echo(f"{key:<{width}}  {_show.clean(value)}")
    return 0 if model is None or model.usable else 1


@command.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Also when the local lane uses it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def rm(name: str, force: bool, yes: bool, as_json: bool) -> int:
    """Remove a model that was pulled. Files of other programs are theirs to remove."""
    from localrouter.cli import _models, _show
    from localrouter.core.errors import BadRequest
    from localrouter.engine.gguf_parts import parts
    from localrouter.engine.shelf import LEFT

    now = _models.here()
    left = next((u for u in now.unfinished if name in (u.name, u.source)), None)
    if left is not None and not any(m.name == left.name for m in now.models):
        for file in left.files:
            file.unlink(missing_ok=True)
        if as_json:
            _show.emit_json({"removed": left.name, "size": left.size})
        else:
            click.echo(_show.clean(f"What was here of {left.name} is removed: {_models.gb(left.size)}."))
        return 0
    model = now.named(name)
    if model.place != "ours":
        raise BadRequest(f"{model.path} was not pulled by localrouter.", "Remove it with the program that it belongs to.")
    if now.uses(model) and not force:
        raise BadRequest(f"The local lane uses {model.name}.", "Choose another with `localrouter models use`, or add --force.")
    if not yes and not as_json and sys.stdin.isatty() and not click.confirm(f"Remove {model.name} ({_models.gb(model.size)})?"):
        click.echo("Nothing was changed.")
        return 1
    for file in reversed(parts(model.path)):  # the first goes last: without it the others are not found
        file.unlink(missing_ok=True)
        for end in LEFT:
            file.with_name(file.name + end).unlink(missing_ok=True)
        now.pins.drop(file)
    if as_json:
        _show.emit_json({"removed": str(model.path), "size": model.size})
    else:
        click.echo(_show.clean(f"{model.name} is removed: {_models.gb(model.size)}."))
    if now.uses(model):
        click.echo("The local lane has no model until you choose another.", err=True)
    return 0


@command.command()
@click.argument("names", nargs=-1)
@json_option
def verify(names: tuple[str, ...], as_json: bool) -> int:
    """Read the files again and compare them with what they were pinned to be; all that were pulled, or NAMES. Exit code 1: one is wrong."""
    from localrouter.cli import _models, _show

    now = _models.here()
    chosen = [now.named(n) for n in names] or [m for m in now.models if m.place == "ours" or now.pins.of(m.path)]
    results = [_models.verified(m, now) for m in chosen]
    if as_json:
        _show.emit_json({"models": results})
    else:
        for row in results:
            click.echo(_show.clean(f"{row['state']:<8} {row['name']}{': ' + row['why'] if row['why'] else ''}"))
        if not results:
            click.echo("No model was pulled yet.")
    return 1 if any(r["state"] == "wrong" for r in results) else 0
