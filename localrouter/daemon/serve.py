"""Start the daemon: settings to open rooms to a listening socket; and stop it without losing a settlement.

The socket is bound before anything slow is loaded, so that a taken port is said at once; the port is never hopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import uvicorn

from localrouter.config.catalogue import load_catalogue
from localrouter.config.identity import own_identity
from localrouter.config.paths import Paths, install_secret, private_file
from localrouter.config.recipes import load_recipe
from localrouter.config.settings import Settings, load_settings
from localrouter.core.catalogue import Catalogue
from localrouter.core.errors import RouterError
from localrouter.core.recipe import Recipe
from localrouter.daemon import control_socket, heap
from localrouter.daemon.app import App
from localrouter.daemon.control import Control
from localrouter.daemon.control_explain import ControlExplain
from localrouter.daemon.control_recipes import ControlRecipes
from localrouter.daemon.deadlines import Connection
from localrouter.daemon.door import hosts_for
from localrouter.daemon.egress import Egress, check_origin
from localrouter.daemon.inspecting import Inspection
from localrouter.daemon.local import LocalLane
from localrouter.daemon.recipes import Recipes
from localrouter.daemon.retaining import retain
from localrouter.daemon.services import Keys, Services
from localrouter.gates import all_gates
from localrouter.keys import client_tokens
from localrouter.keys.binding import variable_is_for
from localrouter.keys.client_tokens import Tokens
from localrouter.providers import all_wires
from localrouter.store import Keep, Store

log = logging.getLogger("localrouter")

DRAIN_S = 10.0


class StartFault(RouterError):
    """The daemon cannot start; the text says why and what to do."""

    code = "start"


def bind(host: str, port: int) -> socket.socket:
    """A listening socket on loopback. Raises StartFault when the port is taken."""
    if host not in ("127.0.0.1", "::1", "localhost"):
        raise StartFault(f"The address {host} is not this machine alone.", "Set listen_host to 127.0.0.1.")
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as exc:
        sock.close()
        raise StartFault(
            f"Port {port} is in use or not allowed ({exc.strerror}).",
            "Stop the other program (`localrouter down` if it is ours), or pass `--port`.",
        ) from None
    sock.listen(256)
    return sock


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling (the daemon drains first), and one look a second instead of ten: at rest, that loop was
    most of what the daemon used."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ending = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield

    async def main_loop(self) -> None:
        tick = 0
        while not self.should_exit:
            await self.on_tick(tick)  # the Date header
            tick += 10
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self.ending.wait()


def lock(paths: Paths) -> Any:
    """Hold the state folder: a second daemon on one ledger would charge the first one's running calls as orphans. Raises StartFault.
    The lock goes with the process, however that ends."""
    file = (paths.state / "lock").open("a")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise StartFault(
            "localrouter is already running with this home.", "See `localrouter status`, or stop it with `localrouter down`."
        ) from None
    return file


Announce = Callable[[str, Tokens], None]


async def serve(
    settings: Settings,
    paths: Paths,
    sock: socket.socket,
    announce: Announce | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> None:
    """Run until a signal or `stop`. `announce` is called once with the base address and the tokens, when both are known;
    `overrides` are kept for `localrouter restart`."""
    secret = install_secret(paths)
    catalogue = checked_catalogue(settings)
    recipe = load_recipe(settings.recipe, paths.recipe_dirs())
    tokens = client_tokens.ensure(paths)
    store = Store.open(paths.state, key=secret, budgets=settings.ledger_budgets(), now=time.time, tz=settings.timezone)
    orphans = store.swept
    if orphans:
        log.warning("%d calls were cut by the last stop; each was charged at its ceiling", orphans)
    inspection = Inspection(secret, own_identity(), settings.privacy.options(), paths.state)
    local = LocalLane(settings.local, paths, catalogue.local)
    egress = Egress(frozenset({sock.getsockname()[1]}))
    services = Services(
        recipe=recipe,
        catalogue=catalogue,
        gates=all_gates(),
        wires=all_wires(),
        store=store,
        inspection=inspection,
        local=local,
        egress=egress,
        secret=secret,
        texts=settings.logging.prompts,
        keep=_keep(settings),
        allowed=settings.privacy.exact(),
        breaker=settings.health.breaker,
    )
    control = control_socket.open_socket(paths)
    app = App(services, tokens.client, tokens.control if control is None else None)
    port = sock.getsockname()[1]
    app.hosts, app.origins = hosts_for(port), frozenset(settings.allowed_origins)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # a path may hold a token
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_keep_alive=60,
        http=Connection,
        ws="none",
    )
    server = _Server(config)
    ending = asyncio.Event()
    recipes = Recipes(
        store, paths, lambda: services.catalogue, lambda recipe: services.adopt(recipe, services.catalogue), overrides
    )
    await recipes.began(recipe, settings.recipe)
    app.add(Control(app, services, ending.set, lambda: reload(services, paths, recipes)).routes())
    app.add([*ControlRecipes(services, recipes).routes(), *ControlExplain(services).routes()])
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    warm = asyncio.create_task(_warm(inspection, services.keys, catalogue, local))
    retaining = asyncio.create_task(retain(services))
    serving = asyncio.create_task(server.serve(sockets=[sock, *([control[0]] if control is not None else [])]))
    runtime = {
        "pid": os.getpid(),
        "host": settings.listen_host,
        "port": port,
        "started": time.time(),
        "socket": str(control[1]) if control is not None else "",
        "overrides": dict(overrides or {}),
    }
    private_file(paths.state / "runtime.json", json.dumps(runtime).encode())
    log.info("listening on http://127.0.0.1:%d", port)
    if announce is not None:
        announce(f"http://127.0.0.1:{port}", tokens)
    try:
        await asyncio.wait({serving, asyncio.create_task(ending.wait())}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await app.drain(DRAIN_S)
        server.should_exit = True
        server.ending.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await serving
        await services.drain(5)
        for task in (warm, retaining):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await inspection.stop()
        await services.drain(2)  # records that waited to be scanned are written without that
        await local.stop()
        await services.keys.close()
        await egress.close()
        store.close()
        control_socket.close_socket(control)
        with contextlib.suppress(OSError):
            (paths.state / "runtime.json").unlink()


async def _warm(inspection: Inspection, keys: Keys, catalogue: Catalogue, local: LocalLane) -> None:
    try:
        await local.look()
        # It reads the shipped catalogue once, which takes longer than a request may.
        await asyncio.to_thread(lambda: [variable_is_for(host) for host in catalogue.hosts.values()])
        await asyncio.gather(keys.ready(), inspection.start())
        heap.quiet_collector()
        log.info("inspector ready: %d detectors", len(inspection.detectors))
    except RouterError as exc:
        # Not fatal: every request then gets `privacy.unsure`, and the next one tries to start it again.
        log.error("the inspector did not start: %s", exc.text)


def _keep(settings: Settings) -> Keep:
    return Keep(settings.logging.keep_days, settings.logging.max_mb * 1024 * 1024)


def settings_with(settings: Settings, overrides: Mapping[str, Any]) -> Settings:
    """Command-line values (port, recipe, local) over the file's."""
    given = {k: v for k, v in overrides.items() if v is not None}
    local = given.pop("local", None)
    if local is not None:
        given["local"] = settings.local.model_copy(update={"model": Path(local)})
    return settings.model_copy(update=given)


def _files(paths: Paths, overrides: Mapping[str, Any]) -> tuple[Settings, Catalogue, Recipe]:
    settings = settings_with(load_settings(paths), overrides)
    return settings, checked_catalogue(settings), load_recipe(settings.recipe, paths.recipe_dirs())


async def reload(services: Services, paths: Paths, recipes: Recipes) -> None:
    """Read recipe, catalogue and budgets again; all or nothing. Raises ConfigFault and leaves what was in force."""
    settings, catalogue, recipe = await asyncio.to_thread(_files, paths, recipes.overrides)
    services.adopt(recipe, catalogue)
    await recipes.began(recipe, settings.recipe)
    await services.local.adopt(settings.local, catalogue.local)
    services.inspection.configure(settings.privacy.options())
    services.allowed = settings.privacy.exact()
    services.store.ledger.limit(settings.ledger_budgets())
    services.texts, services.keep = settings.logging.prompts, _keep(settings)
    log.info("reloaded: recipe %s, catalogue %s", services.recipe_version, catalogue.version)


def checked_catalogue(settings: Settings) -> Catalogue:
    """models.toml and the user's additions, each origin allowed. Raises ConfigFault or StartFault."""
    catalogue = load_catalogue(extra=settings.catalogue_extra())
    wires = all_wires()
    for host in catalogue.hosts.values():
        try:
            check_origin(host.origin)
        except ValueError as exc:
            raise StartFault(f"Host {host.name}: {exc}.", "Correct it in config.toml or models.toml.") from None
        unknown = next((w for w in host.wires or (host.wire,) if w not in wires), None)
        if unknown is not None:
            raise StartFault(f"Host {host.name} has the unknown wire '{unknown}'.", f"Known wires: {', '.join(sorted(wires))}.")
    return catalogue


def _limit_process() -> None:
    """No core file (it would hold keys), no reading of our memory by other processes of this user where the system can forbid it, and
    room for the connections that daemon/deadlines.py allows."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE, prctl(2)


def main(overrides: Mapping[str, Any] | None = None, paths: Paths | None = None, announce: Announce | None = None) -> int:
    """Foreground. Returns the exit code: 0 after a stop, 2 when it could not start (the reason is on stderr)."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its INFO lines name full URLs
    os.umask(0o077)
    _limit_process()
    heap.keep_small()
    try:
        paths = paths or Paths.default()
        paths.ensure()
        settings = settings_with(load_settings(paths), overrides or {})
        if settings.local.model is not None and not Path(settings.local.model).is_file():
            raise StartFault(
                f"The local model file {settings.local.model} does not exist.",
                "Correct local.model, or start with `--local FILE.gguf`.",
            )
        held = lock(paths)
        sock = bind(settings.listen_host, settings.port)
        try:
            import uvloop

            runner = uvloop.run
        except ImportError:  # Windows has no uvloop
            runner = asyncio.run  # type: ignore[assignment]
        with held:
            runner(serve(settings, paths, sock, announce, overrides))
    except RouterError as exc:
        print(f"localrouter: {exc.text}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    # `localrouter up --detach` starts this with its overrides as one JSON argument.
    sys.exit(main(json.loads(sys.argv[1]) if len(sys.argv) > 1 else None))
