"""The peers, made once and kept in the cache folder: llama-server, and llama-cpp-python's own server.

Both use the libraries of the llama-cpp-python that is installed here, as our engine does: same source, same compiler, same flags. Of
llama-server only the server itself is compiled (`llama_server/CMakeLists.txt`); the Python server gets its own virtual environment for what
it needs beside the package.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

from benchkit.install import CannotRun
from benchkit.native import cache

HERE = Path(__file__).resolve().parent
MINUTES = 60
NEEDS = (
    "uvicorn>=0.22",
    "fastapi>=0.100",
    "pydantic-settings>=2.0.1",
    "sse-starlette>=1.6.1",
    "starlette-context>=0.3.6,<0.4",
    "PyYAML>=5.1",
)
"""llama-cpp-python 0.3.36, pyproject.toml, `server`."""


def version() -> str:
    try:
        return importlib.metadata.version("llama-cpp-python")
    except importlib.metadata.PackageNotFoundError:
        raise CannotRun("llama-cpp-python is not installed here") from None


def libraries() -> Path:
    """The folder of libllama and libggml."""
    return Path(sysconfig.get_paths()["platlib"]) / "llama_cpp" / "lib"


def _run(command: list[str], what: str, log: Path) -> None:
    print(f"  {what} (log: {log})", file=sys.stderr, flush=True)
    with log.open("ab") as out:
        try:
            done = subprocess.run(command, stdout=out, stderr=out, timeout=MINUTES * 60, check=False)
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise CannotRun(f"{what} failed ({type(exc).__name__}), see {log.name} in the cache folder") from None
    if done.returncode:
        raise CannotRun(f"{what} failed, see {log.name} in the cache folder")


def source() -> Path:
    """llama.cpp as the installed package was built from it: `vendor/llama.cpp` of its source distribution."""
    folder = cache() / "src"
    name = f"llama_cpp_python-{version()}"
    tree = folder / name / "vendor" / "llama.cpp"
    if not (tree / "CMakeLists.txt").exists():
        folder.mkdir(exist_ok=True)
        archive = folder / f"{name}.tar.gz"
        if not archive.exists():
            command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--no-binary"]
            command += ["llama-cpp-python", "--dest", str(folder), f"llama-cpp-python=={version()}"]
            _run(command, "downloading the source of llama-cpp-python", folder / "download.log")
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
    return tree


def llama_server() -> Path:
    """The program; compiled in some ten minutes of two cores if it is not there."""
    folder = cache() / f"llama-server-{version()}"
    program = folder / "bin" / "llama-server"
    if program.exists():
        return program
    for tool in ("cmake", "c++"):
        if shutil.which(tool) is None:
            raise CannotRun(f"no {tool} here (Debian: apt install cmake g++)")
    tree, log = source(), cache() / "llama-server.log"
    nice = ["nice", "-n", "15"] if shutil.which("nice") else []
    made = ["cmake", "-S", str(HERE / "llama_server"), "-B", str(folder), "-DCMAKE_BUILD_TYPE=Release"]
    made += [f"-DSOURCE={tree}", f"-DLIBRARIES={libraries()}"]
    _run(made, "configuring llama-server", log)
    _run([*nice, "cmake", "--build", str(folder), "--target", "llama-server", "-j", "2"], "compiling llama-server", log)
    if not program.exists():
        raise CannotRun("the build of llama-server made no program")
    return program


def stock_python() -> Path:
    """A Python that has what llama-cpp-python's server needs, and sees the package as installed here."""
    folder = cache() / "llama-cpp-python-server"
    python = folder / "bin" / "python"
    mark = folder / "needs.txt"
    want = "\n".join(NEEDS)
    if not mark.exists() or mark.read_text() != want:
        log = cache() / "llama-cpp-python-server.log"
        _run([sys.executable, "-m", "venv", str(folder)], "making a virtual environment for llama-cpp-python's server", log)
        _run(
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *NEEDS],
            "installing what it needs",
            log,
        )
        tag = f"python{sys.version_info.major}.{sys.version_info.minor}"
        # Behind the environment's own packages.
        (folder / "lib" / tag / "site-packages" / "zz-here.pth").write_text(sysconfig.get_paths()["platlib"] + "\n")
        mark.write_text(want)
    return python
