"""Pulling models, with the real client of the hub against a stand-in on loopback that fails in each way."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny_header
from hub_stand_in import HubStandIn

from localrouter.config.catalogue import load_catalogue
from localrouter.config.paths import Paths
from localrouter.core.catalogue import LocalModel
from localrouter.engine import transfer
from localrouter.engine.gguf_checks import sound_header
from localrouter.engine.gguf_header import BadHeader
from localrouter.engine.hub import Hub, Watch
from localrouter.engine.pins import ModelFault, Pins, admit, digest
from localrouter.engine.pull import Pulled, pull
from localrouter.engine.sources import Source, source_of

REPO, FILE = "someone/Tiny-GGUF", "tiny-Q4_0.gguf"
NAME = f"{REPO}/{FILE}"
PIECE = 1 << 20
TOKEN = "hf_" + "a" * 34
ROOT = Path(__file__).parents[2]


@contextmanager
def fails(words: str) -> Iterator[list[str]]:
    """A ModelFault whose two sentences hold the pattern."""
    said: list[str] = []
    with pytest.raises(ModelFault) as caught:
        yield said
    said.append(caught.value.text)
    assert re.search(words, said[0]), said[0]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A model of 3.2 MB that llama.cpp's loader would take apart but whose header is sound."""
    return tiny_header.write(tmp_path_factory.mktemp("model") / "m.gguf", pad=(3 << 20) + 12_345).read_bytes()


@pytest.fixture
def stand_in(model: bytes) -> Iterator[HubStandIn]:
    with HubStandIn() as running:
        running.add(REPO, FILE, model)
        yield running


class Home:
    """A state folder, its models and its pins, before one hub."""

    def __init__(self, folder: Path, endpoint: str, **environ: str) -> None:
        self.paths = Paths(folder / "config", folder / "state")
        self.folder = self.paths.state / "models"
        self.paths.ensure()
        self.endpoint, self.environ = endpoint, environ
        self.notes: list[str] = []

    @property
    def pins(self) -> Pins:
        return Pins(self.paths)

    @property
    def target(self) -> Path:
        return self.folder / REPO / FILE

    def pull(
        self, source: Source | str = NAME, *, sha256: str = "", send_token: bool = False, connections: int = 2, piece: int = PIECE
    ) -> Pulled:
        hub = Hub({"HF_ENDPOINT": self.endpoint, **self.environ}, send_token=send_token)
        given = source_of(source, {}, sha256) if isinstance(source, str) else source
        return pull(given, self.folder, self.pins, hub, Watch(note=self.notes.append), connections=connections, piece=piece)

    def left(self) -> list[str]:
        """Files of the models folder, without locks."""
        return sorted(p.name for p in self.folder.rglob("*") if p.is_file() and not p.name.endswith(".lock"))


@pytest.fixture
def home(tmp_path: Path, stand_in: HubStandIn) -> Home:
    return Home(tmp_path, stand_in.endpoint)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
    monkeypatch.setattr(transfer.Transfer, "_pause", lambda *_: None)


def test_a_model_arrives(home: Home, stand_in: HubStandIn, model: bytes) -> None:
    done = home.pull()
    assert done.path == home.target and done.path.read_bytes() == model
    assert done.fetched == done.size == len(model) == stand_in.sent() and done.resumed == 0
    assert home.left() == [FILE] and home.target.stat().st_mode & 0o777 == 0o600
    pin = home.pins.of(home.target)
    assert pin is not None and pin.sha256 == done.sha256 == digest(home.target) and pin.stated == "hub"
    assert pin.origin == f"hf:{NAME}@main"
    assert len([s for s in stand_in.seen if s.method == "GET"]) == 4, "a request for each piece"
    again = home.pull()
    assert again.fetched == 0 and stand_in.sent() == len(model), "what is here is not fetched again"
    assert admit(home.target, home.pins).architecture == "llama"


def test_nothing_is_sent_but_the_download(home: Home, stand_in: HubStandIn) -> None:
    home.environ["HF_TOKEN"] = TOKEN
    home.pull()
    assert {(s.method, s.path.partition("?")[0]) for s in stand_in.seen} == {
        ("HEAD", f"/{REPO}/resolve/main/{FILE}"),
        ("GET", f"/{NAME}"),
    }
    for seen in stand_in.seen:
        assert not seen.authorization, "a token that nobody asked for stays here"
        assert set(seen.headers) <= {"host", "accept", "accept-encoding", "connection", "user-agent", "range"}
        assert seen.headers["user-agent"].startswith("localrouter/") and "agent/" not in seen.headers["user-agent"].replace(
            "user-agent", ""
        )


def test_a_cut_stream_goes_on_within_one_pull(home: Home, stand_in: HubStandIn, model: bytes) -> None:
    stand_in.behaviour.cut_after = 700_000
    done = home.pull()
    assert done.path.read_bytes() == model
    gets = len([s for s in stand_in.seen if s.method == "GET"])
    assert done.fetched == len(model) and gets >= 6
    assert stand_in.sent() <= len(model) + gets * transfer.CHUNK, "no more is fetched twice than a chunk for each cut"


def test_what_came_before_is_not_fetched_again(home: Home, stand_in: HubStandIn, model: bytes) -> None:
    stand_in.behaviour.stall_after = 1_500_000
    stand_in.behaviour.stall_s = 60
    with fails(r"stopped sending\. \d of 3 MB are here\. Run the same command again"):
        home.pull()
    first = stand_in.sent()
    assert home.left() == [f"{FILE}.part", f"{FILE}.part.json"] and not home.target.exists()
    stand_in.behaviour.stall_after = -1
    done = home.pull()
    assert done.path.read_bytes() == model and home.left() == [FILE]
    assert done.resumed > 0 and done.resumed + done.fetched == len(model)
    assert stand_in.sent() - first == done.fetched, "each byte of the second pull was new"


def test_a_host_that_lies_about_the_length(home: Home, stand_in: HubStandIn, model: bytes) -> None:
    stand_in.behaviour.more = 5000
    with fails("sends more than it said"):
        home.pull()
    stand_in.behaviour.more = 0
    stand_in.behaviour.fewer = 1 << 20
    with fails(r"sends less than it said|broke"):
        home.pull()
    stand_in.behaviour.fewer = 0
    stand_in.behaviour.says = len(model) + 4096
    with fails("sends less|broke"):
        home.pull()
    assert not home.target.exists()
    stand_in.behaviour.says = 0
    assert home.pull().path.read_bytes() == model


def test_a_wrong_file_is_set_aside(home: Home, stand_in: HubStandIn) -> None:
    stand_in.behaviour.corrupt = True
    with fails(r"is not tiny-Q4_0\.gguf: its SHA-256 is .* It was set aside as tiny-Q4_0\.gguf\.wrong"):
        home.pull()
    assert home.left() == [f"{FILE}.wrong"] and home.pins.all() == {}
    stand_in.behaviour.corrupt = False
    assert home.pull().fetched > 0


def test_what_is_no_model_is_set_aside(home: Home, stand_in: HubStandIn) -> None:
    stand_in.add(REPO, FILE, b"<html>" + bytes(4000))
    with fails("is not a GGUF model"):
        home.pull()
    assert home.left() == [f"{FILE}.wrong"]


def test_pins_of_the_catalogue_and_of_the_user(home: Home, stand_in: HubStandIn, model: bytes) -> None:
    right = digest_of(model)
    pinned = LocalModel("tiny", REPO, FILE, "tiny", "mit", ("chat",), sha256="0" * 64)
    with fails(r"The catalogue pins tiny to SHA-256 0{12}\.\.\., and .* the file was replaced there"):
        home.pull(source_of("tiny", {"tiny": pinned}))
    assert stand_in.sent() == 0, "not a byte is fetched of what is known to be wrong"
    with fails("Your --sha256 pins"):
        home.pull(sha256="1" * 64)
    assert home.pull(sha256="sha256:" + right.upper()).stated == "user"
    stand_in.add(REPO, FILE, model + bytes(1))
    assert home.pull().fetched == 0, "the file that is here is still the one that was pulled"
    home.target.unlink()
    with fails("An earlier pull pins"):
        home.pull()


def test_a_hub_that_states_no_hash(home: Home, stand_in: HubStandIn, model: bytes) -> None:
    stand_in.behaviour.no_etag = True
    done = home.pull()
    assert done.stated == "seen" and done.sha256 == digest_of(model)
    home.target.unlink()
    stand_in.behaviour.corrupt = True
    with fails("set aside"):
        home.pull()


def digest_of(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


REFUSALS = {
    "gated": ({"token": TOKEN}, r"is gated: .* Accept them on https://huggingface\.co/someone/Tiny-GGUF .* HF_TOKEN"),
    "no file": ({"status": 404, "error": "EntryNotFound"}, "does not exist on 127"),
    "no repository": ({"status": 404, "error": "RepoNotFound"}, "does not exist on 127.*, or is private"),
    "private": ({"status": 401}, "does not exist on 127.*, or is private"),
    "no revision": ({"status": 404, "error": "RevisionNotFound"}, "has no revision main"),
    "forbidden": ({"status": 403}, "is private"),
    "too many": ({"status": 429, "retry_after": "900"}, "refuses more requests for now. It asks to wait 900 seconds"),
    "down": ({"status": 503}, "answered with status 503"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_in_words(home: Home, stand_in: HubStandIn, name: str) -> None:
    behaviour, words = REFUSALS[name]
    for key, value in behaviour.items():
        setattr(stand_in.behaviour, key, value)
    with fails(words) as said:
        home.pull()
    assert "http://127" not in said[0] and "Traceback" not in said[0]
    assert home.left() == []


def test_a_short_wait_is_waited(home: Home, stand_in: HubStandIn) -> None:
    stand_in.behaviour.status, stand_in.behaviour.retry_after, stand_in.behaviour.refusals = 429, "1", 1
    assert home.pull().fetched > 0
    assert home.notes == [f"127.0.0.1:{stand_in.port} asks to wait 1 seconds."]


def test_the_token_goes_to_the_hub_only_and_only_when_asked_for(home: Home, stand_in: HubStandIn) -> None:
    stand_in.behaviour.token = TOKEN
    home.environ["HF_TOKEN"] = TOKEN
    with fails(r"it is sent to the mirror 127.0.0.1:.* only with --send-token"):
        home.pull()
    assert not any(s.authorization for s in stand_in.seen), "a mirror does not get the token of the hub"
    assert home.pull(send_token=True).fetched > 0
    with_token = [s for s in stand_in.seen if s.authorization]
    assert with_token and all(s.host.startswith("127.0.0.1") and s.method == "HEAD" for s in with_token)
    for file in home.paths.state.rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes()


def test_an_address_that_ran_out_is_asked_for_again(home: Home, stand_in: HubStandIn, model: bytes) -> None:
    stand_in.behaviour.expire_after = 2
    assert home.pull(connections=1).path.read_bytes() == model
    assert len([s for s in stand_in.seen if s.method == "HEAD"]) == 2


def test_a_host_without_ranges(home: Home, stand_in: HubStandIn, model: bytes) -> None:
    stand_in.behaviour.whole_only = True
    assert home.pull().path.read_bytes() == model
    assert any("whole files only" in n for n in home.notes)


def test_a_hub_without_redirects(home: Home, stand_in: HubStandIn) -> None:
    stand_in.behaviour.plain = True
    with fails("does not answer as a Hugging Face hub"):
        home.pull()


def test_a_url(home: Home, stand_in: HubStandIn, model: bytes) -> None:
    url = f"{stand_in.endpoint}/{NAME}?download=true"
    done = home.pull(url)
    assert done.path.read_bytes() == model and done.path.parent.name == f"127.0.0.1_{stand_in.port}"
    assert done.stated == "seen", "an etag of a plain host is no statement of a hash"
    pin = home.pins.of(done.path)
    assert pin is not None and "download" not in pin.origin
    with fails("does not exist"):
        home.pull(f"{stand_in.endpoint}/no/such.gguf")


def test_a_full_disk(home: Home, stand_in: HubStandIn, monkeypatch: pytest.MonkeyPatch, model: bytes) -> None:
    real = os.statvfs

    def full(path: object) -> object:
        found = real(path)  # type: ignore[arg-type]
        return SimpleNamespace(f_bavail=100, f_frsize=4096, f_blocks=found.f_blocks, f_bfree=100)

    monkeypatch.setattr(os, "statvfs", full)
    assert shutil.disk_usage(home.folder.parent).free == 409_600
    with pytest.raises(
        ModelFault, match=r"There is not enough room in .*: 0\.0 GB are needed, 0\.0 GB are free, 0\.3 GB are missing"
    ):
        home.pull()
    assert stand_in.sent() == 0


def test_a_disk_that_fills_under_way(home: Home, stand_in: HubStandIn, monkeypatch: pytest.MonkeyPatch, model: bytes) -> None:
    real = transfer._Sink.write
    taken = 0

    def write(self: transfer._Sink, data: bytes) -> int:
        nonlocal taken
        taken += len(data)
        if taken > 1_500_000:
            raise OSError(28, "No space left on device")
        return real(self, data)

    with monkeypatch.context() as patched:
        patched.setattr(transfer._Sink, "write", write)
        with fails(r"The disk is full\. 1 of 3 MB are here"):
            home.pull(connections=1)
    assert home.pull().path.read_bytes() == model


def test_offline(tmp_path: Path, stand_in: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    with HubStandIn() as gone:
        endpoint = gone.endpoint
    home = Home(tmp_path, endpoint)
    began = time.monotonic()
    with fails(r"cannot be reached, so nothing was downloaded. Check your connection"):
        home.pull()
    assert time.monotonic() - began < 60, "it is not tried again and again"
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with fails("HF_HUB_OFFLINE is set"):
        Home(tmp_path, stand_in.endpoint).pull()


def test_endpoints_that_are_refused() -> None:
    with fails("must be an https address"):
        Hub({"HF_ENDPOINT": "http://mirror.invalid"})
    with fails("must be an https address"):
        Hub({"HF_ENDPOINT": "ftp://127.0.0.1"})
    assert Hub({"HF_ENDPOINT": ""}).endpoint == "https://huggingface.co"


def test_two_pulls_of_one_file_fetch_it_once(home: Home, stand_in: HubStandIn, model: bytes) -> None:
    stand_in.behaviour.per_second = 8_000_000
    done: list[Pulled] = []
    threads = [threading.Thread(target=lambda: done.append(home.pull())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 3 and stand_in.sent() == len(model) and sorted(d.fetched for d in done) == [0, 0, len(model)]
    assert any("Another pull of this file is under way" in n for n in home.notes)


def test_ctrl_c_then_a_kill_and_again(tmp_path: Path, stand_in: HubStandIn, model: bytes) -> None:
    stand_in.behaviour.per_second = 600_000
    env = {**os.environ, "LOCALROUTER_HOME": str(tmp_path), "HF_ENDPOINT": stand_in.endpoint}
    command = [sys.executable, "-P", "-m", "localrouter", "models", "pull", NAME]

    def ended(how: signal.Signals, at: int) -> tuple[int, str]:
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 60
        while stand_in.sent() < at and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(how)
        err = process.communicate(timeout=30)[1]
        return process.returncode, err

    code, err = ended(signal.SIGINT, 1_000_000)
    assert code == 130 and "Traceback" not in err and f"`localrouter models pull {NAME}` goes on where it stopped" in err
    assert ended(signal.SIGKILL, 2_000_000)[0] == -signal.SIGKILL  # no time to note anything
    first = stand_in.sent()
    stand_in.behaviour.per_second = 0
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "state" / "models" / REPO / FILE).read_bytes() == model
    assert stand_in.sent() - first < len(model) - 500_000, "what had come before was kept"


def test_what_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local = load_catalogue().local
    source = source_of("qwen3.5-2b", local)
    assert (
        source.kind == "hub" and source.place == "unsloth/Qwen3.5-2B-GGUF/Qwen3.5-2B-Q4_K_M.gguf" and source.stated == "catalogue"
    )
    assert source_of("hf:a/b/c/d.gguf@v1", {}).origin == "hf:a/b/c/d.gguf@v1"
    for page in ("https://huggingface.co/a/b/blob/main/c.gguf", "https://hf.co/a/b/resolve/main/c.gguf?download=true"):
        assert source_of(page, {}) == source_of("a/b/c.gguf", {}), "what a browser shows is a file of the hub"
    assert source_of("https://huggingface.co/a/b/raw/main/c.gguf", {}).kind == "url"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.gguf").write_bytes(b"x")
    assert source_of("own.gguf", {}).path == tmp_path / "own.gguf"
    assert source_of("./else.gguf", {}).kind == "path"
    for text, why in {
        "qwen3.5-2": "Did you mean qwen3.5-2b",
        "a/b/c/d": "is no model",
        "a/b/../../x.gguf": "is no model",
        "http://example.invalid/x.gguf": "over https only",
        "https://me:pw@example.invalid/x.gguf": "password",
        "https://example.invalid/x.zip": "does not end in the name",
        "https://example.invalid/%2e%2e%2fx.gguf": "does not end in the name|x.gguf",
        "ftp://example.invalid/x.gguf": "over https only",
    }.items():
        if text.startswith("https://example.invalid/%2e"):
            assert source_of(text, {}).place == "example.invalid/x.gguf"
            continue
        with fails(why):
            source_of(text, local)
    with fails("64 hexadecimal"):
        source_of("a/b/c.gguf", {}, "12")
    with fails(r"pins qwen3\.5-2b to another"):
        source_of("qwen3.5-2b", local, "0" * 64)


def test_a_file_of_a_repository_is_chosen_by_its_type(home: Home, stand_in: HubStandIn, model: bytes) -> None:
    hub = Hub({"HF_ENDPOINT": stand_in.endpoint, "HF_TOKEN": TOKEN}, send_token=True)

    def chosen(text: str) -> str:
        return hub.chosen(source_of(text, {})).file

    assert chosen(REPO) == FILE == chosen(f"hf.co/{REPO}:q4_0")
    for name in (
        "M-Q4_K_M.gguf",
        "M-UD-Q4_K_M.gguf",
        "M-Q8_0.gguf",
        "mmproj-Q4_K_M.gguf",
        "M-IQ4_K_M-00001-of-00002.gguf",
        "README.md",
    ):
        stand_in.add("a/M-GGUF", name, model)
    assert chosen("a/M-GGUF") == "M-Q4_K_M.gguf" and chosen("a/M-GGUF:Q8_0") == "M-Q8_0.gguf"
    with fails(r"has no Q2_K file\. Name one: a/M-GGUF/FILE, of M-Q8_0\.gguf, M-Q4_K_M\.gguf"):
        chosen("a/M-GGUF:Q2_K")
    stand_in.add("a/Base", "model.safetensors", model)
    with fails("has no GGUF file that is whole. Look for another conversion"):
        chosen("a/Base")
    with fails("does not exist on 127"):
        chosen("no/Such")
    assert home.pull(hub.chosen(source_of(REPO, {}))).path == home.target
    assert not any(s.authorization for s in stand_in.seen)


def test_a_file_that_changed_is_not_admitted(home: Home) -> None:
    path = home.pull().path
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    time.sleep(0.02)
    path.write_bytes(data)
    with fails("is not the one that was pulled: its SHA-256"):
        admit(path, home.pins)
    assert home.pull().fetched > 0, "and the next pull mends it"
    admit(path, home.pins)


def test_no_mutated_copy_of_a_pinned_file_is_admitted(home: Home, model: bytes) -> None:
    """What the reader would let pass, the hash does not."""
    path = home.pull().path
    header = admit(path, home.pins).data_offset
    passed, admitted = 0, 0
    for _, changed in tiny_header.mutations(model, header, 40, seed=11):
        path.write_bytes(changed)
        try:
            sound_header(path)
            passed += 1
            admit(path, home.pins)
            admitted += 1
        except (BadHeader, ModelFault):
            pass
    assert passed > 0 and admitted == 0


def test_an_unchanged_file_is_read_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home.pull().path
    read: list[int] = []
    assert admit(path, home.pins, read.append) and not read
    (home.paths.state / "models.checked").write_text("{damaged")
    assert admit(path, home.pins, read.append) and sum(read) == path.stat().st_size, "a lost memory costs work, no more"
    (home.paths.state / "models.lock").write_text("{damaged")
    with fails("is damaged"):
        admit(path, home.pins)
