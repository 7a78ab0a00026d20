"""One file over HTTP: in pieces, several at once, and from where it stopped, whatever stopped it.

The bytes lie in `NAME.part`; which of them are there, in `NAME.part.json`. A piece is one request with a Range (RFC 9110 section 14), made by
huggingface_hub's `http_get`, which itself goes on after a broken connection. That library's own `hf_hub_download` throws a part away when
its process ends (2.4: the temporary file has a name for each process), so it cannot serve here. The parts are not believed: who asked for the file
checks its hash.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

CONNECTIONS = 4
PIECE = 64 << 20
CHUNK = 256 << 10
"""Bytes that are lost, and asked for again, when a connection breaks: huggingface_hub hands on whole chunks, of 10 MB by default."""
SAVE_S = 2.0
"""Seconds between two notes of what is there; a killed process fetches at most so much again."""
ATTEMPTS = 4
"""Requests of a piece in a row that bring nothing before it is given up."""

Locate = Callable[[bool], tuple[str, Mapping[str, str]]]
"""Where the file lies now, and the headers to ask with; True: ask anew, the last answer no longer holds (a signed URL ran out)."""


class TransferFault(Exception):
    """It was given up. `kind`: stalled, cut, short, long, refused, disk, ranges. `status`: the host's, when it refused."""

    def __init__(self, kind: str, status: int = 0, retry_after: float = 0.0) -> None:
        super().__init__(kind)
        self.kind, self.status, self.retry_after = kind, status, retry_after


class Stopped(Exception):
    """Another piece failed, or the user left."""


@dataclass(slots=True)
class Transfer:
    """`identity`: what the bytes are (an etag, say); another identity or size starts anew. `progress` gets bytes as they come, and once, at
    the beginning, those that were there already."""

    target: Path
    size: int
    identity: str
    locate: Locate
    progress: Callable[[int], None] = lambda _: None
    connections: int = CONNECTIONS
    piece: int = PIECE
    fetched: int = 0
    """Bytes that came over the network."""
    _done: list[int] = field(default_factory=list)
    _next: int = 0
    _stop: bool = False
    _fault: BaseException | None = None
    _lock: Any = field(default_factory=threading.RLock)
    _saved: float = 0.0

    @property
    def _journal(self) -> Path:
        return self.target.with_name(self.target.name + ".json")

    @property
    def present(self) -> int:
        return sum(self._done)

    def resume(self) -> int:
        """Look at what is there from before; bytes. To be called before `run`."""
        pieces = -(-self.size // self.piece)
        self._done = [0] * pieces
        try:
            tree = json.loads(self._journal.read_text())
            done = tree["done"]
            if (
                (tree["identity"], tree["size"], tree["piece"]) == (self.identity, self.size, self.piece)
                and self.target.stat().st_size == self.size
                and len(done) == pieces
                and all(isinstance(d, int) and 0 <= d <= self._length(n) for n, d in enumerate(done))
            ):
                self._done = done
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return self.present

    def _length(self, number: int) -> int:
        return min(self.piece, self.size - number * self.piece)

    def run(self) -> None:
        """Fetch what lacks. Raises TransferFault; what came stays for the next time, also after a KeyboardInterrupt."""
        import huggingface_hub.constants as hub

        hub.DOWNLOAD_CHUNK_SIZE = CHUNK
        if not self._done:
            self.resume()
        try:
            if not self.present:
                with self.target.open("wb") as file:
                    file.truncate(self.size)
            self.progress(self.present)
            threads = [threading.Thread(target=self._work, daemon=True) for _ in range(min(self.connections, len(self._done)))]
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.1)
        except OSError as exc:
            raise _of(exc) from None
        finally:
            self._stop = True
            if self.target.exists():
                self._save()
        if self._fault is not None:
            raise self._fault

    def _work(self) -> None:
        try:
            while (number := self._take()) is not None:
                self._piece(number)
        except Stopped:
            pass
        except BaseException as exc:
            with self._lock:
                self._stop = True
                self._fault = self._fault or exc

    def _take(self) -> int | None:
        with self._lock:
            while not self._stop and self._next < len(self._done):
                self._next += 1
                if self._done[self._next - 1] < self._length(self._next - 1):
                    return self._next - 1
        return None

    def _piece(self, number: int) -> None:
        from huggingface_hub.file_download import http_get

        failed = 0
        anew = False
        while self._done[number] < self._length(number):
            before = self._done[number]
            start = number * self.piece + before
            try:
                url, headers = self.locate(anew)
                anew = False
                with self.target.open("r+b") as file:
                    file.seek(start)
                    http_get(
                        url,
                        cast(BinaryIO, _Sink(self, number, file)),
                        headers={**headers, "Range": f"bytes={start}-{number * self.piece + self._length(number) - 1}"},
                        expected_size=self._length(number) - before,
                        displayed_filename="model",
                        tqdm_class=cast(Any, _Silent),
                    )
            except (Stopped, TransferFault):
                raise
            except Exception as exc:
                fault = _of(exc)
                if fault.kind in ("disk", "stalled", "ranges") or (
                    fault.kind == "refused" and fault.status in (401, 404, 410, 416, 429)
                ):
                    raise fault from None
                # What came since counts as progress: a host that cuts after each megabyte is slow, not broken.
                failed = 1 if self._done[number] > before else failed + 1
                if failed >= ATTEMPTS:
                    raise fault from None
                anew = fault.kind == "refused"
                self._pause(failed)

    def _pause(self, failed: int) -> None:
        end = time.monotonic() + 0.5 * 2**failed
        while time.monotonic() < end:
            if self._stop:
                raise Stopped
            time.sleep(0.05)

    def wrote(self, number: int, size: int) -> None:
        """Called by the sink; the bytes are in the file."""
        with self._lock:
            self._done[number] += size
            self.fetched += size
            self.progress(size)
            if time.monotonic() - self._saved > SAVE_S:
                self._save()

    def _save(self) -> None:
        with self._lock:
            self._saved = time.monotonic()
            try:
                # The bytes before the note that they are there: a machine that loses power must not believe in holes.
                handle = os.open(self.target, os.O_RDWR)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
                tree = {"identity": self.identity, "size": self.size, "piece": self.piece, "done": self._done}
                note = self._journal.with_name(self._journal.name + ".new")
                note.write_text(json.dumps(tree))
                note.replace(self._journal)
            except OSError as exc:
                self._stop = True
                self._fault = self._fault or _of(exc)

    def discard(self) -> None:
        """Forget what is there."""
        for file in (self.target, self._journal):
            file.unlink(missing_ok=True)

    def finish(self, path: Path) -> None:
        """Move the whole file to its place, in one step."""
        self.target.replace(path)
        self._journal.unlink(missing_ok=True)


class _Sink:
    """A piece of the file, as http_get writes it: it counts, it stops when it should, and it takes no byte more than the piece has."""

    def __init__(self, transfer: Transfer, number: int, file: BinaryIO) -> None:
        self._transfer, self._number, self._file = transfer, number, file
        self._left = transfer._length(number) - transfer._done[number]

    def write(self, data: bytes) -> int:
        if self._transfer._stop:
            raise Stopped
        if len(data) > self._left:
            raise TransferFault("long")
        self._file.write(data)
        self._file.flush()
        self._left -= len(data)
        self._transfer.wrote(self._number, len(data))
        return len(data)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        self._file.flush()


class _Silent:
    """In place of huggingface_hub's own progress bar."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, _: float = 1) -> None:
        pass


def _of(exc: BaseException) -> TransferFault:
    """What an exception of the client means. By name: the client is httpx in older huggingface_hub and httpx2 in newer ones."""
    if isinstance(exc, TransferFault):
        return exc
    names = {c.__name__ for c in type(exc).__mro__}
    response = getattr(exc, "response", None)
    if response is not None and (status := getattr(response, "status_code", 0)) >= 400:
        wait = response.headers.get("retry-after", "")
        return TransferFault("refused", int(status), float(wait) if wait.isdigit() else 0.0)
    if "TimeoutException" in names:
        return TransferFault("stalled")
    if isinstance(exc, OSError):
        # huggingface_hub raises an OSError without a number when a host sent less than it said.
        return TransferFault("short" if exc.errno is None else "disk" if exc.errno in _FULL else "file")
    return TransferFault("cut")


_FULL = (28, 122)
"""ENOSPC and EDQUOT."""
