"""Doctor: examine each part of an installation, from the outside in, and say what to do about each fault.

It works with the daemon down; what only the daemon knows is asked of it when it answers.
"""

from __future__ import annotations

import asyncio
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from localrouter.config.catalogue import load_catalogue
from localrouter.config.paths import SAFE, Paths
from localrouter.config.recipes import load_recipe, unknown_targets
from localrouter.config.settings import Settings, load_settings
from localrouter.core.errors import RouterError
from localrouter.core.frames import Decoder, FrameError
from localrouter.daemon.child_env import child_env
from localrouter.daemon.client import Client, DaemonDown
from localrouter.daemon.engine_words import SHOWN, fit_words
from localrouter.daemon.engines import SMALLER, spare, wish
from localrouter.daemon.inspecting import REPAIR
from localrouter.engine.encoder import SETTINGS
from localrouter.engine.fit import NoRoom, fit
from localrouter.engine.gguf_header import BadHeader
from localrouter.engine.gguf_parts import read_model, size_of, title
from localrouter.engine.machine import Llama, Machine, llama, machine
from localrouter.engine.suggest import suggested
from localrouter.keys import provider_keys


@dataclass(frozen=True, slots=True)
class Check:
    """`ok` is None for a note: nothing is broken, and something could be better."""

    name: str
    ok: bool | None
    detail: str
    do: str = ""


def examine(paths: Paths | None = None, *, probe: bool = False) -> list[Check]:
    """Every check, in the order a person would make them. `probe`: also ask each host that has a key for its list of models, which costs
    nothing; nothing else here calls anybody, and nobody is asked unless a person says so."""
    paths = paths or Paths.default()
    checks = [Check("python", True, f"{platform.python_version()} on {platform.system()} {platform.machine()}")]
    settings = Settings()

    def configuration() -> Check:
        nonlocal settings
        paths.ensure()
        settings = load_settings(paths)
        found = "" if paths.config_file.exists() else " (not there: all defaults)"
        return Check("configuration", True, f"{paths.config_file}{found}")

    checks.append(_try("configuration", configuration))
    checks.append(_try("recipe", lambda: _recipe(paths, settings)))
    seen = llama()
    checks += _llama(seen)
    checks.append(_scan())
    checks.append(_local(settings, machine(seen.devices)))
    checks.append(_try("provider keys", lambda: _keys(settings, paths)))
    checks += _daemon(paths)
    if probe:
        checks += _probes(paths)
    return checks


def _try(name: str, examine_part: Callable[[], Check]) -> Check:
    try:
        return examine_part()
    except RouterError as exc:
        return Check(name, False, exc.message, exc.do)


def _recipe(paths: Paths, settings: Settings) -> Check:
    recipe = load_recipe(settings.recipe, paths.recipe_dirs())
    missing = unknown_targets(recipe, load_catalogue(extra=settings.catalogue_extra()))
    if missing:
        return Check("recipe", False, f"'{recipe.name}' tries {missing[0][1]}, which the catalogue lacks.", missing[0][2])
    return Check("recipe", True, f"'{recipe.name}', {len(recipe.route)} routes")


def _llama(found: Llama) -> list[Check]:
    """What llama.cpp says of itself, and what the machine has for it."""
    now = machine(found.devices)
    held = f" (limited: {now.limited})" if now.limited else ""
    cores = f"{now.physical} cores" + (f", {now.fast} of them fast" if now.fast < now.physical else "")
    detail = f"{now.processor}: {cores}{held}, {', '.join(now.features) or 'no vector units known'}; "
    detail += f"{now.available / 1e9:.1f} of {now.total / 1e9:.1f} GB of memory free"
    for device in now.devices:
        detail += (
            f"; {device.text or device.name} ({device.backend}), {device.free / 1e9:.1f} of {device.total / 1e9:.1f} GB free"
        )
    if found.error:
        do = "Install it again: pip install --force-reinstall llama-cpp-python."
        return [Check("llama.cpp", False, found.error, do), Check("machine", True, detail)]
    return [
        Check("llama.cpp", True, f"llama-cpp-python {found.version}, built for {found.build}"),
        Check("machine", True, detail),
    ]


def _scan() -> Check:
    """Start the privacy scan's process once: it says that it is ready, or why it cannot be."""
    command = [sys.executable, *SAFE, "-m", "localrouter.inspector"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False, env=child_env(SETTINGS)
        )
        tree = next(iter(Decoder().feed(done.stdout)), {})
    except (subprocess.TimeoutExpired, FrameError, ValueError):
        tree = {}
    if tree.get("ready") is True:
        return Check("privacy scan", True, f"{len(tree['detectors'])} detectors start and find what they must")
    return Check("privacy scan", False, str(tree.get("fatal") or "it does not start."), REPAIR)


def _local(settings: Settings, now: Machine) -> Check:
    """The chat model's file, and how it would be loaded now."""
    model = settings.local.model
    if model is None:
        return Check(
            "local model",
            None,
            "none is set, so every request that may leave is hosted.",
            _begin(settings, now),
        )
    if not model.is_file():
        return Check("local model", False, f"{model} does not exist.", "Correct local.model in config.toml.")
    try:
        chosen = fit(read_model(model), now, wish(settings.local), spare(now), title(model))
    except BadHeader as exc:
        return Check("local model", False, str(exc), "Choose another: `localrouter models list`.")
    except NoRoom as exc:
        return Check("local model", None, str(exc), SMALLER)
    words = fit_words({name: getattr(chosen, name) for name in SHOWN})
    return Check("local model", True, f"{model} ({size_of(model) / 1e9:.2f} GB): {chosen.memory / 1e9:.1f} GB with {words}")


def _begin(settings: Settings, now: Machine) -> str:
    """Which model to begin with, of those that can be pulled."""
    found = suggested(load_catalogue(extra=settings.catalogue_extra()).local.values(), now.total)
    if found is None:
        return "No chat model of the catalogue leaves room here; `localrouter models use FILE.gguf` takes another."
    return f"For this machine: `localrouter models pull {found.name} --use` ({found.size / 1e9:.1f} GB, licence {found.licence})."


def _keys(settings: Settings, paths: Paths) -> Check:
    hosts = [h for h in load_catalogue(extra=settings.catalogue_extra()).hosts.values() if h.key_env]
    found = asyncio.run(provider_keys.survey(hosts, paths))
    names = [f"{row['host']} ({row['from']})" for row in found["keys"] if row["from"]]
    why = "" if found["keyring"] == "ok" else f" (the keyring: {found['keyring']})"
    if not names:
        do = "Store one: `localrouter keys set openai`."
        return Check("provider keys", None, f"none{why}; hosted models are not used.", do)
    return Check("provider keys", True, ", ".join(names) + why)


def _daemon(paths: Paths) -> list[Check]:
    try:
        tree = Client(paths, timeout=30).get("doctor")
    except DaemonDown as exc:
        return [Check("daemon", None, exc.message, exc.do)]
    except RouterError as exc:
        return [Check("daemon", False, exc.message, "See `localrouter logs`.")]
    return [Check(f"daemon: {c['name']}", c["ok"], c["detail"], c.get("do", "")) for c in tree["checks"]]


def _probes(paths: Paths) -> list[Check]:
    """What each host that has a key says to the running daemon, which remembers how it did."""
    client = Client(paths, timeout=60)
    try:
        names = [row["host"] for row in client.get("keys")["keys"] if row["from"]]
    except RouterError as exc:
        return [Check("hosts", None, "they were not asked: " + exc.message, exc.do)]
    return [_probe(client, name) for name in names] or [Check("hosts", None, "none has a key, so none was asked.")]


def _probe(client: Client, host: str) -> Check:
    try:
        tree = client.post("keys/test", host=host)
    except RouterError as exc:
        return Check(f"host: {host}", False, exc.message, exc.do)
    said = f"answered {tree['status']} in {tree['ms']} ms"
    if tree["ok"]:
        return Check(f"host: {host}", True, said)
    do = "Store its key again: `localrouter keys set " + host + "`." if tree["status"] in (401, 403) else ""
    return Check(f"host: {host}", False, said, do)
