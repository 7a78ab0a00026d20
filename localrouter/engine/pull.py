"""`localrouter models pull`: a model's file or files from where they lie into the models folder, whole and right or not at all.

A file becomes a model when its hash is right and its header is sound, and then in one step; until then it is called `.part`, and one
that was wrong `.wrong`. Two pulls of one file wait for each other; one that was interrupted goes on. Runs in the CLI's process.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from localrouter.config.paths import private_dir
from localrouter.engine.file_lock import locked
from localrouter.engine.gguf_checks import sound_header
from localrouter.engine.gguf_header import BadHeader, read_header
from localrouter.engine.gguf_parts import check_part, number
from localrouter.engine.hub import Hub, Remote, Watch
from localrouter.engine.pins import ModelFault, Pins, digest
from localrouter.engine.sources import Source, parts_of
from localrouter.engine.transfer import CONNECTIONS, PIECE, Transfer, TransferFault

MARGIN = 256 << 20
"""Bytes of disk that are left free beside the file."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model that is here and right, by its first file. `sha256`: of that file; `size`: of all; `fetched`: bytes that came over the network
    this time; `resumed`: bytes that were here before; `files`: how many it has."""

    path: Path
    sha256: str
    size: int
    stated: str
    fetched: int
    resumed: int
    files: int = 1


def pull(
    source: Source,
    folder: Path,
    pins: Pins,
    hub: Hub,
    watch: Watch | None = None,
    *,
    connections: int = CONNECTIONS,
    piece: int = PIECE,
) -> Pulled:
    """Have the model in the models folder, whole and right. Two pulls of one file wait for each other; one that was interrupted goes on.
    Of a model in parts each is fetched and checked by itself, and then whether they belong together. Raises ModelFault."""
    watch = watch or Watch()
    sources = parts_of(source)
    if len(sources) == 1:
        return _one(source, folder, pins, hub, watch, connections, piece)
    _room_for(sources, folder, pins, hub, watch)
    done = []
    for at, part in enumerate(sources, 1):
        watch.note(f"Part {at} of {len(sources)}: {part.name}")
        done.append(_one(part, folder, pins, hub, watch, connections, piece))
    try:
        sound_header(done[0].path)
    except BadHeader as exc:
        raise ModelFault(str(exc), "Pull it again; if it stays so, choose another conversion.") from None
    first = done[0]
    stated = "seen" if any(d.stated == "seen" for d in done) else first.stated
    return Pulled(
        first.path,
        first.sha256,
        sum(d.size for d in done),
        stated,
        sum(d.fetched for d in done),
        sum(d.resumed for d in done),
        len(done),
    )


def _room_for(sources: list[Source], folder: Path, pins: Pins, hub: Hub, watch: Watch) -> None:
    """Whether the disk holds all parts that are not here, and whether the host offers what each must be: before the first byte of any.
    Raises ModelFault."""
    needed = 0
    for source in sources:
        target = folder.joinpath(*source.place.split("/"))
        pin = pins.of(target)
        if pin is None or pin.origin != source.origin or not target.is_file():
            remote = hub.remote(source, watch)
            _wanted(source, remote, pins)
            part = target.with_name(target.name + ".part")
            there = target if target.is_file() else part
            here = there.stat().st_blocks * 512 if there.is_file() and hasattr(os.stat_result, "st_blocks") else 0
            needed += max(0, remote.size - here)
    private_dir(folder)
    _room(folder, needed)


def _one(source: Source, folder: Path, pins: Pins, hub: Hub, watch: Watch, connections: int, piece: int) -> Pulled:
    target = folder.joinpath(*source.place.split("/"))
    private_dir(folder)
    for parent in reversed(target.parents):
        if folder in parent.parents:
            private_dir(parent)
    with locked(
        target.with_name(f".{target.name}.lock"), lambda: watch.note("Another pull of this file is under way; waiting for it.")
    ):
        try:
            return _present(source, target, pins, watch) or _fetch(source, target, pins, hub, watch, connections, piece)
        except OSError as exc:
            raise ModelFault(
                f"The models folder {folder} cannot be written ({exc.strerror}).", "Check its disk and its permissions."
            ) from None


def _present(source: Source, target: Path, pins: Pins, watch: Watch) -> Pulled | None:
    """The file when it is here already and what it should be."""
    pin = pins.of(target)
    if not target.is_file() or pin is None or (source.sha256 and pin.sha256 != source.sha256) or pin.origin != source.origin:
        return None
    size = target.stat().st_size
    watch.stage("hash")
    watch.total(size)
    if pins.sha256(target, watch.bytes) != pin.sha256:
        watch.note("The file that is here has changed; it is fetched again.")
        return None
    return Pulled(target, pin.sha256, size, pin.stated, 0, size)


def _fetch(source: Source, target: Path, pins: Pins, hub: Hub, watch: Watch, connections: int, piece: int) -> Pulled:
    remote = hub.remote(source, watch)
    wanted, stated = _wanted(source, remote, pins)
    if wanted and target.is_file() and target.stat().st_size == remote.size:
        # Put there by hand, or its pin was lost: it is read, which is sooner done than fetched.
        watch.stage("hash")
        watch.total(remote.size)
        if pins.sha256(target, watch.bytes, anew=True) == wanted:
            target.chmod(0o600)
            pins.put(target, wanted, remote.size, source.origin, stated)
            return Pulled(target, wanted, remote.size, stated, 0, remote.size)
    part = target.with_name(target.name + ".part")

    def locate(anew: bool) -> tuple[str, Mapping[str, str]]:
        nonlocal remote
        if anew:
            again = hub.remote(source, watch)
            if (again.etag, again.size) != (remote.etag, remote.size):
                raise TransferFault("changed")
            remote = again
        return remote.url, hub.headers(remote)

    transfer = Transfer(part, remote.size, f"{source.origin} {remote.etag}", locate, watch.bytes, connections, piece)
    resumed = transfer.resume()
    _room(target.parent, remote.size - resumed)
    watch.total(remote.size)
    try:
        try:
            transfer.run()
        except TransferFault as exc:
            if exc.kind != "ranges":
                raise
            watch.note("The host sends whole files only, so this one cannot be resumed.")
            transfer.discard()
            resumed = 0
            transfer = Transfer(part, remote.size, f"{source.origin} {remote.etag}", locate, watch.bytes, 1, remote.size)
            transfer.run()
    except TransferFault as exc:
        raise _transfer_fault(exc, transfer, hub.host if not source.url else urlsplit(source.url).netloc) from None
    sha256 = _right(transfer, target, wanted, watch)
    transfer.finish(target)
    target.with_name(target.name + ".wrong").unlink(missing_ok=True)  # of an earlier pull
    target.chmod(0o600)
    pins.put(target, sha256, remote.size, source.origin, stated)
    return Pulled(target, sha256, remote.size, stated, transfer.fetched, resumed)


def _wanted(source: Source, remote: Remote, pins: Pins) -> tuple[str, str]:
    """The hash that the file must have, and who says so. What the hub states is checked against it before a byte is fetched."""
    known = pins.of_origin(source.origin)
    wanted, stated = (
        (source.sha256, source.stated) if source.sha256 else (known.sha256, known.stated) if known else (remote.sha256, "hub")
    )
    if remote.sha256 and remote.sha256 != wanted:
        who = "An earlier pull" if not source.sha256 else "Your --sha256" if stated == "user" else "The catalogue"
        one = number(source.file or source.name) is None  # a hash that is said stands for a model's only file
        raise ModelFault(
            f"{who} pins {source.name} to SHA-256 {wanted[:12]}..., and the hub offers {remote.sha256[:12]}...: the file was replaced there.",
            f"If you trust the new one, pull it by its own name: localrouter models pull {source.repo}/{source.file}"
            + (f" --sha256 {remote.sha256}" if one else ""),
        )
    if source.size and remote.size != source.size and not remote.sha256:
        raise ModelFault(
            f"{source.name} has {remote.size} bytes there, and the catalogue says {source.size}.", "Try another mirror."
        )
    return wanted, stated if wanted else "seen"


def _right(transfer: Transfer, target: Path, wanted: str, watch: Watch) -> str:
    """Hash and header of what came; a wrong file is set aside. Returns the hash."""
    watch.stage("hash")
    watch.total(transfer.size)
    found = digest(transfer.target, watch.bytes)
    why = f"its SHA-256 is {found[:12]}... and must be {wanted[:12]}..." if wanted and found != wanted else ""
    if not why:
        try:
            if (part := number(target.name)) is not None and part[1] > 1:
                # The others may not be here yet; the whole is looked at when they are.
                check_part(read_header(transfer.target), target, part[0] - 1, part[1])
            else:
                sound_header(transfer.target)
            return found
        except BadHeader as exc:
            why = str(exc).partition(": ")[2].rstrip(".") or "it is not a GGUF model"
    aside = target.with_name(target.name + ".wrong")
    transfer.finish(aside)
    raise ModelFault(
        f"What was downloaded is not {target.name}: {why}. It was set aside as {aside.name}.",
        "Pull it again; if it stays so, do not trust the source.",
    )


def _room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    lacks = needed + MARGIN - free
    if lacks > 0:
        raise ModelFault(
            f"There is not enough room in {folder}: {needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free, "
            f"{max(lacks / 1e9, 0.1):.1f} GB are missing.",
            "Free some, or point LOCALROUTER_HOME to another disk.",
        )


def _transfer_fault(exc: TransferFault, transfer: Transfer, host: str) -> ModelFault:
    kept = f" {transfer.present / 1e6:.0f} of {transfer.size / 1e6:.0f} MB are here." if transfer.present else ""
    again = "Run the same command again; it goes on where it stopped."
    match exc.kind:
        case "stalled":
            return ModelFault(f"{host} stopped sending.{kept}", again)
        case "short":
            return ModelFault(f"{host} sends less than it said.{kept}", again)
        case "long":
            return ModelFault(f"{host} sends more than it said, so it was stopped.{kept}", "Try another mirror.")
        case "disk":
            return ModelFault(f"The disk is full.{kept}", f"Free {(transfer.size - transfer.present) / 1e9:.1f} GB. {again}")
        case "changed":
            return ModelFault(f"The file was replaced on {host} while it was fetched.", "Run the same command again.")
        case "refused":
            later = f" It asks to wait {exc.retry_after:.0f} seconds." if exc.retry_after else ""
            return ModelFault(f"{host} refused to go on (status {exc.status}).{later}{kept}", again)
    return ModelFault(f"The connection to {host} broke.{kept}", again)
