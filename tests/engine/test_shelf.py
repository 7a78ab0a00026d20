"""The models that are here already: each program's folder as that program lays it out, and what must not be followed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
import tiny_header

from localrouter.config.paths import Paths
from localrouter.core.catalogue import LocalModel
from localrouter.engine import shelf as module
from localrouter.engine.shelf import Shelved, at_path, models_folder, places, shelf

CATALOGUE = {"tiny": LocalModel("tiny", "someone/Tiny-GGUF", "tiny.gguf", "tiny", "mit", ("chat",))}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_header.write(tmp_path_factory.mktemp("model") / "m.gguf", "qwen3")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path / "config", tmp_path / "state")
    paths.ensure()
    return paths


def put(model: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model, target)
    return target


def ollama(root: Path, model: Path, *parts: str, digest: str = "") -> Path:
    digest = digest or hashlib.sha256(model.read_bytes()).hexdigest()
    blob = put(model, root / "blobs" / f"sha256-{digest}")
    manifest = root.joinpath("manifests", *parts)
    manifest.parent.mkdir(parents=True, exist_ok=True)
    layers = [{"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:" + "0" * 64},
              {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}", "size": blob.stat().st_size}]  # fmt: skip
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))
    return blob


def here(paths: Paths, home: Path, **environ: str) -> dict[str, Shelved]:
    found = [p for p in places(paths, environ, home) if not p.folder.is_relative_to("/usr")]
    return {s.name: s for s in shelf(paths, CATALOGUE, found)}


def test_each_place(tmp_path: Path, paths: Paths, model: Path) -> None:
    home = tmp_path / "home"
    ours = put(model, models_folder(paths) / "someone" / "Tiny-GGUF" / "tiny.gguf")
    put(model, models_folder(paths) / "other" / "Repo" / "x.gguf")
    put(model, models_folder(paths) / "other" / "Repo" / "half.gguf.part")
    put(model, home / ".lmstudio" / "models" / "pub" / "Repo" / "lm.gguf")
    put(model, home / ".cache" / "llama.cpp" / "ggml-org_x_y.gguf")
    blob = ollama(home / ".ollama" / "models", model, "registry.ollama.ai", "library", "qwen3", "0.6b")
    ollama(home / ".ollama" / "models", model, "hf.co", "someone", "M", "Q4_0", digest="1" * 64)
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    repo = home / ".cache" / "huggingface" / "hub" / "models--Qwen--Some--Repo"
    put(model, repo / "blobs" / digest)
    (repo / "snapshots" / "abc" / "sub").mkdir(parents=True)
    (repo / "snapshots" / "abc" / "sub" / "h.gguf").symlink_to("../../../blobs/" + digest)
    found = here(paths, home)
    assert set(found) == {
        "tiny", "other/Repo/x.gguf", "lmstudio:pub/Repo/lm.gguf", "llama.cpp:ggml-org_x_y.gguf", "ollama:qwen3:0.6b",
        "ollama:hf.co/someone/M:Q4_0", "hf:Qwen/Some--Repo/sub/h.gguf",
    }  # fmt: skip
    assert found["tiny"].path == ours and found["tiny"].place == "ours" and found["tiny"].usable
    facts = found["tiny"].facts
    assert (facts.name, facts.architecture, facts.quantisation, facts.context, facts.licence) == (
        "Tiny qwen3",
        "qwen3",
        "F32",
        512,
        "apache-2.0",
    )
    assert facts.template and facts.fim and facts.parameters > 10_000 and facts.memory > module.BUFFERS
    assert found["ollama:qwen3:0.6b"].path == blob and found["ollama:qwen3:0.6b"].sha256 == digest
    assert found["hf:Qwen/Some--Repo/sub/h.gguf"].sha256 == digest


def test_their_own_variables(tmp_path: Path, paths: Paths, model: Path) -> None:
    ollama(tmp_path / "o", model, "registry.ollama.ai", "library", "a", "latest")
    put(model, tmp_path / "l" / "b.gguf")
    put(model, tmp_path / "h" / "hub" / "models--a--b" / "snapshots" / "c" / "d.gguf")
    found = here(
        paths, tmp_path / "none", OLLAMA_MODELS=str(tmp_path / "o"), LLAMA_CACHE=str(tmp_path / "l"), HF_HOME=str(tmp_path / "h")
    )
    assert set(found) == {"ollama:a:latest", "llama.cpp:b.gguf", "hf:a/b/d.gguf"}


def test_links_lead_nowhere_else(tmp_path: Path, paths: Paths, model: Path) -> None:
    outside = put(model, tmp_path / "outside" / "secret.gguf")
    folder = models_folder(paths)
    folder.mkdir(mode=0o700)
    (folder / "out.gguf").symlink_to(outside)
    (folder / "zero.gguf").symlink_to("/dev/zero")
    (folder / "loop.gguf").symlink_to("loop.gguf")
    (folder / "gone.gguf").symlink_to("nothing")
    (folder / "folder").symlink_to(outside.parent)
    (folder / "dir.gguf").mkdir()
    os.mkfifo(folder / "pipe.gguf")
    put(model, folder / "good.gguf")
    (folder / "again.gguf").symlink_to("good.gguf")
    os.link(folder / "good.gguf", folder / "hard.gguf")
    assert set(here(paths, tmp_path / "none")) == {"again.gguf"}, "one file is one model, by whatever name comes first"


def test_what_is_no_model_is_listed_with_its_fault(tmp_path: Path, paths: Paths, model: Path) -> None:
    folder = models_folder(paths)
    put(model, folder / "big-00002-of-00003.gguf")
    (folder / "page.gguf").write_bytes(b"<html>")
    (folder / "cut.gguf").write_bytes(model.read_bytes()[:5000])
    import gguf

    writer = gguf.GGUFWriter(str(folder / "mmproj.gguf"), "clip")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = here(paths, tmp_path / "none")
    assert not any(s.usable for s in found.values())
    assert "one part of several, and not the first" in found["big-00002-of-00003.gguf"].facts.fault
    assert "not a GGUF model" in found["page.gguf"].facts.fault and "not a GGUF model" in found["cut.gguf"].facts.fault
    assert "picture reader" in found["mmproj.gguf"].facts.fault


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"layers": 3}',
        '{"layers": [{}]}',
        '{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../x"}]}',
    ],
)
def test_damaged_manifests(tmp_path: Path, paths: Paths, text: str) -> None:
    manifest = tmp_path / "home" / ".ollama" / "models" / "manifests" / "registry.ollama.ai" / "library" / "m" / "t"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(text)
    assert here(paths, tmp_path / "home") == {}


def test_a_place_that_cannot_be_walked_for_ever(
    tmp_path: Path, paths: Paths, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = models_folder(paths)
    for n in range(30):
        put(model, folder / f"m{n:02}.gguf")
    put(model, folder.joinpath(*"abcdefgh", "deep.gguf"))
    monkeypatch.setattr(module, "ENTRIES", 20)
    assert len(here(paths, tmp_path / "none")) < 20
    monkeypatch.setattr(module, "ENTRIES", 5000)
    assert len(here(paths, tmp_path / "none")) == 30, "nothing of eight folders below"


def test_headers_are_read_once(tmp_path: Path, paths: Paths, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = put(model, models_folder(paths) / "a.gguf")
    read: list[Path] = []
    real = module.read_model
    monkeypatch.setattr(module, "read_model", lambda p: (read.append(p), real(p))[1])
    first = here(paths, tmp_path / "none")
    assert here(paths, tmp_path / "none") == first and read == [file]
    file.write_bytes(file.read_bytes() + bytes(1))
    here(paths, tmp_path / "none")
    assert read == [file, file], "a file that changed is read again"
    (paths.state / "models.shelf").write_text('{"x": 1')
    here(paths, tmp_path / "none")
    (paths.state / "models.shelf").write_text(json.dumps({str(file): {"mark": 1}}))
    assert here(paths, tmp_path / "none") != {}


def test_by_path(tmp_path: Path, model: Path) -> None:
    found = at_path(model)
    assert found.usable and found.place == "path" and found.path == model and found.size == model.stat().st_size
    assert not at_path(tmp_path / "no.gguf").usable
