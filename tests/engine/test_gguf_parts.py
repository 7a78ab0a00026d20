"""Models in several files: read as one, refused when a part lacks or is another's, loaded, found, and pulled part by part."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from types import SimpleNamespace

import gguf
import pytest
import tiny_chat
from engine_process import Engine
from hub_stand_in import HubStandIn

from localrouter.config.paths import Paths
from localrouter.core.catalogue import LocalModel, ModelPart
from localrouter.engine import pull as pulling
from localrouter.engine import transfer
from localrouter.engine.gguf_checks import sound_header
from localrouter.engine.gguf_header import BadHeader
from localrouter.engine.gguf_parts import number, parts, size_of, title
from localrouter.engine.hub import Hub, Watch
from localrouter.engine.pins import ModelFault, Pins, admit, digest
from localrouter.engine.pull import Pulled, pull
from localrouter.engine.shelf import at_path, models_folder, places, shelf
from localrouter.engine.sources import Source, parts_of, source_of

REPO = "someone/Big-GGUF"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_chat.build("random", tmp_path_factory.mktemp("whole") / "big.gguf")


@pytest.fixture(scope="module")
def split(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same model, written in parts by the gguf package."""
    folder = tmp_path_factory.mktemp("split")
    reader = gguf.GGUFReader(whole)
    writer = gguf.GGUFWriter(folder / "big.gguf", "llama", split_max_tensors=9, small_first_shard=True)
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        kind, inner = field.types[0], field.types[-1]
        writer.add_key_value(field.name, field.contents(), kind, sub_type=inner if kind == gguf.GGUFValueType.ARRAY else None)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    made = sorted(folder.iterdir())
    assert len(made) == 4 and made[0].name == "big-00001-of-00004.gguf"
    return made


def laid(split: list[Path], folder: Path, *, but: int = -1) -> Path:
    """The parts in a folder, without one of them; the first's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for at, part in enumerate(split):
        if at != but:
            (folder / part.name).write_bytes(part.read_bytes())
    return folder / split[0].name


def test_names() -> None:
    assert number("a/b-00002-of-00010.gguf") == (2, 10) and title(Path("a/b-00002-of-00010.gguf")) == "b"
    for name in ("b.gguf", "b-00000-of-00002.gguf", "b-00003-of-00002.gguf", "b-1-of-2.gguf", "b-00001-of-99999.gguf"):
        assert number(name) is None, name
    assert parts(Path("x/b-00002-of-00002.gguf")) == (Path("x/b-00001-of-00002.gguf"), Path("x/b-00002-of-00002.gguf"))
    assert parts(Path("b.gguf")) == (Path("b.gguf"),) and title(Path("b.gguf")) == "b"


def test_all_parts_are_one_model(whole: Path, split: list[Path]) -> None:
    one, several = sound_header(whole), sound_header(split[0])
    assert several.parameters == one.parameters and several.tensor_bytes == one.tensor_bytes
    assert {t.name: t.shape for t in several.tensors} == {t.name: t.shape for t in one.tensors}
    assert several.file_bytes == sum(p.stat().st_size for p in split) == size_of(split[2])
    assert several.kv_bytes(100) == one.kv_bytes(100) and several.template == one.template


def test_what_is_not_whole_is_refused(split: list[Path], tmp_path: Path) -> None:
    with pytest.raises(BadHeader, match=r"big lacks big-00003-of-00004\.gguf: part 3 of 4"):
        sound_header(laid(split, tmp_path / "lacks", but=2))
    with pytest.raises(BadHeader, match="not the first"):
        sound_header(split[1])
    first = laid(split, tmp_path / "swapped")
    (first.with_name(split[1].name)).write_bytes(split[2].read_bytes())
    with pytest.raises(BadHeader, match="not part 2 of 4, as its name says"):
        sound_header(first)
    first = laid(split, tmp_path / "cut")
    last = first.with_name(split[3].name)
    last.write_bytes(last.read_bytes()[:-100])
    with pytest.raises(BadHeader, match=r"00004-of-00004.*lacks its last 100 bytes"):
        sound_header(first)
    first = laid(split, tmp_path / "named")
    with pytest.raises(BadHeader, match="first of 4 parts, and its name does not say so"):
        sound_header(first.rename(first.with_name("model.gguf")))
    first = laid(split, tmp_path / "typed")
    second = first.with_name(split[1].name)
    data = second.read_bytes()
    told = b"split.no" + struct.pack("<I", 2)
    assert data.count(told) == 1
    second.write_bytes(data.replace(told, b"split.no" + struct.pack("<I", 3)))
    with pytest.raises(BadHeader, match="not part 2 of 4"):  # llama.cpp aborts at a number of another type
        sound_header(first)
    with pytest.raises(BadHeader, match=r"hold the same tensor|another number"):
        first = laid(split, tmp_path / "doubled")
        data = split[2].read_bytes().replace(b"split.no" + struct.pack("<IH", 2, 2), b"split.no" + struct.pack("<IH", 2, 1))
        first.with_name(split[1].name).write_bytes(data)
        sound_header(first)


def test_it_answers_as_the_whole_one_does(whole: Path, split: list[Path]) -> None:
    said = []
    for path in (whole, split[0]):
        e = Engine(path)
        assert e.first["model"] == "big", e.first
        said.append(e.finish(e.start("hello", max_tokens=12, temperature=0))[0].text)
        e.close()
    assert said[0] == said[1] != ""


def test_it_is_one_model_of_the_shelf(split: list[Path], tmp_path: Path) -> None:
    paths = Paths(tmp_path / "config", tmp_path / "state")
    paths.ensure()

    def here() -> dict[str, str]:
        found = shelf(paths, {}, [p for p in places(paths, {}, tmp_path / "home") if not p.folder.is_relative_to("/usr")])
        assert all(s.size == size_of(s.path) for s in found)
        return {s.name: s.facts.fault for s in found}

    laid(split, models_folder(paths) / "someone" / "Big-GGUF")
    snapshot = tmp_path / "home/.cache/huggingface/hub/models--else--Big-GGUF/snapshots/abc"
    blobs = snapshot.parents[1] / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for at, part in enumerate(split):
        (blobs / f"{at:064x}").write_bytes(part.read_bytes())
        (snapshot / part.name).symlink_to(f"../../blobs/{at:064x}")
    ours, theirs = f"someone/Big-GGUF/{split[0].name}", f"hf:else/Big-GGUF/{split[0].name}"
    assert here() == {ours: "", theirs: ""}
    (models_folder(paths) / "someone" / "Big-GGUF" / split[3].name).unlink()
    assert "lacks big-00004-of-00004" in here()[ours], "what was remembered of it is not true any more"
    (snapshot / split[1].name).unlink()
    (snapshot / split[1].name).symlink_to(split[1])
    assert theirs not in here(), "a link out of the place is not followed, in no part"
    assert at_path(split[0]).usable and not at_path(split[1]).usable


class Home:
    def __init__(self, folder: Path, hub: HubStandIn) -> None:
        self.paths = Paths(folder / "config", folder / "state")
        self.paths.ensure()
        self.folder, self.pins, self.notes = models_folder(self.paths), Pins(self.paths), list[str]()
        self.hub = Hub({"HF_ENDPOINT": hub.endpoint})

    def pull(self, text: str | Source) -> Pulled:
        source = text if isinstance(text, Source) else self.hub.chosen(source_of(text, {}))
        return pull(source, self.folder, self.pins, self.hub, Watch(note=self.notes.append), connections=1)


def test_pull(split: list[Path], tmp_path: Path) -> None:
    with HubStandIn() as hub:
        for part in split:
            hub.add(REPO, f"Q4_K_M/{part.name.replace('big', 'big-Q4_K_M')}", part.read_bytes())
        home = Home(tmp_path, hub)
        done = home.pull(REPO)
        assert done.files == 4 and done.size == done.fetched == size_of(split[0]) and done.stated == "hub"
        assert done.path.name == "big-Q4_K_M-00001-of-00004.gguf" and at_path(done.path).usable
        assert [home.pins.of(p).origin.rsplit("/", 1)[1] for p in parts(done.path)] == [  # type: ignore[union-attr]
            f"big-Q4_K_M-{n:05}-of-00004.gguf@main" for n in range(1, 5)
        ]
        before = hub.sent()
        again = home.pull(f"{REPO}/Q4_K_M/big-Q4_K_M-00003-of-00004.gguf")
        assert again.path == done.path and again.fetched == 0 and hub.sent() == before, "any part names the model"
        parts(done.path)[2].unlink()
        assert home.pull(REPO).fetched == split[2].stat().st_size, "only what lacks is fetched"
        admit(done.path, home.pins)
        third = parts(done.path)[2]
        third.write_bytes(third.read_bytes()[:-1] + b"x")
        with pytest.raises(ModelFault, match=r"00003-of-00004\.gguf is not the one that was pulled"):
            admit(done.path, home.pins)


def test_a_part_that_is_wrong(split: list[Path], tmp_path: Path) -> None:
    with HubStandIn() as hub:
        for part in split:
            hub.add(REPO, part.name, part.read_bytes())
        hub.add(REPO, split[2].name, split[1].read_bytes())
        home = Home(tmp_path, hub)
        with pytest.raises(ModelFault, match=r"not big-00003-of-00004\.gguf: it is not part 3 of 4"):
            home.pull(REPO)
        kept = {p.name for p in home.folder.rglob("*.gguf")}
        assert kept == {split[0].name, split[1].name}, "what is right stays, what is wrong is set aside"
        hub.add(REPO, split[2].name, split[2].read_bytes())
        assert home.pull(REPO).files == 4
        with pytest.raises(ModelFault, match="one SHA-256 cannot stand for them"):
            parts_of(source_of(f"{REPO}/{split[0].name}", {}, "0" * 64))


def entry(split: list[Path], **changed: str) -> LocalModel:
    """The catalogue's entry of the model in parts; `changed`: another hash of a part, by its number (`p3=...`)."""
    known = [ModelPart(part.name, part.stat().st_size, changed.get(f"p{at}", digest(part))) for at, part in enumerate(split, 1)]
    size = sum(part.size for part in known)
    return LocalModel("big", REPO, split[0].name, "large", "mit", ("chat",), size=size, parts=tuple(known))


def of_catalogue(split: list[Path], **changed: str) -> Source:
    return source_of("big", {"big": entry(split, **changed)})


def test_a_catalogue_s_entry_in_parts(split: list[Path], tmp_path: Path) -> None:
    with HubStandIn() as hub:
        for part in split:
            hub.add(REPO, part.name, part.read_bytes())
        home = Home(tmp_path, hub)
        done = home.pull(of_catalogue(split))
        assert done.files == 4 and done.size == done.fetched == size_of(split[0]) and done.stated == "catalogue"
        assert all(
            (pin := home.pins.of(p)) is not None and pin.stated == "catalogue" and pin.sha256 == digest(p)
            for p in parts(done.path)
        )
        assert [n for n in home.notes if n.startswith("Part ")] == [f"Part {n} of 4: {split[n - 1].name}" for n in range(1, 5)]
        admit(done.path, home.pins)
        with pytest.raises(ModelFault, match="one SHA-256 cannot stand for them"):
            parts_of(source_of("big", {"big": entry(split)}, "0" * 64))
        last = parts(done.path)[3]
        last.write_bytes(last.read_bytes()[:-1] + b"x")
        with pytest.raises(ModelFault, match=r"00004-of-00004\.gguf is not the one that was pulled"):
            admit(done.path, home.pins)
        again = home.pull(of_catalogue(split))
        assert again.fetched == split[3].stat().st_size, "what changed is fetched again, and nothing else"
        (home.paths.state / "models.lock").unlink()
        before = hub.sent()
        assert home.pull(of_catalogue(split)).fetched == 0 and hub.sent() == before, (
            "what lies there and is right is pinned, not fetched"
        )
        assert home.pins.of(last) is not None


def test_a_part_that_is_cut_goes_on(split: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line dies in the second part: the first is whole, and the next pull fetches no byte of either twice."""
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
    monkeypatch.setattr(transfer.Transfer, "_pause", lambda *_: None)
    first, second = (part.stat().st_size for part in split[:2])
    assert second > 600_000 > 2 * transfer.CHUNK, "what is kept is kept by chunks"
    with HubStandIn() as hub:
        for part in split:
            hub.add(REPO, part.name, part.read_bytes())
        home = Home(tmp_path, hub)
        hub.behaviour.stall_after, hub.behaviour.stall_s = first + 600_000, 60
        with pytest.raises(ModelFault, match="stopped sending"):
            home.pull(of_catalogue(split))
        assert {p.name for p in home.folder.rglob("*.gguf")} == {split[0].name}
        assert (home.folder / REPO / f"{split[1].name}.part").exists()
        hub.behaviour.stall_after = -1
        done = home.pull(of_catalogue(split))
        assert done.files == 4 and done.fetched + done.resumed == done.size and done.resumed > first
        assert all(here.read_bytes() == there.read_bytes() for here, there in zip(parts(done.path), split, strict=True))


def test_a_wrong_hash_of_one_part_stops_all(split: list[Path], tmp_path: Path) -> None:
    """What the hub states is compared for each part before the first byte; what it does not state, when the part is here."""
    with HubStandIn() as hub:
        for part in split:
            hub.add(REPO, part.name, part.read_bytes())
        home = Home(tmp_path, hub)
        with pytest.raises(ModelFault, match=rf"The catalogue pins {split[2].name} to SHA-256 0{{12}}\.\.\.") as caught:
            home.pull(of_catalogue(split, p3="0" * 64))
        assert caught.value.text.endswith(f"models pull {REPO}/{split[2].name}"), "one hash could not be given for several files"
        assert hub.sent() == 0
        hub.behaviour.no_etag = True
        with pytest.raises(ModelFault, match=rf"is not {split[2].name}: its SHA-256 is .* set aside as {split[2].name}\.wrong"):
            home.pull(of_catalogue(split, p3="0" * 64))
        assert {p.name for p in home.folder.rglob("*.gguf")} == {split[0].name, split[1].name}
        assert not at_path(home.folder / REPO / split[0].name).usable, "what is not whole is not loaded"


def test_the_disk_must_hold_all_parts(split: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with HubStandIn() as hub:
        for part in split:
            hub.add(REPO, part.name, part.read_bytes())
        home = Home(tmp_path, hub)
        size = size_of(split[0])
        # Room for the largest part with what must stay free, not for all of them.
        free = SimpleNamespace(free=shutil.disk_usage(tmp_path).free)
        monkeypatch.setattr(pulling, "MARGIN", free.free - size + 1)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
        with pytest.raises(ModelFault, match="There is not enough room in"):
            home.pull(of_catalogue(split))
        assert hub.sent() == 0
        monkeypatch.setattr(pulling, "MARGIN", pulling.MARGIN - 1)
        assert home.pull(of_catalogue(split)).files == 4


def test_parts_by_url() -> None:
    found = parts_of(source_of("https://example.invalid/d/x-00002-of-00003.gguf", {}))
    assert [s.url.rsplit("/", 1)[1] for s in found] == [f"x-{n:05}-of-00003.gguf" for n in (1, 2, 3)]
    assert found[2].place == "example.invalid/x-00003-of-00003.gguf" and found[1].origin == found[1].url
    with pytest.raises(ModelFault, match="good for this part only"):
        source_of("https://example.invalid/x-00001-of-00003.gguf?signature=1", {})
