"""A daemon with one host for each thing that may happen to a request, and the requests that make it happen: what is explained is what was.

Every host is the rehearsal host; what a model does there is in its name (daemon/rehearsal.py).
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conftest import BUSY_S, Daemon, trace
from tiny_gguf import build

from localrouter.daemon.rehearsal import Rehearsal

MODELS = {
    "acme/large": ("rehearsal-1", "2.50", "10.00"),
    "acme/small": ("rehearsal-echo", "0.25", "2.00"),
    "busy/model": ("rehearsal-429", "1.00", "4.00"),
    "falter/model": ("rehearsal-500", "1.00", "4.00"),
    "silent/model": ("rehearsal-silent", "1.00", "4.00"),
    "brief/model": ("rehearsal-context", "1.00", "4.00"),
    "flaky/model": ("rehearsal-500", "1.00", "4.00"),
    "wordy/model": ("rehearsal-1", "2.00", "8.00"),
    "worn/model": ("rehearsal-503", "1.00", "4.00"),
    "shy/model": ("rehearsal-refuse", "1.00", "4.00"),
    "locked/model": ("rehearsal-401", "1.00", "4.00"),
    "torn/model": ("rehearsal-cut", "1.00", "4.00"),
    "patient/model": ("rehearsal-slow", "1.00", "4.00"),
}
"""What is asked for: (what it does, dollars per million tokens in, out)."""

ROUTES: dict[str, str] = {
    "here": 'try = ["local:chat", "acme/large"]',
    "escalated": 'try = ["local:chat", "acme/small"]\ncontract = { disclaimer = "This is no advice." }',
    "limited": 'try = ["busy/model", "acme/large"]\nfallback = { rate_limit = "next" }',
    "faulty": 'try = ["falter/model", "acme/large"]',
    "unanswered": 'try = ["silent/model", "acme/large"]\nlimits = { first_token_ms = 700 }',
    "too-long": 'try = ["brief/model", "acme/large"]',
    "worn": 'try = ["worn/model", "acme/large"]\nfallback = { server_error = "next" }',
    "dear": 'try = ["acme/large"]\nlimits = { cost_usd = 0.00001 }',
    "thrifty": 'try = ["acme/large", "acme/small"]\nlimits = { cost_usd = 0.005 }',
    "flaky": 'try = ["flaky/model", "acme/large"]',
    "labelled": 'try = ["wordy/model", "acme/small"]\ncontract = { labels = ["yes", "no"] }',
    "stubborn": 'try = ["wordy/model"]\ncontract = { labels = ["yes", "no"] }\nfallback = { contract = ["repair_once"] }',
    "declined": 'try = ["shy/model", "acme/large"]\nfallback = { refusal = "next" }',
    "declined-told": 'try = ["shy/model", "acme/large"]',
    "locked": 'try = ["locked/model", "acme/large"]',
    "torn": 'try = ["torn/model", "acme/large"]',
    "all-fail": 'try = ["falter/model", "brief/model"]\nfallback = { server_error = "next" }',
    "static": 'try = ["falter/model"]\nfallback = { server_error = "static:We are closed for the moment." }',
    "clarified": 'try = ["brief/model"]\nfallback = { context_length = "clarify" }',
    "patient": 'try = ["patient/model"]',
    "abroad": 'try = ["abroad/model", "local:chat"]',
    "clinic": 'try = ["acme/large"]',
    "talk": 'try = ["acme/small", "acme/large"]',
    "talk-up": 'try = ["acme/large", "acme/small"]',
}
"""By the header `x-case`: what else a route says."""


def recipe() -> str:
    """The policy `office`: a route for each case, and one for the rest."""
    parts = [
        'name = "office"\nextends = "balanced"',
        '[models]\nhonour = ["acme/*", "local:*"]\nmap = { "gpt-*" = "acme/small" }',
        "[loop]\nsame_requests = 3",
        '[domains.medical]\nroute = "clinic"\nreview = true',
    ]
    for name, more in ROUTES.items():
        parts.append(f'[[route]]\nname = "{name}"\nmatch = {{ headers = {{ x-case = "{name}" }} }}\n{more}')
    parts.append('[[route]]\nname = "chores"\nmatch = { cheap = true }\ntry = ["acme/small"]')
    parts.append(
        '[[route]]\nname = "night"\nmatch = { headers = { x-case = "hours" }, hours = ["00:00-12:00", "12:00-00:00"] }\ntry = ["acme/small"]'
    )
    parts.append('[[route]]\nname = "default"\ntry = ["asked", "acme/large", "acme/small"]')
    return "\n\n".join(parts) + "\n"


def write(home: Path, host: Rehearsal, *, day_usd: str = "5.00") -> None:
    """Settings, the policy, and a tiny local model."""
    folder = home / "config" / "recipes"
    folder.mkdir(parents=True, mode=0o700)
    (home / "config").chmod(0o700)
    model = build(home / "tiny.gguf")
    lines = [
        "port = 0",
        'recipe = "office"',
        f'[local]\nmodel = "{model}"\nctx = 2048',
        f'[budgets]\nday_usd = "{day_usd}"\nmonth_usd = "50"',
    ]
    names = sorted({name.partition("/")[0] for name in MODELS} | {"abroad"})
    for name in names:
        region, days = ("us", 30) if name == "abroad" else ("eu", 0)
        lines.append(
            f'[hosts.{name}]\norigin = "{host.origin}"\nkey_env = "LOCALROUTER_REHEARSAL_KEY"\nregion = "{region}"\n'
            f"retention_days = {days}\ntrains_on_data = false"
        )
    for name, (does, price_in, price_out) in {**MODELS, "abroad/model": ("rehearsal-1", "1.00", "4.00")}.items():
        lines.append(
            f'[models."{name}"]\nhost = "{name.partition("/")[0]}"\nname = "{does}"\nprice_in = "{price_in}"\nprice_out = "{price_out}"\n'
            f"context = {400000 if does != 'rehearsal-context' else 300000}\nmax_output = 2048\ntools = true\njson_schema = true"
        )
    (home / "config" / "config.toml").write_text("\n".join(lines) + "\n")
    (folder / "office.toml").write_text(recipe())


@dataclass
class Asking:
    """Requests of one client."""

    daemon: Daemon
    ids: dict[str, str] = field(default_factory=dict)

    def ask(
        self,
        case: str,
        text: str | list[dict[str, Any]],
        model: str = "localrouter/auto",
        limit: int = 300,
        *,
        stream: bool = False,
        **headers: str,
    ) -> dict[str, Any]:
        """The trace of one request by the route for `case`. `limit`: tokens of the answer; `stream`: only a
        streamed answer's first word has a time."""
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=BUSY_S)
        messages = [{"role": "user", "content": text}] if isinstance(text, str) else text
        body = json.dumps({"model": model, "messages": messages, "max_tokens": limit, "stream": stream})
        head = {"content-type": "application/json", "authorization": f"Bearer {self.daemon.client}", "x-case": case}
        head |= {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request("POST", "/v1/chat/completions", body, head)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        self.ids[case] = id_ = str(answer.headers["x-localrouter-id"])
        return trace(self.daemon, id_)
