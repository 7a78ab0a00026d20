"""An office's day: a home whose recipe sends all to one simulated host, and requests of many kinds through its daemon. For what is done with
recorded decisions."""

from __future__ import annotations

import http.client
import json
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
