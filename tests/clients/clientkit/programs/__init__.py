"""The clients. ONE FILE PER CLIENT; the folder is the registry."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Protocol, cast

from clientkit.drive import Command, Place
from clientkit.wires import Asked, Reply


class Program(Protocol):
    """`WIRE`: what it speaks; `CROSS`: the wire of another host to try it on. `SETTINGS`: how a user points it at localrouter, in short.
    `MODEL`: the name it asks for, its own default or one that a user would set."""

    TITLE: str
    VERSION: str
    WIRE: str
    CROSS: str
    MODEL: str
    SETTINGS: str

    def install(self) -> None:
        """Raises Missing."""
        ...

    def command(self, place: Place) -> Command: ...

    script: Callable[[Asked], Reply]


def all_programs() -> dict[str, Program]:
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return {n: cast("Program", importlib.import_module(f"{__name__}.{n}")) for n in names}
