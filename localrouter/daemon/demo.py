"""The demo: the real daemon in a temporary home, real prompts through it, and what happened, read back from its own traces.

The host behind it is the rehearsal host (simulated, on loopback) or, with `--host`, a real one with the user's own key. What a
sample's gold spans must not do is checked against what the host received, and the restored answer against what the host said.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from localrouter.config.paths import SAFE, Paths, private_dir
from localrouter.core.errors import NotFound, RouterError
from localrouter.core.kinds import KINDS
from localrouter.daemon.client import Client, Refused, address
from localrouter.evals.samples import Sample, samples

KEY_ENV = "LOCALROUTER_REHEARSAL_KEY"
REAL_MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-haiku-4-5", "google": "gemini-2.5-flash", "mistral": "mistral-small-latest",
               "deepseek": "deepseek-chat", "xai": "grok-4-fast", "openrouter": "auto"}  # fmt: skip
START_S = 60.0


class DemoFault(RouterError):
    """The demo cannot run."""

    code = "start"


@dataclass(slots=True)
class Shown:
    """What one sample showed. `missed` are gold spans that reached the host: named openly. `ms` is the whole request."""

    name: str
    title: str
    trace_id: str = ""
    lane: str = ""
    route: str = ""
    model: str = ""
    reason: str = ""
    left_machine: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    answer: str = ""
    findings: dict[str, int] = field(default_factory=dict)
    gold: int = 0
    missed: list[str] = field(default_factory=list)
    cost_usd: float = 0.0
    ms: float = 0.0
    restored_ok: bool = False
    error: str = ""


def _home(folder: Path, host: str, origin: str) -> None:
    config = private_dir(folder / "config")
    private_dir(config / "recipes")
    lines = ["port = 0", 'recipe = "demo"', '[budgets]\nday_usd = "1.00"\nmonth_usd = "1.00"']
    if host == "rehearsal":
        target = "rehearsal/simulated"
        lines.append(
            f'[hosts.rehearsal]\norigin = "{origin}"\nkey_env = "{KEY_ENV}"\nregion = "eu"\nretention_days = 0\ntrains_on_data = false\n'
            '[models."rehearsal/simulated"]\nhost = "rehearsal"\nname = "simulated"\nprice_in = "0.25"\nprice_out = "2.00"\n'
            "context = 400000\nmax_output = 4096\ntools = true\njson_schema = true"
        )
    else:
        target = f"{host}/{REAL_MODELS[host]}"
    easy = '{ task = ["chat", "summarise"], difficulty_below = 0.35, tools = false }'
    (config / "config.toml").write_text("\n".join(lines) + "\n")
    (config / "recipes" / "demo.toml").write_text(
        'name = "demo"\ndescription = "The balanced recipe, aimed at one host."\nextends = "balanced"\n'
        f'[[route]]\nname = "easy"\nmatch = {easy}\ntry = ["local:chat", "{target}"]\n'
        f'[[route]]\nname = "default"\ntry = ["{target}", "local:chat"]\n'
    )


@contextlib.contextmanager
def _daemon(folder: Path, local: Path | None, *, own_keys: bool) -> Iterator[Client]:
    env = {**os.environ, "LOCALROUTER_HOME": str(folder)}
    if not own_keys:
        env[KEY_ENV] = "rehearsal"
        # The demo needs no key of yours, so it does not ask your keyring.
        env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    log = folder / "daemon.log"
    overrides = {"local": str(local.absolute())} if local else {}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *SAFE, "-m", "localrouter.daemon.serve", json.dumps(overrides)],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        yield _wait(Paths(folder / "config", folder / "state"), process, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(paths: Paths, process: subprocess.Popen[bytes], log: Path) -> Client:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            said = log.read_text(errors="replace").strip().splitlines()
            raise DemoFault("The daemon did not start.", said[-1] if said else f"It ended with {process.returncode}.")
        with contextlib.suppress(RouterError):
            if address(paths).pid == process.pid:
                client = Client(paths, timeout=900)
                if client.get("status")["inspector"]["alive"]:
                    return client
        time.sleep(0.05)
    raise DemoFault(f"The daemon was not ready within {START_S:.0f} seconds.", "Run `localrouter doctor`.")


def run(
    *,
    host: str = "rehearsal",
    local: Path | None = None,
    only: tuple[str, ...] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Shown]:
    """Each sample as it is done. `tell` is called with what happens now. Raises DemoFault, NotFound."""
    if host != "rehearsal" and host not in REAL_MODELS:
        raise NotFound(
            f"The demo does not know the host '{host[:40]}'.", "Choose one of " + ", ".join(["rehearsal", *REAL_MODELS]) + "."
        )
    if local is not None and not local.is_file():
        raise DemoFault(f"The local model file {local} does not exist.", "Pass an existing GGUF file to `--local`.")
    chosen = [s for s in samples() if not only or s.name in only]
    if not chosen:
        raise NotFound("No sample has that name.", "They are: " + ", ".join(s.name for s in samples()) + ".")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="localrouter-demo-", ignore_cleanup_errors=True)))
        rehearsal = None
        origin = ""
        if host == "rehearsal":
            from localrouter.daemon.rehearsal import Rehearsal

            rehearsal = stack.enter_context(Rehearsal())
            origin = rehearsal.origin
        _home(folder, host, origin)
        tell("starting the daemon and its privacy scan")
        client = stack.enter_context(_daemon(folder, local, own_keys=host != "rehearsal"))
        for sample in chosen:
            tell(sample.title)
            before = len(rehearsal.record()) if rehearsal else 0
            shown = _one(client, sample)
            entries = rehearsal.record()[before:] if rehearsal else []
            yield _judged(client, sample, shown, entries)


def _one(client: Client, sample: Sample) -> Shown:
    shown = Shown(sample.name, sample.title, gold=len({g.value for g in sample.gold}))
    start = time.monotonic()
    text: list[str] = []
    try:
        headers, chunks = client.chat(sample.body("localrouter/auto"))
        shown.trace_id = headers["x-localrouter-id"]
        for chunk in chunks:
            for choice in chunk.get("choices", ()):
                delta = choice.get("delta", {})
                text.append(delta.get("content") or "")
                text += [(c.get("function") or {}).get("arguments") or "" for c in delta.get("tool_calls") or ()]
    except Refused as exc:
        shown.error = str(exc)
    shown.ms = round((time.monotonic() - start) * 1000, 1)
    shown.answer = "".join(text)
    record = _trace(client, shown.trace_id)
    shown.trace_id = record["id"]
    shown.lane, shown.route, shown.model, shown.reason = record["lane"], record["route"], record["model"], record["explain"]
    shown.left_machine, shown.tokens, shown.findings = record["left_machine"], record["tokens"], record["findings"]
    shown.cost_usd = record["cost_micro"] / 1_000_000
    return shown


def _trace(client: Client, id_: str) -> dict[str, Any]:
    """The note is written after the answer's last byte, so it may be a moment late. Without an id: the newest."""
    for _ in range(100):
        with contextlib.suppress(Refused):
            if not id_:
                time.sleep(0.1)
                id_ = client.get("traces", limit=1)["traces"][0]["id"]
            return client.get(f"traces/{id_}")
        time.sleep(0.05)
    raise DemoFault("The daemon did not record the request.", "This is a defect: please report it.")


def _judged(client: Client, sample: Sample, shown: Shown, entries: list[dict[str, Any]]) -> Shown:
    if shown.lane == "hosted" or entries:
        sent = "\n".join(_strings(json.loads(e["body"]) for e in entries)) if entries else "\n".join(shown.left_machine)
    else:
        # It stayed here. What a host would have got is still worth knowing: a missed span is a missed span.
        sent = "\n".join(client.post("explain", json.dumps(sample.body("localrouter/auto")).encode())["left_machine"])
    shown.missed = [g.value for g in {g.value: g for g in sample.gold}.values() if _stands(g.value, sent)]
    if shown.error:
        return shown
    if shown.lane == "local":
        shown.left_machine = []
        shown.restored_ok = True  # nothing was replaced
    elif entries and "reply" in entries[-1]:
        body = json.loads(entries[-1]["body"])
        names = mapping(list(_strings([sample.body("x")["messages"]])), list(_strings([body["messages"]])), shown.tokens)
        shown.restored_ok = shown.answer == expected(entries[-1]["reply"], names, whole=bool(entries[-1]["tool"]))
    else:
        # A real host: no raw reply to compare with. Right means that no placeholder is left but sealed ones in prose.
        left = [t for t in shown.tokens if t in shown.answer]
        shown.restored_ok = all(_sealed(t) for t in left)
    return shown


def _strings(tree: Any) -> Iterator[str]:
    """Every string of a JSON tree; text that is JSON itself is looked into as well."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for value in tree.values():
            yield from _strings(value)
    elif not isinstance(tree, (int, float, type(None))):
        for value in tree:
            yield from _strings(value)


def _stands(value: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) is not None


def _sealed(token: str) -> bool:
    found = KINDS.get(token.rpartition("_")[0])
    return found is not None and found.tier == "seal"


def mapping(original: list[str], sent: list[str], tokens: list[str]) -> dict[str, str]:
    """Token -> value, read off by laying each sent text over its original: not taken from the daemon, whose work it checks."""
    out: dict[str, str] = {}
    if not tokens:
        return out
    split = re.compile("(" + "|".join(re.escape(t) for t in sorted(tokens, key=len, reverse=True)) + ")")
    for before, after in zip(original, sent, strict=False):
        parts = split.split(after)
        pattern = "".join("(.+?)" if i % 2 else re.escape(p) for i, p in enumerate(parts))
        match = re.fullmatch(pattern, before, re.S)
        if match:
            out.update(zip(parts[1::2], match.groups(), strict=True))
    return out


def expected(reply: str, names: dict[str, str], *, whole: bool) -> str:
    """What the client must get for a reply, by the restore table: all values in code and in an edit tool's arguments
    (`whole`, there JSON-escaped), all but secrets in prose."""
    out: list[str] = []
    fenced = False
    for line in reply.splitlines(keepends=True):
        if line.startswith("```"):
            fenced = not fenced
        for token, value in names.items():
            if whole:
                line = line.replace(token, json.dumps(value, ensure_ascii=False)[1:-1])
            elif fenced or not _sealed(token):
                line = line.replace(token, value)
        out.append(line)
    return "".join(out)


def main(*, as_json: bool = False, host: str = "rehearsal", local: Path | None = None, only: tuple[str, ...] = ()) -> int:
    """Print the demo. 0 when every answer was restored right and no gold span left unsaid."""
    if as_json:
        shown = list(run(host=host, local=local, only=only))
        json.dump([asdict(s) for s in shown], sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        shown = _printed(host, local, only)
    # A real host may refuse, or the recipe may keep a request from it; that is shown, and is no fault of the demo.
    return 0 if all(s.restored_ok or (s.error and host != "rehearsal") for s in shown) else 1


def _printed(host: str, local: Path | None, only: tuple[str, ...]) -> list[Shown]:
    from localrouter.daemon.demo_text import Page

    page = Page(host, local)
    shown: list[Shown] = []
    with page.progress() as tell:
        for one in run(host=host, local=local, only=only, tell=tell):
            shown.append(one)
            page.sample(one)
    page.end(shown)
    return shown
