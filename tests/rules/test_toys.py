"""Adding a dialect, a provider, a gate or a detector is one new file: a toy of each is dropped in and a request is served through it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import Daemon, call, start, stop, wait, write_home

from localrouter.daemon.rehearsal import Rehearsal

ROOT = Path(__file__).resolve().parents[2]

DIALECT = '''
"""A toy API: {"say": text} in, {"said": text} out."""
import json
from localrouter.core.ask import Ask, Leaf, Needs
from localrouter.core.chat import Chat, Text, Turn

NAME, WIRE, ROUTES = "toy", "openai_chat", (("POST", "/toy"),)

def read(body, headers):
    tree = json.loads(body)
    return Ask("toy", tree, (Leaf(("say",), tree["say"], "user", "say"),), "localrouter/auto", Needs(), 100, 1, len(body), tree["say"], "s")

def outgoing(tree, ask, attempt, made=None):
    return {"model": attempt.model.name, "messages": [{"role": "user", "content": tree["say"]}], "max_tokens": attempt.max_output}

def chat(tree, ask):
    return Chat((Turn("user", (Text(tree["say"]),)),))

def error_body(error):
    return json.dumps({"wrong": error.text}).encode()

class Writer:
    media = "application/json"
    def __init__(self, ask, request_id): pass
    def write(self, chunk, texts, extra): return json.dumps({"said": "".join(texts)}).encode()
    def error(self, error): return error_body(error)
    def keep_alive(self): return b""
'''
PROVIDER = '''
"""A toy wire: the OpenAI one with a mark in the body."""
import json
from localrouter.core.chat import Channel, Chunk, Piece
from localrouter.core.errors import HostBroken
from localrouter.core.money import Usage
from localrouter.providers import Upstream

NAME = "toy_wire"

def body(chat, attempt):
    text = "".join(p.text for t in chat.turns for p in t.parts)
    return {"model": attempt.model.name, "messages": [{"role": "user", "content": text}], "max_tokens": attempt.max_output, "crossed": True}

def prepare(tree, stream, head):
    return Upstream("/chat/completions", {"content-type": "application/json"}, json.dumps({**tree, "toy": True}).encode())

def auth(key):
    return {"x-toy": key.reveal()}

def fault(host, status, headers, body):
    return HostBroken("no")

class Reader:
    def __init__(self, stream): self.body = b""
    def feed(self, data):
        self.body += data
        return []
    def end(self):
        tree = json.loads(self.body)
        text = tree["choices"][0]["message"]["content"]
        return [Chunk((Piece(Channel(0, "text"), text, ("choices", 0, "message", "content")),), self.body, tree, Usage(input=1, output=1), {0: "stop"}, terminal=True)]
'''
GATE = '''
"""A toy rule."""
from localrouter.core.decide import Drop
NAME, ORDER = "toy_gate", 35

def check(candidate, view):
    return Drop("toy", "toys may not shout") if view.ask.last_user.isupper() else candidate
'''
DETECTOR = '''
"""A toy detector."""
import re
from localrouter.core.findings import Finding
NAME = "toy_detector"

def find(text, context):
    return [Finding(m.start(), m.end(), "PRIVATE", 1.0, NAME) for m in re.finditer("XYZZY-[0-9]+", text)]
'''


def _served(tmp_path: Path, host: Rehearsal, wire: str) -> tuple[Daemon, subprocess.Popen[bytes]]:
    site = tmp_path / "site"
    shutil.copytree(ROOT / "localrouter", site / "localrouter", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "recipes", site / "recipes")
    shutil.copy(ROOT / "models.toml", site)
    for folder, text in (("dialects", DIALECT), ("providers", PROVIDER), ("gates", GATE), ("scrub/detectors", DETECTOR)):
        (site / "localrouter" / folder / "toy.py").write_text(text)
    home = tmp_path / "home"
    write_home(home, host)
    config = home / "config" / "config.toml"
    config.write_text(config.read_text().replace('key_env = "LOCAL', f'wire = "{wire}"\nkey_env = "LOCAL'))
    process = start(home, {"PYTHONPATH": str(site)})
    return wait(home, process, host), process


def test_one_file_each(tmp_path: Path, host: Rehearsal) -> None:
    daemon, process = _served(tmp_path, host, "toy_wire")
    try:
        status, tree = call(daemon, "/toy", {"say": "tell me of XYZZY-42"}, token=daemon.client)
        assert status == 200
        assert "XYZZY-42" in tree["said"], "the toy detector's value came back through the toy dialect"
        sent = json.loads(host.record()[-1]["body"])
        assert sent["crossed"] is True, "the toy dialect crossed to the toy wire in neutral form"
        assert sent["toy"] is True and "XYZZY-42" not in json.dumps(sent) and "PRIVATE_" in json.dumps(sent)
        status, tree = call(daemon, "/toy", {"say": "SHOUT"}, token=daemon.client)
        assert status == 422 and "toys may not shout" in tree["wrong"]
        assert "toy_detector" in call(daemon, "/control/status")[1]["inspector"]["detectors"]
    finally:
        stop(process)


def test_the_toys_are_not_part_of_the_product() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import localrouter.gates as g; print([x.NAME for x in g.all_gates()])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "toy" not in done.stdout and "budget" in done.stdout
