"""Without a sound encoder there is no scan: the inspector says why, nothing leaves, and a repaired file is enough to go on."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import pytest

from localrouter.core.ask import Leaf
from localrouter.core.errors import PrivacyUnsure
from localrouter.daemon import doctor
from localrouter.daemon.children import ChildRefused
from localrouter.daemon.inspecting import Inspection
from localrouter.inspector import __main__ as inspector
from localrouter.inspector.line import Line
from localrouter.scrub import detectors, version

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(str(resources.files("localrouter") / "models" / "encoder.gguf"))
real = pytest.mark.skipif(not FILE.is_file(), reason="the encoder's file is not built")
LEAF = Leaf(("x",), "please ask Maria Kowalska in Berlin", "user", "content")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package that children import; its encoder's file is to be spoilt."""
    shutil.copytree(ROOT / "localrouter", tmp_path / "localrouter", ignore=shutil.ignore_patterns("__pycache__", "embedder.gguf"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "localrouter" / "models" / "encoder.gguf"


def spoil(file: Path, how: str) -> None:
    data = bytearray(file.read_bytes())
    if how == "missing":
        file.unlink()
        return
    if how == "truncated":
        del data[len(data) // 2 :]
    elif how == "zeroed":  # the frame is whole, the weights are not
        data[len(data) // 4 :] = bytes(len(data) - len(data) // 4)
    elif how == "another format":
        at = data.index(b'{"format": 1')
        data[at : at + 12] = b'{"format": 9'
    file.write_bytes(data)


@real
@pytest.mark.parametrize("how", ["missing", "truncated", "zeroed", "another format"])
@pytest.mark.anyio
async def test_it_says_why_and_nothing_is_scanned(site: Path, how: str) -> None:
    spoil(site, how)
    own = Inspection(b"k" * 32, {}, {})
    try:
        with pytest.raises(ChildRefused, match=r"encoder\.gguf"):
            await own.start()
        with pytest.raises(PrivacyUnsure) as caught:
            await own.inspect([LEAF])
        assert caught.value.code == "privacy.unsure"
        assert "encoder.gguf" in caught.value.text and "Nothing was sent" in caught.value.text, caught.value.text
        assert "Kowalska" not in caught.value.text and "doctor" in caught.value.do
        state = own.state()
        assert "encoder.gguf" in state["why"] and state["unsure"] == 1 and not state["alive"] and not state["quarantined"]
        shutil.copy(FILE, site)
        assert {LEAF.text[f.start : f.end] for f in (await own.inspect([LEAF]))[0]} >= {"Maria Kowalska", "Berlin"}
        assert own.state()["why"] == ""
    finally:
        await own.stop()


@real
@pytest.mark.anyio
async def test_doctor_says_it_too(site: Path) -> None:
    sound = doctor._scan()
    assert sound.ok is True
    site.unlink()
    check = doctor._scan()
    assert check.ok is False and "encoder.gguf is missing" in check.detail and check.do


@real
@pytest.mark.anyio
async def test_a_refused_setting_is_told_in_its_own_words() -> None:
    own = Inspection(b"k" * 32, {}, {"spacy": "xx_core_web_lg"})
    try:
        await own.start()
        with pytest.raises(PrivacyUnsure, match="xx_core_web_lg is not installed"):
            await own.inspect([LEAF])
    finally:
        await own.stop()


@pytest.mark.anyio
async def test_other_weights_are_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "encoder.gguf"
    seen = []
    monkeypatch.setattr(version, "WEIGHTS", file)
    for data in (None, b"one", b"two"):
        if data is not None:
            file.write_bytes(data)
        seen.append(version.installed())
    assert len(set(seen)) == 3


@real
def test_a_long_text_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    detectors.on_progress(lambda: told.append(1))
    try:
        detectors.find("The committee met in the town hall and spoke about the harvest. " * 60)
    finally:
        detectors.on_progress(lambda: None)
    assert len(told) >= 3, "one for each pass"
    said: list[dict[str, object]] = []
    clock = iter([0.0, 0.5, 2.5, 2.5, 3.0, 5.0, 5.0, 5.0])
    monkeypatch.setattr(inspector, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    scans = inspector._Scans(Line(), said.append)

    def slow(job: dict[str, object]) -> dict[str, object]:
        for _ in range(4):
            scans._progress()
        return {"id": job["id"]}

    monkeypatch.setattr(inspector, "_inspect", slow)
    try:
        scans.do({"op": "inspect", "id": 7})
    finally:
        detectors.on_progress(lambda: None)
    assert said == [{"id": 7, "busy": True}] * 2 + [{"id": 7, "end": True}]
