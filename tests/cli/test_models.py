"""`localrouter models` as a person types it, with a hub on loopback and the folders of other programs in a home of its own."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import gguf
import pytest
from conftest import BUSY_S, MakeDaemon, ask
from hub_stand_in import HubStandIn

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import tiny_gguf
import tiny_header

REPO, FILE = "someone/Tiny-GGUF", "tiny-Q4_0.gguf"
NAME = f"{REPO}/{FILE}"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_header.write(tmp_path_factory.mktemp("model") / "m.gguf", "qwen3", pad=100_000)


@pytest.fixture
def hub(model: Path) -> Iterator[HubStandIn]:
    with HubStandIn() as running:
        running.add(REPO, FILE, model.read_bytes())
        yield running


class Cli:
    """The command line in a home of its own."""

    def __init__(self, folder: Path, endpoint: str = "http://127.0.0.1:9") -> None:
        self.home, self.user = folder / "lr", folder / "user"
        self.user.mkdir(parents=True, exist_ok=True)
        self.endpoint = endpoint

    @property
    def config(self) -> Path:
        return self.home / "config" / "config.toml"

    @property
    def pulled(self) -> Path:
        return self.home / "state" / "models" / REPO / FILE

    def __call__(self, *args: str, **environ: str) -> tuple[int, str, str]:
        return self.verb("models", *args, **environ)

    def verb(self, *args: str, **environ: str) -> tuple[int, str, str]:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "OLLAMA", "LLAMA", "XDG_"))}
        env |= {
            "LOCALROUTER_HOME": str(self.home),
            "HOME": str(self.user),
            "HF_ENDPOINT": self.endpoint,
            "COLUMNS": "200",
            **environ,
        }
        done = subprocess.run(
            [sys.executable, "-P", "-m", "localrouter", *args], capture_output=True, text=True, env=env, timeout=BUSY_S
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    def json(self, *args: str) -> dict[str, object]:
        code, out, err = self(*args, "--json")
        assert code == 0, err
        return dict(json.loads(out))

    def names(self) -> list[str]:
        return [m["name"] for m in self.json("list")["models"]]  # type: ignore[attr-defined]


@pytest.fixture
def cli(tmp_path: Path, hub: HubStandIn) -> Cli:
    return Cli(tmp_path, hub.endpoint)


def test_a_model_from_search_to_rm(cli: Cli, hub: HubStandIn, model: Path) -> None:
    code, out, _ = cli("list")
    assert code == 0 and "no model on this machine" in out
    code, out, err = cli("pull", NAME)
    assert code == 0 and "Tiny" not in err, err
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    assert f"{FILE} is here" in out and f"SHA-256 {sha256[:16]}..., as the hub states it" in out and str(cli.pulled) in out
    assert cli.pulled.read_bytes() == model.read_bytes()
    tree = cli.json("pull", NAME)
    assert tree["fetched"] == 0 and tree["sha256"] == sha256 and tree["path"] == str(cli.pulled)
    code, out, _ = cli("list")
    assert code == 0 and NAME in out and "F32" in out and "ours" in out
    code, out, _ = cli("info", NAME)
    assert (
        code == 0
        and "Tiny qwen3" in out
        and "has a chat template, and tokens to fill in the middle" in out
        and "needs about 500 MB with a context of 8 192 tokens" in out
    )
    code, out, _ = cli("use", FILE)
    assert code == 0 and f"The local lane uses {FILE}. Written to {cli.config}" in out
    assert tomllib.loads(cli.config.read_text())["local"]["model"] == str(cli.pulled)
    code, out, _ = cli("list")
    assert "*" in out and "* is used by the local lane." in out
    code, out, _ = cli("verify")
    assert code == 0 and out.startswith("right")
    code, _, err = cli("rm", NAME)
    assert code == 1 and "The local lane uses" in err and cli.pulled.exists()
    code, out, err = cli("rm", NAME, "--force")
    assert code == 0 and "is removed" in out and "no model until you choose another" in err and not cli.pulled.exists()
    assert cli.names() == [] and json.loads((cli.home / "state" / "models.lock").read_text())["models"] == {}
    assert cli.json("use", "--none") == {"model": None, "in_force": False}
    assert cli("pull", NAME)[0] == 0 and cli.json("rm", NAME) == {"removed": str(cli.pulled), "size": model.stat().st_size}
    code, out, _ = cli("use", "--none")
    assert code == 0 and "has no model now" in out and "model" not in tomllib.loads(cli.config.read_text()).get("local", {})


def test_comments_of_the_configuration_stay(cli: Cli, model: Path) -> None:
    cli.config.parent.mkdir(parents=True, mode=0o700)
    cli.config.write_text("# mine\nport = 0\n\n[local]\nctx = 4096 # enough\n")
    assert cli("use", str(model))[0] == 0
    text = cli.config.read_text()
    assert text.startswith("# mine\nport = 0\n") and "ctx = 4096 # enough" in text and f'model = "{model}"' in text
    cli.config.write_text("prot = 1\n")
    code, _, err = cli("use", str(model))
    assert code == 2 and "unknown key 'prot'" in err


def test_the_catalogue(cli: Cli) -> None:
    code, out, _ = cli("search")
    assert code == 0 and "qwen3.5-4b" in out and "gpt-oss-20b" in out and "of memory are free" in out
    code, out, _ = cli("search", "fim")
    assert code == 0 and "qwen2.5-coder-0.5b" in out and "gpt-oss" not in out
    assert [m["name"] for m in cli.json("search", "mit")["models"]] == ["phi-4-mini"]  # type: ignore[attr-defined]
    code, out, _ = cli("search", "nosuch")
    assert code == 1 and "OWNER/REPO/FILE.gguf" in out
    code, out, _ = cli("info", "llama-3.2-1b")
    assert code == 0 and "llama3.2" in out and "no; `localrouter models pull llama-3.2-1b`" in out
    code, _, err = cli("use", "llama-3.2-1b")
    assert code == 1 and "is not on this machine yet. Run `localrouter models pull llama-3.2-1b`" in err
    code, _, err = cli("info", "qwen3.5-4x")
    assert code == 1 and "Did you mean qwen3.5-4b?" in err


def test_a_changed_file_is_found_and_not_used(cli: Cli) -> None:
    assert cli("pull", NAME)[0] == 0
    data = bytearray(cli.pulled.read_bytes())
    data[-3] ^= 1
    cli.pulled.write_bytes(data)
    code, out, _ = cli("verify")
    assert code == 1 and out.startswith("wrong") and "and must be" in out
    code, _, err = cli("use", NAME)
    assert code == 1 and "is not the one that was pulled" in err and not cli.config.exists()
    code, out, _ = cli("pull", NAME, "--use")
    assert code == 0 and "The local lane uses" in out and cli("verify", NAME)[0] == 0
    assert json.loads(cli("pull", NAME, "--use", "--json")[1])["path"] == str(cli.pulled), "one document on stdout"
    assert cli.json("use", NAME) == {"model": str(cli.pulled), "in_force": False}
    tree = json.loads(cli("verify", "--json")[1])
    assert tree["models"][0]["state"] == "right"


def test_files_of_other_programs_are_used_where_they_lie(cli: Cli, model: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    root = cli.user / ".ollama" / "models"
    (root / "blobs").mkdir(parents=True)
    blob = root / "blobs" / f"sha256-{digest}"
    shutil.copyfile(model, blob)
    manifest = root / "manifests" / "registry.ollama.ai" / "library" / "tiny" / "latest"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(
        json.dumps({"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"}]})
    )
    assert cli.names() == ["ollama:tiny:latest"]
    code, out, _ = cli("use", "tiny:latest")
    assert code == 0 and tomllib.loads(cli.config.read_text())["local"]["model"] == str(blob)
    code, out, _ = cli("verify", "ollama:tiny:latest")
    assert code == 0 and out.startswith("right"), "Ollama's own digest is what it must be"
    code, _, err = cli("rm", "ollama:tiny:latest", "--force")
    assert code == 1 and "was not pulled by localrouter" in err and blob.exists()
    page = tmp_path / "page.gguf"
    page.write_bytes(b"<html>")
    code, _, err = cli("use", str(page))
    assert code == 1 and "is not a GGUF model" in err
    code, out, _ = cli("info", str(page))
    assert code == 1 and "is not a GGUF model" in out


def test_a_file_of_this_machine_is_pinned_not_copied(cli: Cli, model: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    shutil.copyfile(model, mine)
    sha256 = hashlib.sha256(mine.read_bytes()).hexdigest()
    code, _, err = cli("pull", str(mine), "--sha256", "0" * 64)
    assert code == 1 and f"has the SHA-256 {sha256}" in err
    code, out, _ = cli("pull", str(mine), "--sha256", sha256)
    assert code == 0 and "as you said" in out and cli.names() == []
    mine.write_bytes(mine.read_bytes()[:-1] + b"\x01")
    code, _, err = cli("use", str(mine))
    assert code == 1 and "is not the one that was pulled" in err


def test_errors_are_sentences_on_stderr(cli: Cli, hub: HubStandIn, tmp_path: Path) -> None:
    for args, words in (
        (("pull", "nosuch"), "no model of the catalogue"),
        (("pull", f"{REPO}/other.gguf"), "does not exist on 127.0.0.1"),
        (("pull", NAME, "--sha256", "x"), "--sha256 takes 64"),
        (("pull", "http://example.invalid/x.gguf"), "over https only"),
        (("use",), "Say which model"),
        (("rm", "nosuch"), "There is no model 'nosuch' here"),
    ):
        code, out, err = cli(*args)
        assert code == 1 and not out and words in err and err.startswith("localrouter: "), (args, err)
    offline = Cli(tmp_path / "offline")
    code, _, err = offline("pull", NAME)
    assert code == 1 and "cannot be reached, so nothing was downloaded. Check your connection" in err


def test_a_name_cannot_drive_the_terminal(cli: Cli, model: Path) -> None:
    target = cli.home / "state" / "models" / "a\x1b[2Jb.gguf"
    target.parent.mkdir(parents=True)
    shutil.copyfile(model, target)
    for args in (("list",), ("info", str(target)), ("verify",)):
        _, out, err = cli(*args)
        assert "\x1b" not in out + err


def test_the_running_daemon_is_told(make_daemon: MakeDaemon, tmp_path: Path) -> None:
    """From the next request on, without a restart; `status` and `doctor` say what is loaded and how."""
    daemon = make_daemon()
    cli = Cli(daemon.home.parent)
    cli.home = daemon.home
    for n in (1, 2):
        code, out, err = cli("use", str(tiny_gguf.build(tmp_path / f"made{n}.gguf", seed=n)))
        assert code == 0 and out == f"The local lane uses made{n}.gguf. In force.\n", out + err
        status, body = ask(daemon, "hello", "local:chat", max_tokens=3)
        assert status == 200, body
        _, out, _ = cli.verb("status")
        rows = {line.split()[1].rstrip(":"): line for line in out.splitlines() if line.startswith("engine ")}
        assert re.search(
            r"loaded, \d+ MB \(context \d+, \d threads?, batches of 512, cache f16, no layers on a GPU\), idle for \d+ s",
            rows[f"made{n}"],
        )
        assert n == 1 or "not loaded now; the next request loads it" in rows["made1"], "the one before is unloaded"
    checks = {
        c["detail"].split(":")[0]: c
        for c in json.loads(cli.verb("doctor", "--json")[1])["checks"]
        if c["name"] == "daemon: engine"
    }
    assert checks["made2"]["ok"] is True and "context " in checks["made2"]["detail"]
    code, out, _ = cli("use", "--none")
    assert code == 0 and out == "The local lane has no model now. In force.\n"
    assert cli.verb("status", "--json")[0] == 0


def test_a_model_in_parts(cli: Cli, hub: HubStandIn, model: Path) -> None:
    whole = gguf.GGUFReader(model)
    writer = gguf.GGUFWriter(cli.user / "big.gguf", "qwen3", split_max_tensors=16)
    for field in whole.fields.values():
        if not field.name.startswith("GGUF.") and field.name != "general.architecture":
            array = field.types[0] == gguf.GGUFValueType.ARRAY
            writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=field.types[-1] if array else None)
    for tensor in whole.tensors:
        writer.add_tensor(tensor.name, tensor.data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    files = sorted(cli.user.glob("big-*.gguf"))
    size = sum(f.stat().st_size for f in files)
    assert len(files) == 2
    for file in files:
        hub.add("someone/Big-GGUF", file.name, file.read_bytes())
    code, out, err = cli("pull", "someone/Big-GGUF")
    assert code == 0 and "2 files" in out and "Part 2 of 2" in err, out + err
    name = f"someone/Big-GGUF/{files[0].name}"
    assert cli.names() == [name] and cli.json("list")["models"][0]["size"] == size  # type: ignore[index]
    assert cli("use", name)[0] == 0 and cli("use", "--none")[0] == 0
    second = cli.pulled.parents[1] / "Big-GGUF" / files[1].name
    second.write_bytes(second.read_bytes()[:-1] + b"x")
    code, out, _ = cli("verify")
    assert code == 1 and f"that of {files[1].name} is" in out
    assert cli.json("rm", name) == {"removed": str(second.with_name(files[0].name)), "size": size}
    assert not list(second.parent.glob("*.gguf")) and json.loads((cli.home / "state" / "models.lock").read_text())["models"] == {}
    assert cli("pull", str(files[0]))[0] == 0, "and where they lie"


def test_what_a_pull_left_is_shown_gone_on_with_and_removed(cli: Cli, hub: HubStandIn, model: Path) -> None:
    hub.behaviour.fewer = model.stat().st_size // 2  # it sends half, each time
    code, _, err = cli("pull", NAME)
    assert code == 1 and "sends less than it said" in err and "goes on where it stopped" in err
    code, out, _ = cli("list")
    assert (
        code == 0
        and f"{NAME} is here in part: `localrouter models pull {NAME}` goes on; `localrouter models rm {NAME}` frees" in out
    )
    (left,) = cli.json("list")["unfinished"]  # type: ignore[misc, has-type]
    assert left["name"] == left["source"] == NAME and left["size"] > 0
    assert cli.json("rm", NAME)["removed"] == NAME
    assert not [p for p in cli.pulled.parent.iterdir() if not p.name.endswith(".lock")]
    assert cli.json("list") == {"models": [], "unfinished": []}
    code, _, err = cli("rm", NAME)
    assert code == 1 and "There is no model" in err
    hub.behaviour.fewer, hub.behaviour.corrupt = 0, True
    assert cli("pull", NAME)[0] == 1
    assert f"{NAME} was wrong and is set aside; `localrouter models rm {NAME}` frees" in cli("list")[1]
    hub.behaviour.corrupt = False
    assert cli("pull", NAME)[0] == 0 and cli.json("list")["unfinished"] == [], "the right one takes the wrong one's place"
    (cli.home / "state" / "models.lock").unlink()
    assert cli("verify")[1].startswith("unknown")
    before = hub.sent()
    assert cli("pull", NAME)[0] == 0 and hub.sent() == before, "what is here and right is pinned again, not fetched"
    assert cli("verify")[1].startswith("right")


def test_the_hub_s_client_stays_out_of_the_daemon_and_of_the_start() -> None:
    """The CLI's other verbs do not load the hub's client, and neither does the daemon."""
    code = "import sys, localrouter.daemon.serve, localrouter.cli.models, localrouter.cli; print([m for m in sys.modules if m.startswith(('huggingface_hub', 'httpx2', 'rich'))])"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=BUSY_S)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
