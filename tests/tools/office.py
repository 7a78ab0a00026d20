"""An office's day: a home whose recipe sends all to one simulated host, and requests of many kinds through its daemon. For what is done with
recorded decisions."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from localrouter.daemon.rehearsal import Rehearsal

RECIPE = """name = "office"
description = "Everything to the large model."
extends = "balanced"
[[route]]
name = "named"
match = { model = ["rehearsal/*"] }
try = ["asked"]
[[route]]
name = "all"
try = ["rehearsal/large"]
"""

TEXTS = (
    "Summarise this in one sentence: the lift is out of order until Tuesday, the stairs are open, deliveries go to the back door.",
    "Translate to German: the meeting begins at nine and ends at noon.",
    "Classify this ticket as bug, question or praise: the export button does nothing.",
    "Why is the sky blue at noon and red in the evening?",
    "Write a Python function that merges two sorted lists, and a test for it.",
    "Prove that the sum of two odd numbers is even, then generalise to n odd numbers and discuss the converse.",
    "Draft an answer to maria.lopez@example.net: her parcel was sent on Monday.",
    "Summarise the call with Peter Brandt, phone +49 30 901820: he wants a refund.",
    "Extract the dates: the lease runs from 1 May 2024 to 30 April 2027.",
    "Name three risks of moving a database to another region.",
)


def write(home: Path, host: Rehearsal) -> None:
    """config.toml and the recipe `office`. The large model's prices are ten times the small one's."""
    config = home / "config"
    (config / "recipes").mkdir(parents=True, mode=0o700)
    config.chmod(0o700)
    lines = [
        "port = 0", 'recipe = "office"', "[budgets]", 'day_usd = "1000"', 'month_usd = "1000"', "[hosts.rehearsal]",
        f'origin = "{host.origin}"', 'key_env = "LOCALROUTER_REHEARSAL_KEY"', 'region = "eu"', "retention_days = 0", "trains_on_data = false",
    ]  # fmt: skip
    for name, price_in, price_out in (("large", "1.25", "10.00"), ("small", "0.125", "1.00"), ("slow", "1.25", "10.00")):
        lines.append(
            f'[models."rehearsal/{name}"]\nhost = "rehearsal"\nname = "{name}"\nprice_in = "{price_in}"\nprice_out = "{price_out}"\n'
            "context = 400000\nmax_output = 2048\ntools = true\njson_schema = true"
        )
    (config / "config.toml").write_text("\n".join(lines) + "\n")
    (config / "recipes" / "office.toml").write_text(RECIPE)


def send(port: int, token: str, count: int, texts: Sequence[str] = TEXTS, workers: int = 8) -> list[int]:
    """`count` requests over a few connections, each a conversation of its own; their statuses."""

    def some(numbers: Sequence[int]) -> list[int]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        out = []
        for number in numbers:
            body = {"model": "localrouter/auto", "messages": [{"role": "user", "content": texts[number % len(texts)]}]}
            headers = {
                "content-type": "application/json", "authorization": f"Bearer {token}", "x-localrouter-session": f"talk-{number}",
            }  # fmt: skip
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            answer = connection.getresponse()
            answer.read()
            out.append(answer.status)
        connection.close()
        return out

    with ThreadPoolExecutor(workers) as pool:
        return [status for part in pool.map(some, [range(i, count, workers) for i in range(workers)]) for status in part]


EDIT = """[[route]]
name = "easy"
before = "named"
match = { task = ["summarise", "extract", "classify", "translate"], tools = false }
try = ["rehearsal/small"]
"""
STEPS = (
    "recipe history",
    "recipe new cheaper --from office",
    EDIT,
    "recipe check cheaper",
    "recipe diff office cheaper",
    "recipe dry-run cheaper",
    "recipe apply cheaper --note 'short work to the small model'",
    "recipe rollback",
    "recipe history",
)
"""The README's transcript: a recipe is written, tried on COUNT recorded requests, put in force and taken back."""
COUNT = 1000
BEGIN, END = "<!-- transcript of tests/tools/office.py -->", "<!-- end of transcript -->"
README = Path(__file__).resolve().parents[2] / "README.md"


def transcript(home: Path) -> str:
    """STEPS as a person types them, and what is printed, in a home whose daemon runs."""
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    env |= {"LOCALROUTER_HOME": str(home), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "COLUMNS": "110"}
    lines: list[str] = []
    folder = home / "config" / "recipes"
    for step in STEPS:
        if step is EDIT:
            with (folder / "cheaper.toml").open("a") as file:
                file.write("\n" + EDIT)
            lines += ["$ cat >> ~/.config/localrouter/recipes/cheaper.toml", *EDIT.splitlines()]
            continue
        command = [sys.executable, "-P", "-m", "localrouter", *shlex.split(step)]
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=100, check=False)
        said = (done.stdout + done.stderr).replace(str(home / "config"), "~/.config/localrouter")
        lines += [f"$ localrouter {step}", *(line.rstrip() for line in said.splitlines() if line.strip())]
    return "\n".join(lines)


def masked(text: str) -> list[str]:
    """Its lines without what differs from run to run: versions, ids, times, prices, and how wide a column is for them."""
    for pattern, word in (
        (r"@[0-9a-f]{12}", "@HASH"), (r"lr-[0-9a-f]{11}-[0-9a-f]{10}", "ID"), (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME"),
        (r"\$\d+\.\d+", "$"), (r"Took \d+\.\d s", "Took S"), (r"─+", "─"), (r" +", " "),
    ):  # fmt: skip
        text = re.sub(pattern, word, text)
    return text.splitlines()


def shown() -> str:
    """The transcript that stands in the README."""
    return README.read_text().split(BEGIN, 1)[1].split(END, 1)[0].strip().removeprefix("```text").removesuffix("```").strip("\n")


def main() -> None:
    """Write the transcript of a fresh home into the README."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import conftest

    with tempfile.TemporaryDirectory() as folder, Rehearsal() as host:
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        write(home, host)
        process = conftest.start(home)
        try:
            daemon = conftest.wait(home, process, host)
            send(daemon.port, daemon.client, COUNT)
            text = transcript(home)
        finally:
            conftest.stop(process)
    before, rest = README.read_text().split(BEGIN, 1)
    README.write_text(f"{before}{BEGIN}\n```text\n{text}\n```\n{END}{rest.split(END, 1)[1]}")


if __name__ == "__main__":
    main()
