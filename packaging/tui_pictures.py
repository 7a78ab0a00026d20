"""Pictures of the TUI for the README: the real daemon before the rehearsal host, in a temporary home, and the TUI over it.

Run: .venv/bin/python packaging/tui_pictures.py. Needs Debian's chromium (or rsvg-convert) and a monospaced font (fonts-dejavu-core,
fonts-firacode). Nothing leaves the machine: the host is a simulation on loopback. The home and the daemon are gone afterwards.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tui")]

from localrouter_tui.app import RouterApp  # noqa: E402  # after the path
from localrouter_tui.client import Daemon  # noqa: E402
from localrouter_tui.clock import Clock  # noqa: E402
from localrouter_tui.screens.recipes import RecipesScreen  # noqa: E402
from localrouter_tui.verbs import Verbs  # noqa: E402
from localrouter_tui.widgets.panel import Panel  # noqa: E402
from localrouter_tui.widgets.requests import RequestList  # noqa: E402
from textual.pilot import Pilot  # noqa: E402  # after the path

from localrouter.config.paths import Paths  # noqa: E402
from localrouter.core.errors import RouterError  # noqa: E402
from localrouter.daemon.client import Client, address  # noqa: E402
from localrouter.daemon.rehearsal import Rehearsal  # noqa: E402
from localrouter.evals.samples import samples  # noqa: E402

FOLDER = ROOT / "packaging" / "pictures"
MOST = 300_000
SCALE = 0.8
"""Of the drawing's own 12 pixels a character: enough to read, and the wide picture stays small."""
THRIFT = """name = "thrift"
description = "As demo, and easy work to the small model."
extends = "demo"
[[route]]
name = "easy"
before = "default"
match = { difficulty_below = 0.35, tools = false }
try = ["rehearsal/small", "rehearsal/simulated"]
"""
"""A changed recipe, to be tried on what was asked."""
_BODY = base64.b64encode(b"".join(hashlib.sha512(bytes([i])).digest() for i in range(9))).decode()
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "\n".join(textwrap.wrap(_BODY, 64)) + "\n-----END RSA " + "PRIVATE KEY-----"
"""A key in its form; it opens nothing."""


def main() -> int:
    """Draw all pictures. 0 when each is there and small enough."""
    with contextlib.ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="localrouter-pictures-", ignore_cleanup_errors=True))
        )
        paths = write_home(folder, stack.enter_context(Rehearsal()).origin)
        client = stack.enter_context(running(folder, paths))
        send(client)
        drawings = asyncio.run(draw(paths))
        FOLDER.mkdir(exist_ok=True)
        for name, svg in drawings.items():
            file = FOLDER / f"{name}.png"
            render(svg, file, folder)
            size = file.stat().st_size
            print(f"{file.relative_to(ROOT)}  {size / 1000:.0f} KB")
            if size > MOST:
                print(f"{file.name} is larger than {MOST // 1000} KB.")
                return 1
    return 0


def write_home(folder: Path, origin: str) -> Paths:
    """Settings and a recipe that send all to the rehearsal host."""
    paths = Paths(folder / "config", folder / "state")
    paths.ensure()
    (paths.config / "recipes").mkdir(mode=0o700)
    lines = ["port = 0", 'recipe = "demo"', '[budgets]\nday_usd = "0.01"\nmonth_usd = "1.00"']
    lines.append(
        f'[hosts.rehearsal]\norigin = "{origin}"\nkey_env = "LOCALROUTER_REHEARSAL_KEY"\nregion = "eu"\nretention_days = 0\n'
        "trains_on_data = false"
    )
    for name, price_in, price_out in (
        ("simulated", "0.25", "2.00"),
        ("rehearsal-429", "0.25", "2.00"),
        ("small", "0.05", "0.40"),
    ):
        lines.append(
            f'[models."rehearsal/{name}"]\nhost = "rehearsal"\nname = "{name}"\nprice_in = "{price_in}"\nprice_out = "{price_out}"\n'
            "context = 400000\nmax_output = 2048\ntools = true\njson_schema = true"
        )
    paths.config_file.write_text("\n".join(lines) + "\n")
    recipe = [
        'name = "demo"',
        'extends = "balanced"',
        '[[route]]\nname = "default"\ntry = ["asked", "rehearsal/simulated", "local:chat"]',
    ]
    (paths.config / "recipes" / "demo.toml").write_text("\n".join(recipe) + "\n")
    (paths.config / "recipes" / "thrift.toml").write_text(THRIFT)
    return paths


@contextlib.contextmanager
def running(folder: Path, paths: Paths) -> Iterator[Client]:
    """The daemon, ready to scan; ended afterwards. Raises RuntimeError when it does not start."""
    env = {**os.environ, "LOCALROUTER_HOME": str(folder), "LOCALROUTER_REHEARSAL_KEY": "rehearsal"}
    env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    with (folder / "daemon.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-P", "-m", "localrouter.daemon.serve"], env=env, stdout=log, stderr=log)
    try:
        yield ready(paths, process, folder / "daemon.log")
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def ready(paths: Paths, process: subprocess.Popen[bytes], log: Path) -> Client:
    """A client once the privacy scan runs."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(RouterError):
            if address(paths).pid == process.pid:
                client = Client(paths)
                if client.get("status")["inspector"]["alive"]:
                    return client
        time.sleep(0.05)
    raise RuntimeError("The daemon did not start: " + log.read_text(errors="replace"))


def send(client: Client) -> None:
    """Some of the demo's prompts, a private key that must stay here, and one whose first host is out of order."""
    bodies: list[dict[str, Any]] = [s.body("localrouter/auto") for s in samples()]
    key = {"model": "localrouter/auto", "messages": [{"role": "user", "content": f"Is this key still in use?\n{PEM}"}]}
    busy = samples()[3].body("rehearsal/rehearsal-429")
    for body in [*bodies[:5], key, *bodies[5:], busy]:
        with contextlib.suppress(RouterError):
            _, chunks = client.chat(body)
            list(chunks)
        time.sleep(0.4)  # so that the times of day differ


async def draw(paths: Paths) -> dict[str, str]:
    """Name -> SVG."""
    out = {}
    for name, size, row, keys in (
        ("tui-wide", (140, 40), "mail", ()),
        ("tui-80x24", (80, 24), "", ()),
        ("tui-80x24-detail", (80, 24), "env", ("enter",)),
        ("tui-recipes", (100, 30), "", ("r",)),
    ):
        app = RouterApp(Daemon(paths), Clock(UTC), Verbs(paths))
        async with app.run_test(size=size) as pilot:
            rows = app.query_one(RequestList)
            for _ in range(200):
                await pilot.pause(0.05)
                if rows.rows:
                    break
            await pilot.press(*["down"] * place(rows, row), *keys)
            for _ in range(100):
                await pilot.pause(0.05)
                record = app.query_one(Panel).record
                chosen = rows.chosen
                if record is None or chosen is None or record.row.id == chosen.id:
                    break
            if isinstance(app.screen, RecipesScreen):
                await tried(pilot)
            await pilot.pause(0.5)
            out[name] = app.export_screenshot(title="localrouter")
    return out


async def tried(pilot: Pilot[None]) -> None:
    """Another recipe put in force and taken back, and tried on what was asked."""
    for keys, words in (
        (("a", *"thrift", "enter"), "from now on?"),
        (("w", *"easy work is cheap", "enter", "y"), "in force: thrift@"),
        (("b",), "again"),
        (("w", *"the answers got worse", "enter", "y"), "in force: demo@"),
        (("t", *"thrift", "enter"), "Nothing was sent."),
    ):
        await seen(pilot, "")
        await pilot.press(*keys)
        await seen(pilot, words)


async def seen(pilot: Pilot[None], words: str) -> None:
    """Wait until the words stand on the screen. Raises RuntimeError when they do not come."""
    for _ in range(1200):
        await pilot.pause(0.05)
        text = "\n".join("".join(part.text for part in strip) for strip in pilot.app.screen._compositor.render_strips())
        if words in text and "looking ..." not in text:
            return
    raise RuntimeError(f"The screen never said {words!r}.")


def place(rows: RequestList, kind: str) -> int:
    """How far down the picture's request stands."""
    wanted = {"env": {"API_KEY", "PASSWORD", "SECRET"}, "mail": {"PERSON", "IBAN", "CARD"}}.get(kind, set())
    for i, row in enumerate(rows.rows):
        if wanted and wanted <= {name for name, _ in row.findings} and row.status == 200:
            return i
    return 0


def render(svg: str, file: Path, folder: Path) -> None:
    """SVG to PNG. Raises RuntimeError when no tool for it is installed."""
    # The fonts are those of this machine: the drawing names a web font, and nothing is fetched.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.S).replace(
        "font-family: Fira Code,", "font-family: 'Fira Code', 'DejaVu Sans Mono',"
    )
    source = folder / f"{file.stem}.svg"
    source.write_text(svg, encoding="utf-8")
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    width, height = (round(float(n)) for n in box.groups()) if box else (1200, 800)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium:
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--default-background-color=00000000",
                   f"--user-data-dir={folder / 'chromium'}", f"--window-size={width},{height}", f"--force-device-scale-factor={SCALE}", f"--screenshot={file}", source.as_uri()]  # fmt: skip
    elif shutil.which("rsvg-convert"):
        command = ["rsvg-convert", "--zoom", str(SCALE), "--output", str(file), str(source)]
    else:
        raise RuntimeError("Install chromium or librsvg2-bin: nothing here turns SVG into PNG.")
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    if done.returncode or not file.exists():
        raise RuntimeError(done.stderr.decode(errors="replace"))


if __name__ == "__main__":
    sys.exit(main())
