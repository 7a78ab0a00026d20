"""The house rules of the design, held by machine: layers, single imports, what the processes never load."""

from __future__ import annotations

import ast
import fnmatch
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "localrouter"


def test_import_linter_contracts_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def _imports(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found |= {f"{node.module}.{a.name}" for a in node.names}
    return found


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("httpx", {"localrouter/daemon/egress.py"}),
        ("aiohttp", {"localrouter/daemon/egress.py"}),
        ("sqlite3", {"localrouter/store/*"}),
        ("sqlite_utils", {"localrouter/store/*"}),
        ("presidio_analyzer", {"localrouter/scrub/detectors/*"}),
        ("spacy", {"localrouter/scrub/detectors/*"}),
        ("keyring", {"localrouter/keys/keeper.py"}),
        ("textual", {"tui/*"}),
        ("llama_cpp", {"localrouter/engine/*"}),
        ("tokenizers", {"localrouter/engine/*"}),
        ("numpy", {"localrouter/engine/*"}),
        ("uvicorn", {"localrouter/daemon/serve.py", "localrouter/daemon/deadlines.py", "localrouter/daemon/rehearsal.py"}),
    ],
)
def test_a_library_is_imported_in_its_room_only(module: str, allowed: set[str]) -> None:
    users = set()
    for file in [*PACKAGE.rglob("*.py"), *(ROOT / "tui").rglob("*.py")]:
        if any(name == module or name.startswith(module + ".") for name in _imports(file)):
            users.add(file.relative_to(ROOT).as_posix())
    wrong = {u for u in users if not any(fnmatch.fnmatch(u, a) for a in allowed)}
    assert not wrong
    assert users, f"nobody imports {module}: the rule is stale"


@pytest.mark.parametrize("room", ["dialects", "providers", "gates", "scrub/detectors"])
def test_files_of_a_registry_import_no_sibling(room: str) -> None:
    dotted = "localrouter." + room.replace("/", ".")
    names = {f.stem for f in (PACKAGE / room).glob("*.py")}
    assert len(names) > 1
    for file in (PACKAGE / room).glob("*.py"):
        if file.stem == "__init__":
            continue
        for name in _imports(file):
            sibling = name.removeprefix(dotted + ".").split(".")[0] if name.startswith(dotted + ".") else ""
            assert not (sibling in names and not sibling.startswith("_")), f"{file.name} imports {sibling}"


def _modules(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", code + "\nimport sys, json; print(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_the_daemon_process_never_loads_the_scanners_or_models() -> None:
    loaded = _modules(
        "import localrouter.daemon.serve, localrouter.dialects as d, localrouter.gates as g, localrouter.providers as p; d.all_dialects(); g.all_gates(); p.all_wires()"
    )
    assert "httpx" in loaded
    assert not loaded & {"spacy", "presidio_analyzer", "llama_cpp", "numpy", "tokenizers", "textual", "keyring", "thinc"}


def test_the_core_is_pure() -> None:
    # pydantic, which recipes are made of, loads asyncio for itself; what the core's own files import is checked instead.
    forbidden = {"asyncio", "socket", "random", "os", "sqlite3", "subprocess", "time", "httpx", "threading", "pathlib", "io"}
    files = list((PACKAGE / "core").glob("*.py"))
    assert len(files) > 10
    for file in files:
        assert not {name.split(".")[0] for name in _imports(file)} & forbidden, file.name
    loaded = _modules("import localrouter.core.money, localrouter.core.ask, localrouter.core.chat, localrouter.core.kinds")
    assert not loaded & {"asyncio", "socket", "sqlite3", "subprocess", "httpx", "uvicorn"}


def test_the_inspector_never_loads_money_or_keys() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import localrouter.inspector.__main__, localrouter.scrub.detectors as d, sys; d.find('NHS number 943 476 5919', ''); print('\\n'.join(sys.modules))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(done.stdout.split())
    assert "presidio_analyzer" in loaded
    assert not {m for m in loaded if m.startswith(("localrouter.keys", "localrouter.store", "localrouter.daemon", "keyring"))}


def test_help_loads_nothing_heavy() -> None:
    """`--help` answers in under 200 ms because of what it does not import; the time itself is measured by the bench."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "localrouter", "--help"], capture_output=True, text=True, check=True
    )
    assert "recipe" in done.stdout
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "click" in loaded
    assert not loaded & {"pydantic", "httpx", "uvicorn", "rich", "asyncio", "sqlite3", "textual", "tomlkit"}


def test_every_test_file_says_what_it_is() -> None:
    for file in (ROOT / "tests").rglob("test_*.py"):
        assert ast.get_docstring(ast.parse(file.read_text())), f"{file} has no docstring"


def test_no_workplace_words_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    words = ("/work/" + "main", "/opt/" + "pypi", "pypi" + "-more")
    for name in listed.stdout.split():
        file = ROOT / name
        if file.suffix in (".py", ".md", ".toml", ".sh", "") and file.is_file():
            text = file.read_text(errors="replace")
            assert not [w for w in words if w in text], name


def test_every_child_is_started_without_the_working_directory_on_its_path() -> None:
    starts = [f for f in PACKAGE.rglob("*.py") if "sys.executable" in f.read_text() and '"-m"' in f.read_text()]
    assert len(starts) >= 5
    for file in starts:
        text = file.read_text()
        assert text.count('"-m"') - text.count('"-m",\n        "') <= text.count("*SAFE") or file.name == "ask.py", file


def test_no_two_test_files_share_a_name() -> None:
    """pytest imports them by name from many folders, and takes the first for the second."""
    names = Counter(file.name for file in (ROOT / "tests").rglob("*.py") if file.name not in ("conftest.py", "__init__.py"))
    assert not {name for name, count in names.items() if count > 1 and name.startswith("test_")}
