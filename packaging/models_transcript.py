"""Write README's transcript of `localrouter models`: the real command line and the real client of the hub, against a stand-in on loopback
that is as slow as a network; interrupted by Ctrl-C and run again. `python packaging/models_transcript.py [--readme]`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "tools"), str(ROOT / "tests" / "engine")]

import tiny_header  # noqa: E402
from hub_stand_in import HubStandIn  # noqa: E402

REPO, FILE = "someone/Tiny-GGUF", "tiny-Q8_0.gguf"
SIZE, SPEED = 150_000_000, 8_000_000
MARKS = ("<!-- models:start -->", "<!-- models:end -->")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, HubStandIn() as hub:
        home = Path(folder)
        hub.add(REPO, FILE, tiny_header.write(home / "m.gguf", pad=SIZE).read_bytes())
        hub.behaviour.per_second = SPEED // 4  # of each of four connections
        (home / "user").mkdir()
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home / "user"),
            "LOCALROUTER_HOME": str(home / "lr"),
            "HF_ENDPOINT": hub.endpoint,
            "COLUMNS": "110",
        }
        out: list[str] = []

        def run(*args: str, stop_at: int = 0) -> None:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "localrouter", "models", *args],
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            while stop_at and hub.sent() < stop_at and process.poll() is None:
                time.sleep(0.05)
            if stop_at:
                process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=300)[0]
            out.append(f"$ localrouter models {' '.join(args)}")
            out.extend(line.rstrip() for line in said.replace(str(home / "lr"), "~/.local").splitlines() if line.strip())
            if process.returncode:
                out.append(f"[exit code {process.returncode}]")

        run("pull", f"{REPO}/{FILE}", stop_at=SIZE * 55 // 100)
        before = hub.sent()
        run("pull", f"{REPO}/{FILE}")
        out.append(
            f"[the hub sent {before / 1e6:.0f} MB before and {(hub.sent() - before) / 1e6:.0f} MB after, of a file of {SIZE / 1e6:.0f} MB]"
        )
        run("use", FILE)
        run("list")
        run("verify")
    text = "\n".join(out)
    print(text)
    if "--readme" in sys.argv:
        readme = ROOT / "README.md"
        start, end = MARKS
        block = f"{start}\n```\n{text}\n```\n{end}"
        readme.write_text(re.sub(re.escape(start) + ".*?" + re.escape(end), lambda _: block, readme.read_text(), flags=re.DOTALL))


if __name__ == "__main__":
    main()
