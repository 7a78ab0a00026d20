"""What a user may name to be pulled: a model of the catalogue, a file of a Hugging Face repository, an https URL, a file of this machine."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from localrouter.core.catalogue import LocalModel, ModelPart
from localrouter.engine.gguf_parts import named, number
from localrouter.engine.pins import ModelFault

_REPO = re.compile(
    r"(?:hf:)?(?P<repo>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})/(?P<file>[\w./-]{1,300}\.gguf)(?:@(?P<revision>[\w./-]{1,100}))?"
)
_QUANT = re.compile(
    r"(?:hf:|hf\.co/)?(?P<repo>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}?)(?::(?P<quant>[A-Za-z0-9_]{2,20}))?"
)
_PAGE = re.compile(
    r"/(?P<repo>[\w.-]{1,96}/[\w.-]{1,96})/(?:resolve|blob)/(?P<revision>[\w.-]{1,100})/(?P<file>[\w./-]{1,300}\.gguf)"
)
"""The path of a file's page, or of the file itself, on Hugging Face."""
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ +()-]{0,200}\.gguf", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a file comes from and what it must be. `kind`: hub, url or path. `sha256` and `size` may be unknown ("" and 0); `stated`: who
    says them (catalogue or user). `place`: its path below the models folder. `parts`: what each file of a model in parts must be, where
    somebody says it."""

    kind: str
    place: str
    origin: str
    repo: str = ""
    file: str = ""
    revision: str = "main"
    url: str = ""
    path: Path = Path()
    sha256: str = ""
    size: int = 0
    stated: str = ""
    name: str = ""
    quant: str = ""
    parts: tuple[ModelPart, ...] = ()


def source_of(text: str, catalogue: Mapping[str, LocalModel], sha256: str = "") -> Source:
    """Raises ModelFault."""
    sha256 = sha256.strip().lower().removeprefix("sha256:")
    if sha256 and not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ModelFault("--sha256 takes 64 hexadecimal digits.", "Copy it from the page that states it.")
    source = _source(text.strip(), catalogue)
    if sha256 and source.sha256 and sha256 != source.sha256:
        raise ModelFault(
            f"The catalogue pins {source.name} to another SHA-256 than yours.",
            f"Pull {source.repo}/{source.file} by its own name to use yours.",
        )
    return replace(source, sha256=sha256, stated="user") if sha256 else source


def _source(text: str, catalogue: Mapping[str, LocalModel]) -> Source:
    if text in catalogue:
        return of_model(catalogue[text])
    if "://" in text:
        return _url(text)
    found = Path(text).expanduser()
    if text.startswith(("/", ".", "~")) or found.is_file():
        return Source("path", "", "path", path=Path(os.path.abspath(found)), name=found.name)
    match = _REPO.fullmatch(text)
    if match and ".." not in text:
        return hub_file(match["repo"], match["file"], match["revision"] or "main")
    match = _QUANT.fullmatch(text)
    if match and ".." not in text:
        return Source("hub", "", f"hf:{match['repo']}", repo=match["repo"], name=match["repo"], quant=match["quant"] or "")
    near = difflib.get_close_matches(text, catalogue, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else "`localrouter models search` lists the models that are known."
    raise ModelFault(
        f"{text[:80]!r} is no model of the catalogue, no OWNER/REPO or OWNER/REPO/FILE.gguf, no https URL and no file here.", hint
    )


def of_model(model: LocalModel) -> Source:
    """The catalogue's entry as a source."""
    return Source(
        "hub", f"{model.repo}/{model.file}", f"hf:{model.repo}/{model.file}@{model.revision}", repo=model.repo, file=model.file,
        revision=model.revision, sha256=model.sha256, size=0 if model.parts else model.size,
        stated="catalogue" if model.sha256 or model.parts else "", name=model.name, parts=model.parts,
    )  # fmt: skip


def hub_file(repo: str, file: str, revision: str = "main") -> Source:
    """A file of a repository; of a model in parts the first, whichever is named."""
    file = _first(file.lstrip("/"))
    return Source(
        "hub", f"{repo}/{file}", f"hf:{repo}/{file}@{revision}", repo=repo, file=file, revision=revision, name=Path(file).name
    )


def _url(text: str) -> Source:
    parts = urlsplit(text)
    page = _PAGE.fullmatch(unquote(parts.path)) if parts.netloc in ("huggingface.co", "hf.co") else None
    if page and ".." not in parts.path and "//" not in parts.path:
        # What people copy from the browser; the hub itself also states the hash.
        return hub_file(page["repo"], page["file"], page["revision"])
    loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise ModelFault("A model is fetched over https only.", "Use an https:// URL.")
    if parts.username or parts.password:
        raise ModelFault("The URL holds a password, which would be written down.", "Use one without.")
    name = unquote(parts.path).rsplit("/", 1)[-1]
    if not _SAFE.fullmatch(name):
        raise ModelFault("The URL does not end in the name of a .gguf file.", "Use the file's own address.")
    if number(name) is not None:
        if parts.query:
            raise ModelFault(
                "That file is one part of several, and its URL is good for this part only.",
                "Use one without a query, or OWNER/REPO/FILE.gguf.",
            )
        name, text = _first(name), _first(text)
        parts = urlsplit(text)
    bare = f"{parts.scheme}://{parts.netloc}{parts.path}"  # a query may be a signature, and is nobody's business later
    host = re.sub(r"[^A-Za-z0-9.-]", "_", parts.netloc)
    return Source("url", f"{host}/{name}", bare, url=text, name=name)


def _first(text: str) -> str:
    """A name, path or URL; of a part that of the first part."""
    return text if number(text) is None else named(text, 1)


def parts_of(source: Source) -> list[Source]:
    """The files of a source, the first first; most have one. A hash that was said is that of a model's only file; the catalogue says one for
    each part. Raises ModelFault."""
    found = number(source.file or source.name)
    if found is None or (found[1] == 1 and not source.parts):
        return [source]
    count = found[1]
    if source.sha256 or source.size:
        raise ModelFault(
            f"{source.name} is one of {count} files, and one SHA-256 cannot stand for them.",
            "Pull it without: each part is checked against what the hub states.",
        )

    def turned(text: str, part: int) -> str:
        plain, mark, revision = text.partition(".gguf@")
        plain += ".gguf" if mark else ""
        return (named(plain, part) if number(plain) is not None else plain) + ("@" + revision if mark else "")

    known = {number(part.file): part for part in source.parts}
    out = []
    for part in range(1, count + 1):
        said = known.get((part, count))
        out.append(
            replace(
                source,
                origin=turned(source.origin, part),
                place=turned(source.place, part),
                file=turned(source.file, part),
                url=turned(source.url, part),
                name=Path(said.file).name if said else turned(source.name, part),
                size=said.size if said else 0,
                sha256=said.sha256 if said else "",
                parts=(),
            )
        )
    return out
