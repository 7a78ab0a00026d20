"""Who is measured: a direct call to the mock upstream, localrouter, and its peers, each as its users run it.

A contender that cannot be installed or started stays in the report with the reason. Everything listens on 127.0.0.1.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from benchkit import install, procs
from benchkit.install import CannotRun
from localrouter.config.paths import Paths
from localrouter.core.errors import RouterError
from localrouter.daemon.client import Client

MODELS = ("bench-same", "bench-new", "bench-paced", "bench-flood")
WIRES = {"chat": "openai_chat", "messages": "anthropic_messages", "responses": "openai_responses"}
"""The APIs that are measured, by their short names: what a client speaks, and what a host does."""
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}
KEY = "bench-" + "key"
"""Nobody's key: the mock upstream reads none."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def get(port: int, path: str, timeout: float = 5) -> tuple[int, bytes]:
    """One GET. Raises OSError while nothing answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except HTTPException as exc:
        raise OSError(str(exc)) from None
    finally:
        connection.close()


class Contender:
    """Direct: no process of its own."""

    name = "direct"
    title = "direct"
    health = "/v1/models"

    def __init__(self, home: Path, upstream: int) -> None:
        self.home, self.upstream = home, upstream
        self.port = upstream
        self.process: subprocess.Popen[bytes] | None = None
        self.listening_s: float | None = None
        self.ready_s: float | None = None

    def model(self, name: str, wire: str = "chat") -> str:
        """What a client calls the upstream's model behind a host that speaks `wire`."""
        return name

    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {KEY}"}

    def request(self, tree: dict[str, Any], model: str, api: str = "chat", wire: str = "chat") -> bytes:
        """A whole HTTP request, as bytes: a body of `api`, for a model behind a host that speaks `wire`."""
        body = json.dumps({"model": self.model(model, wire), **tree}, ensure_ascii=False, separators=(",", ":")).encode()
        head = {
            "host": f"127.0.0.1:{self.port}",
            "content-type": "application/json",
            "accept": "*/*",
            "user-agent": "bench",
            **self.headers(),
            "content-length": str(len(body)),
        }
        lines = "".join(f"{k}: {v}\r\n" for k, v in head.items())
        return f"POST {PATHS[api]} HTTP/1.1\r\n{lines}\r\n".encode() + body

    def prepare(self) -> None:
        """Install and configure. Raises CannotRun."""

    def command(self) -> tuple[list[str], dict[str, str]]:
        """Program and environment; none for the direct call."""
        return [], {}

    def start(self, limit_s: float = 120) -> None:
        """Start, and note the seconds from exec to the first answer (`listening_s`) and to full readiness (`ready_s`).
        Raises CannotRun."""
        command, env = self.command()
        if not command:
            return
        with (self.home / f"{self.name}.log").open("ab") as log:
            began = time.monotonic()
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=self.home)
        self._wait(self.answers, began + limit_s)
        self.listening_s = time.monotonic() - began
        self._wait(self.ready, began + limit_s)
        self.ready_s = time.monotonic() - began

    def _wait(self, done: Any, end: float) -> None:
        assert self.process is not None
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                if done():
                    return
            except OSError:
                pass
            time.sleep(0.005)
        tail = (self.home / f"{self.name}.log").read_text(errors="replace").strip().splitlines()[-1:]
        self.stop()
        raise CannotRun(f"it did not start: {' '.join(tail)[:160]}")

    def answers(self) -> bool:
        return get(self.port, self.health)[0] == 200

    def ready(self) -> bool:
        return True

    def stop(self) -> None:
        if self.process is not None:
            procs.stop(self.process)
            self.process = None


class Localrouter(Contender):
    """The daemon with its inspector; scan, ledger and traces on, as `localrouter up` runs it."""

    name = "localrouter"
    title = "localrouter"
    health = "/healthz"

    def prepare(self) -> None:
        config = self.home / "config"
        (config / "recipes").mkdir(parents=True, mode=0o700)
        config.chmod(0o700)
        self.port = free_port()
        lines = [f'port = {self.port}\nrecipe = "bench"\n[budgets]\nday_usd = "none"\nmonth_usd = "none"']
        for wire, full in WIRES.items():
            host = self.model("", wire).rstrip("/")
            lines.append(
                f'[hosts.{host}]\norigin = "http://127.0.0.1:{self.upstream}/v1"\nwire = "{full}"\nkey_env = "LOCALROUTER_BENCH_KEY"\n'
                'region = "eu"\nretention_days = 0\ntrains_on_data = false'
            )
            for name in MODELS:
                lines.append(
                    f'[models."{self.model(name, wire)}"]\nhost = "{host}"\nname = "{name}"\nprice_in = "0.25"\nprice_out = "2.00"\n'
                    "context = 400000\nmax_output = 8192\ntools = true\njson_schema = true\nreasoning = true"
                )
        (config / "config.toml").write_text("\n".join(lines) + "\n")
        recipe = 'name = "bench"\nextends = "balanced"\n[[route]]\nname = "default"\ntry = ["asked"]\n'
        (config / "recipes" / "bench.toml").write_text(recipe)

    def model(self, name: str, wire: str = "chat") -> str:
        return f"bench/{name}" if wire == "chat" else f"bench-{wire}/{name}"

    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._token}"}

    def start(self, limit_s: float = 120) -> None:
        super().start(limit_s)
        self._token = str(json.loads((self.home / "config" / "tokens.json").read_text())["client"])

    def command(self) -> tuple[list[str], dict[str, str]]:
        env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        env |= {
            "LOCALROUTER_HOME": str(self.home),
            "LOCALROUTER_BENCH_KEY": KEY,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        return [sys.executable, "-P", "-m", "localrouter.daemon.serve"], env

    def status(self) -> dict[str, Any]:
        """What the daemon says of itself. Raises OSError while it does not answer."""
        try:
            return Client(Paths(self.home / "config", self.home / "state")).get("status")
        except RouterError as exc:
            raise OSError(exc.text) from None

    def ready(self) -> bool:
        """The inspector has answered once: its detectors are known."""
        scan = self.status()["inspector"]
        return bool(scan["alive"] and scan["detectors"])


class LiteLLM(Contender):
    """LiteLLM's proxy: one worker, no guardrails, no database, quiet, its master key checked as our token is."""

    name = "litellm"
    title = "LiteLLM"
    health = "/health/liveliness"

    def prepare(self) -> None:
        self.program, version = install.litellm()
        self.title = f"LiteLLM {version}"
        self.port = free_port()
        models = [
            {
                "model_name": name,
                "litellm_params": {
                    "model": f"openai/{name}",
                    "api_base": f"http://127.0.0.1:{self.upstream}/v1",
                    "api_key": KEY,
                },
            }
            for name in MODELS
        ]
        config = {
            "model_list": models,
            "litellm_settings": {"telemetry": False, "set_verbose": False, "num_retries": 0},
            "general_settings": {"master_key": f"sk-{KEY}"},
        }
        # JSON is YAML.
        (self.home / "litellm.yaml").write_text(json.dumps(config))

    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer sk-{KEY}"}

    def command(self) -> tuple[list[str], dict[str, str]]:
        env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY") and not k.startswith("DATABASE_")}
        env |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_TELEMETRY": "False"}
        options = [
            "--config",
            str(self.home / "litellm.yaml"),
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--num_workers",
            "1",
        ]
        return [str(self.program), *options], env


class Portkey(Contender):
    """Portkey's open gateway on Node, without its console."""

    name = "portkey"
    title = "Portkey"
    health = "/"

    def prepare(self) -> None:
        self.node, self.program, version = install.portkey()
        self.title = f"Portkey {version}"
        self.port = free_port()
        # It would listen on all interfaces and has no setting for that.
        self.hook = self.home / "loopback.cjs"
        self.hook.write_text(
            "const net = require('net'); const listen = net.Server.prototype.listen;\n"
            "net.Server.prototype.listen = function (...a) {\n"
            "  if (typeof a[0] === 'object' && a[0] && 'port' in a[0]) a[0] = { ...a[0], host: '127.0.0.1' };\n"
            "  else if (typeof a[0] === 'number') a = [a[0], '127.0.0.1', ...a.slice(1).filter((x) => typeof x === 'function')];\n"
            "  return listen.apply(this, a);\n};\n"
        )

    def headers(self) -> dict[str, str]:
        return {
            "authorization": f"Bearer {KEY}",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"http://127.0.0.1:{self.upstream}/v1",
        }

    def command(self) -> tuple[list[str], dict[str, str]]:
        env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")} | {"NODE_ENV": "production"}
        return [self.node, "--require", str(self.hook), str(self.program), f"--port={self.port}", "--headless"], env


ALL: tuple[type[Contender], ...] = (Contender, Localrouter, LiteLLM, Portkey)
