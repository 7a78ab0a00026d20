"""The local models of the catalogue: the shipped ones are whole, and a wrong one is told with file, line and key."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from localrouter.config.catalogue import load_catalogue
from localrouter.config.faults import ConfigFault
from localrouter.config.local_models import local_models
from localrouter.engine.families import all_families

GOOD = """[local."tiny-1"]
title = "Tiny"
class = "tiny"
repo = "someone/Tiny-GGUF"
file = "tiny-Q4_K_M.gguf"
sha256 = ""
licence = "apache-2.0"
roles = ["chat"]
"""


def read(text: str) -> object:
    return local_models("models.toml", text, tomllib.loads(text)["local"])


def test_the_shipped_ones() -> None:
    local = load_catalogue().local
    assert {"qwen3.5-0.8b", "qwen3.5-2b", "qwen3.5-4b", "gemma-4-e2b", "gemma-4-e4b", "llama-3.2-1b", "llama-3.2-3b", "phi-4-mini",
            "smollm3-3b", "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "granite-4.0-micro", "gpt-oss-20b"} <= set(local)  # fmt: skip
    assert {c for m in local.values() for c in (m.size_class,)} == {"tiny", "small", "medium", "large"}
    assert {r for m in local.values() for r in m.roles} == {"chat", "fim", "code", "embed", "rerank"}
    for model in local.values():
        # What is pinned to a commit cannot change under its hash; what is not pinned to one is said so by the word.
        assert model.revision == "main" or len(model.revision) == 40
        assert not model.size or model.size / 1e9 < model.ram_gb
    files = [(m.repo, m.file) for m in local.values()]
    assert len(set(files)) == len(files)


def test_families_are_those_that_the_engine_knows() -> None:
    names = {f.NAME for f in all_families()}
    assert {m.family for m in load_catalogue().local.values() if m.family} <= names
    assert all(m.family for m in load_catalogue().local.values() if "chat" in m.roles)


def test_defaults() -> None:
    (model,) = local_models("f", GOOD, tomllib.loads(GOOD)["local"]).values()
    assert (model.name, model.revision, model.size, model.languages, model.tools) == ("tiny-1", "main", 0, (), False)


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ('sha256 = ""', 'sha256 = "abc"', 6, "'sha256' must be 64 hexadecimal digits"),
        ('sha256 = ""', 'sha = ""', 6, "unknown key 'sha'"),
        ('class = "tiny"', 'class = "huge"', 3, "one of tiny, small, medium, large"),
        ('repo = "someone/Tiny-GGUF"', 'repo = "https://evil.invalid/x"', 4, "OWNER/NAME"),
        ('file = "tiny-Q4_K_M.gguf"', 'file = "../../etc/passwd.gguf"', 5, "a path in the repository"),
        ('file = "tiny-Q4_K_M.gguf"', 'file = "a/..b.gguf"', 5, "a path in the repository"),
        ('file = "tiny-Q4_K_M.gguf"', 'file = "/x.gguf"', 5, "a path in the repository"),
        ('file = "tiny-Q4_K_M.gguf"', 'file = "x.safetensors"', 5, "a path in the repository"),
        ('roles = ["chat"]', 'roles = ["chat", "talk"]', 8, "a list of chat"),
        ('roles = ["chat"]', 'roles = ["chat", "chat"]', 8, "each once"),
        ('roles = ["chat"]', 'roles = []', 1, "'roles' is missing"),
        ('title = "Tiny"', 'size = -1', 2, "a whole number above 0"),
        ('title = "Tiny"', 'size = true', 2, "a whole number above 0"),
        ('title = "Tiny"', 'tools = "yes"', 2, "true or false"),
        ('title = "Tiny"', 'ram_gb = "much"', 2, "a number of gigabytes"),
        ('title = "Tiny"', 'title = "Ti\\u001bny"', 2, "a line of text"),
        ('title = "Tiny"', 'revision = "v1"', 2, "a commit of 40"),
        ('[local."tiny-1"]', '[local."Tiny 1"]', 1, "small letters"),
    ],
)  # fmt: skip
def test_a_wrong_one_is_told(old: str, new: str, line: int, what: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigFault, match=what) as caught:
        read(GOOD.replace(old, new))
    assert f"models.toml:{line}: local model" in str(caught.value)


PARTS = GOOD.replace(
    'file = "tiny-Q4_K_M.gguf"\nsha256 = ""\n',
    "parts = [\n"
    + "".join(f'  {{ file = "q/tiny-0000{n}-of-00003.gguf", size = {n}00, sha256 = "{str(n) * 64}" }},\n' for n in (1, 2, 3))
    + "]\n",
)


def test_a_model_in_parts() -> None:
    (model,) = local_models("f", PARTS, tomllib.loads(PARTS)["local"]).values()
    assert model.file == "q/tiny-00001-of-00003.gguf" and model.size == 600 and model.sha256 == ""
    assert [(p.file[-7:], p.size, p.sha256[:1]) for p in model.parts] == [("03.gguf", 100 * n, str(n)) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("size = 200, ", "", "part 2 must have 'file', 'size' and 'sha256', and nothing else"),
        ("size = 200", "size = 0", "'size' of part 2 must be a whole number above 0"),
        ('"' + "3" * 64 + '"', '"33"', "'sha256' of part 3 must be 64 hexadecimal digits"),
        ('"' + "3" * 64 + '"', '""', "part 3 has no 'sha256'"),
        ("00002-of", "00003-of", r"part 2 of 3 must be called q/tiny-00002-of-00003\.gguf"),
        ("00001-of-00003", "00001-of-00004", "part 1 of 3 must be called q/tiny-00001-of-00003"),
        ("q/tiny-00002", "../tiny-00002", "'file' of part 2 must be a path"),
        ("q/tiny-00001-of-00003", "q/tiny", r"part 1 of 3 must be called NAME-00001-of"),
        ("parts = [", "size = 5\nparts = [", "'size' stands beside 'parts'"),
        ("parts = [", 'file = "x.gguf"\nparts = [', "'file' stands beside 'parts'"),
    ],
)
def test_wrong_parts_are_told(old: str, new: str, what: str) -> None:
    assert old in PARTS
    with pytest.raises(ConfigFault, match=what):
        read(PARTS.replace(old, new, 1))


def test_one_hash_for_several_files_is_told() -> None:
    with pytest.raises(ConfigFault, match=r"models\.toml:5: .*it is one of 2 files"):
        read(GOOD.replace("tiny-Q4_K_M", "tiny-00001-of-00002"))


def test_what_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(ConfigFault, match="'local' must be a table"):
        read("local = 1\n")
    with pytest.raises(ConfigFault, match="must be a table"):
        read("[local]\nx = 1\n")
    file = tmp_path / "models.toml"
    file.write_text(GOOD.replace("tiny-Q4_K_M.gguf", "x"))
    with pytest.raises(ConfigFault, match=r"models\.toml:5: local model 'tiny-1': 'file' must be"):
        load_catalogue(file)
