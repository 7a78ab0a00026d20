"""Which model files this machine has: our own folder, and those of Ollama, LM Studio, the Hugging Face cache and llama.cpp, used where they
lie, without a copy.

Every file is read by the bounded header reader, and nothing else of it. Folders are walked within limits; a link counts only when it leads to
a regular file inside the same place. What was read is remembered by size, time and inode (`models.shelf` in the state folder).
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from localrouter.config.paths import Paths, private_file
from localrouter.core.catalogue import LocalModel
from localrouter.engine.gguf_header import BadHeader
from localrouter.engine.gguf_parts import number, parts, read_model, size_of

DEPTH, ENTRIES = 6, 5000
"""How deep a place is walked, and how many names are looked at in it."""
MANIFEST = 1 << 20
"""Bytes of an Ollama manifest that are read."""
CONTEXT = 8192
"""Tokens for which the memory of a model is told."""
BUFFERS = 500_000_000
"""Bytes for llama.cpp's compute buffers and our own process."""
LEFT = (".part", ".part.json", ".wrong")
"""Ends of the names of what a pull leaves beside a model's file (pull.py)."""
_SHA = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a header says, as far as a list shows it. `memory`: bytes with a cache of CONTEXT tokens. `fault`: why it cannot be loaded."""

    name: str = ""
    architecture: str = ""
    parameters: int = 0
    quantisation: str = ""
    context: int = 0
    layers: int = 0
    vocabulary: int = 0
    licence: str = ""
    template: bool = False
    fim: bool = False
    memory: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Shelved:
    """A model: a file, or several that were split, by the first of them. `name`: how it is called here; `place`: ours, ollama, lmstudio,
    huggingface, llama.cpp or path; `size`: bytes of all its files. `sha256`: what the place says that the (first) file is, "" when it does
    not."""

    name: str
    path: Path
    place: str
    size: int
    facts: Facts
    sha256: str = ""

    @property
    def usable(self) -> bool:
        """A language model that is whole."""
        return not self.facts.fault


def models_folder(paths: Paths) -> Path:
    """Where pulled files go."""
    return paths.state / "models"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of models and how to read it."""

    kind: str
    folder: Path
    files: Callable[[Path], Iterator[tuple[str, Path, str]]]
    """Yields (name, file, the SHA-256 that the place states or "")."""


def places(paths: Paths, environ: Mapping[str, str] | None = None, home: Path | None = None) -> list[Place]:
    """Ours first. Each program's folder is where its own documentation puts it, with its own variable."""
    environ = os.environ if environ is None else environ
    home = home or Path.home()
    cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")

    def at(variable: str, default: Path) -> Path:
        return Path(environ[variable]).expanduser() if environ.get(variable) else default

    hub = at("HF_HUB_CACHE", at("HF_HOME", cache / "huggingface") / "hub")
    return [
        Place("ours", models_folder(paths), lambda f: _plain(f, "")),
        # https://docs.ollama.com/faq: OLLAMA_MODELS; the Linux service keeps its own
        Place("ollama", at("OLLAMA_MODELS", home / ".ollama" / "models"), _ollama),
        Place("ollama", Path("/usr/share/ollama/.ollama/models"), _ollama),
        # https://lmstudio.ai/docs/app/advanced/import-model; the second is that of older versions
        Place("lmstudio", home / ".lmstudio" / "models", lambda f: _plain(f, "lmstudio:")),
        Place("lmstudio", cache / "lm-studio" / "models", lambda f: _plain(f, "lmstudio:")),
        # https://huggingface.co/docs/huggingface_hub/guides/manage-cache
        Place("huggingface", hub, _hugging_face),
        # llama.cpp's fs_get_cache_directory: LLAMA_CACHE, else the platform's cache
        Place("llama.cpp", at("LLAMA_CACHE", cache / "llama.cpp"), lambda f: _plain(f, "llama.cpp:")),
        Place("llama.cpp", home / "Library" / "Caches" / "llama.cpp", lambda f: _plain(f, "llama.cpp:")),
    ]


def shelf(paths: Paths, catalogue: Mapping[str, LocalModel], where: list[Place] | None = None) -> list[Shelved]:
    """All models here, each file once, ours first."""
    memory = _Memory(paths)
    known = {f"{m.repo}/{m.file}": name for name, m in catalogue.items()}
    out: dict[tuple[int, int], Shelved] = {}
    names: set[str] = set()
    for place in where if where is not None else places(paths):
        for name, file, sha256 in _safely(place):
            info = _regular(file, place.folder)
            if info is None or (info.st_dev, info.st_ino) in out:
                continue
            if any(os.path.lexists(part) and _regular(part, place.folder) is None for part in parts(file)[1:]):
                continue
            name = known.get(name, name) if place.kind == "ours" else name
            if name in names:
                continue
            names.add(name)
            size = size_of(file)
            out[info.st_dev, info.st_ino] = Shelved(name, file, place.kind, size, memory.facts(file, info, size), sha256)
    memory.save()
    return list(out.values())


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What a pull left that was interrupted, or whose file was wrong. `name`: as the model would be called; `files`: all of it; `size`: bytes
    that they take on the disk; `source`: what to name to a pull that goes on, "" when none can: the file was wrong."""

    name: str
    files: tuple[Path, ...]
    size: int
    source: str


def unfinished(paths: Paths, catalogue: Mapping[str, LocalModel]) -> list[Unfinished]:
    """In our own folder, by model."""
    root = models_folder(paths)
    known = {f"{m.repo}/{m.file}": name for name, m in catalogue.items()}
    found: dict[Path, list[Path]] = {}
    left = ENTRIES
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            left -= 1
            if left < 0:
                break
            for end in LEFT:
                if name.endswith(".gguf" + end):
                    target = parts(Path(folder) / name.removesuffix(end))[0]
                    found.setdefault(target, []).append(Path(folder) / name)
    out = []
    for target, files in sorted(found.items()):
        place = target.relative_to(root).as_posix()
        name = known.get(place, place)
        origin = next((text for file in files if (text := _origin(file))), "")
        source = name if origin and name in catalogue else origin.removeprefix("hf:").removesuffix("@main")
        out.append(Unfinished(name, tuple(files), sum(map(_on_disk, files)), source))
    return out


def _origin(journal: Path) -> str:
    """Where the bytes of an interrupted pull come from, as its journal has it (transfer.py: `identity` is the origin and the etag)."""
    if not journal.name.endswith(".json"):
        return ""
    try:
        return str(json.loads(journal.read_text(encoding="utf-8"))["identity"]).partition(" ")[0]
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _on_disk(file: Path) -> int:
    """Bytes that it takes: a part is as long as the whole file from the beginning, with holes."""
    try:
        info = file.stat()
    except OSError:
        return 0
    return min(info.st_size, info.st_blocks * 512) if hasattr(info, "st_blocks") else info.st_size


def choose(found: list[Shelved], text: str) -> Shelved | None:
    """By its name, its path, or the end of its name when that is one model's only."""
    if text.startswith(("/", ".", "~")):
        path = Path(os.path.abspath(Path(text).expanduser()))
        return next((s for s in found if os.path.realpath(s.path) == os.path.realpath(path)), None) or at_path(path)
    exact = [s for s in found if s.name == text]
    ends = [s for s in found if s.name.endswith(("/" + text, ":" + text)) or s.path.name == text or s.path.stem == text]
    return exact[0] if exact else ends[0] if len(ends) == 1 else None


def at_path(path: Path) -> Shelved:
    """A file by its path. What is wrong with it is in its facts."""
    path = Path(os.path.abspath(path.expanduser()))
    return Shelved(path.name, path, "path", size_of(path), facts_of(path))


def facts_of(path: Path) -> Facts:
    """Read a header for a list."""
    try:
        h = read_model(path)
    except BadHeader as exc:
        return Facts(fault=str(exc))
    fault = "It is the picture reader of another model." if h.architecture == "clip" else ""
    if h.layers == 0 and not fault:
        fault = "It is no language model."
    return Facts(
        name=h.name[:120], architecture=h.architecture[:40], parameters=h.parameters, quantisation=h.quantisation, context=h.context,
        layers=h.layers, vocabulary=h.vocabulary, licence=h.licence[:80], template=bool(h.template), fim={"prefix", "suffix"} <= set(h.fim),
        memory=h.tensor_bytes + h.kv_bytes(min(CONTEXT, h.context or CONTEXT)) + BUFFERS, fault=fault,
    )  # fmt: skip


class _Memory:
    """Facts by path, as long as the file is the same."""

    def __init__(self, paths: Paths) -> None:
        self._file = paths.state / "models.shelf"
        self._old: dict[str, Any] = {}
        self._new: dict[str, Any] = {}
        try:
            tree = json.loads(self._file.read_text(encoding="utf-8"))
            self._old = tree if isinstance(tree, dict) else {}
        except (OSError, ValueError):
            pass

    def facts(self, path: Path, info: os.stat_result, size: int) -> Facts:
        mark = [size, info.st_mtime_ns, info.st_ino]
        entry = self._old.get(str(path))
        try:
            facts = Facts(**entry["facts"]) if entry and entry["mark"] == mark else facts_of(path)
        except (KeyError, TypeError):
            facts = facts_of(path)
        self._new[str(path)] = {"mark": mark, "facts": asdict(facts)}
        # The name is in the path and not in the file, so it is not part of what is remembered.
        return replace(facts)

    def save(self) -> None:
        if self._new != self._old and self._file.parent.is_dir():
            try:
                private_file(self._file, json.dumps(self._new, ensure_ascii=False).encode())
            except OSError:
                pass  # only a memory of work


def _safely(place: Place) -> Iterator[tuple[str, Path, str]]:
    """A place that cannot be read is an empty one."""
    try:
        yield from place.files(place.folder)
    except OSError:
        return


def _regular(file: Path, root: Path) -> os.stat_result | None:
    """The status of a regular file that really lies inside the root."""
    try:
        real = Path(os.path.realpath(file))
        info = real.stat()
        inside = real.is_relative_to(os.path.realpath(root))
    except OSError:
        return None
    return info if inside and stat.S_ISREG(info.st_mode) else None


def _walk(folder: Path) -> Iterator[Path]:
    """Names below a folder that end in .gguf, in order; links to folders are not followed."""
    left = ENTRIES
    stack = [(folder, 0)]
    while stack:
        current, depth = stack.pop()
        with os.scandir(current) as entries:
            found = sorted(entries, key=lambda e: e.name)
        for entry in found:
            left -= 1
            if left < 0:
                return
            if entry.is_dir(follow_symlinks=False):
                if depth < DEPTH and not entry.name.startswith("."):
                    stack.append((Path(entry.path), depth + 1))
            elif entry.name.lower().endswith(".gguf") and not entry.name.startswith(".") and not _follows(Path(entry.path)):
                yield Path(entry.path)


def _plain(folder: Path, prefix: str) -> Iterator[tuple[str, Path, str]]:
    for file in _walk(folder):
        yield prefix + file.relative_to(folder).as_posix(), file, ""


def _follows(file: Path) -> bool:
    """Whether a file is a part of a model whose first part lies beside it."""
    found = number(file.name)
    return found is not None and found[0] > 1 and parts(file)[0].is_file()


def _hugging_face(folder: Path) -> Iterator[tuple[str, Path, str]]:
    """`models--OWNER--NAME/snapshots/COMMIT/FILE`, a link to `blobs/SHA256`."""
    for file in _walk(folder):
        parts = file.relative_to(folder).parts
        if len(parts) >= 4 and parts[0].startswith("models--") and parts[1] == "snapshots":
            blob = Path(os.path.realpath(file)).name
            repo = "/".join(parts[0].removeprefix("models--").split("--", 1))
            yield f"hf:{repo}/{'/'.join(parts[3:])}", file, blob if _SHA.fullmatch(blob) else ""


def _ollama(folder: Path) -> Iterator[tuple[str, Path, str]]:
    """`manifests/HOST/OWNER/MODEL/TAG`, JSON whose layer of the model's media type names a blob by its SHA-256."""
    left = ENTRIES
    for root, folders, files in os.walk(folder / "manifests"):
        folders.sort()
        for file in sorted(files):
            left -= 1
            if left < 0:
                return
            parts = (Path(root) / file).relative_to(folder / "manifests").parts
            digest = _layer(Path(root) / file) if len(parts) == 4 else ""
            if digest:
                host, owner, model, tag = parts
                short = (
                    f"{model}:{tag}" if (host, owner) == ("registry.ollama.ai", "library") else f"{'/'.join(parts[:-1])}:{tag}"
                )
                yield f"ollama:{short}", folder / "blobs" / f"sha256-{digest}", digest


def _layer(manifest: Path) -> str:
    """The digest of the model's layer, or ""."""
    try:
        if not stat.S_ISREG(manifest.stat().st_mode):
            return ""
        with manifest.open("rb") as file:
            tree = json.loads(file.read(MANIFEST))
        for layer in tree["layers"]:
            if layer["mediaType"] == "application/vnd.ollama.image.model":
                digest = str(layer["digest"]).removeprefix("sha256:")
                return digest if _SHA.fullmatch(digest) else ""
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return ""
