"""The task: read a file that holds a person's name, a home path and a secret, write another with all three, and say so.

The script plays the model: it knows nothing but what the request says, and repeats it, as a model would.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from clientkit.wires import Asked, Call, Reply

NAME = "Tomasz Zieliński"
FOLDER = "/home/tzielinski/projects/orders"
SECRET = "Vq7-" + "tr0ub4dor-" + "Xw92"
PRIVATE = (NAME, FOLDER, SECRET)
NOTES = f"""Orders service, notes for the next release

Author: {NAME}
Folder: {FOLDER}

The .env file:
DB_HOST=localhost
DB_PASSWORD={SECRET}
"""
PROMPT = (
    f"Read the file notes.txt that {NAME} wrote. Then write a new file report.md with its Author line, its Folder line and its"
    " DB_PASSWORD line, nothing else, and say that it is done. Both files are in the working directory."
)
REPORT = "report.md"
DONE = "The report is written"

_FIELDS = ("Author: ", "Folder: ", "DB_PASSWORD=")
_PLACE = re.compile(
    r"(?i)(?:working directory|workspace root folder|current directory|cwd|working in the (?:following )?director(?:y|ies))(?: is)?\W{1,4}(/[^\s<\"'`,)]+)"
)

Maker = Callable[[str, str], Call]
"""(path, text) -> the client's own tool call; the text is empty for reading."""


def prepare(work: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    (work / "notes.txt").write_text(NOTES, encoding="utf-8")


def report(texts: tuple[str, ...]) -> str | None:
    """The report from what was read, or None when it is not there."""
    lines = []
    for name in _FIELDS:
        found = [m for text in texts for m in re.findall(re.escape(name) + r"([^\n\r\\\"<]+)", text)]
        if not found:
            return None
        lines.append(name + found[-1].strip())
    return "\n".join(lines) + "\n"


def wants(asked: Asked, tools: tuple[str, ...]) -> bool:
    """Whether it is the task, and not a side call (a title, a summary, a probe)."""
    return any("report.md" in text for text in asked.texts) and all(t in asked.tools for t in tools)


def side(asked: Asked) -> Reply:
    return Reply('{"title": "Notes of a release", "isNewTopic": true}' if asked.json_form else "Notes of a release")


def by_tools(read: Maker, write: Maker, tools: tuple[str, ...]) -> Callable[[Asked], Reply]:
    """A script for a client that reads and writes by tools."""

    def script(asked: Asked) -> Reply:
        if not wants(asked, tools):
            return side(asked)
        where = next((m[1].rstrip("./") + "/" for text in asked.texts if (m := _PLACE.search(text))), "")
        if not asked.results:
            return Reply("I read the notes first.", (read(where + "notes.txt", ""),))
        text = report(asked.results)
        if text is None:
            return Reply("The notes do not say what I need.")
        if len(asked.results) == 1:
            return Reply("Now the report.", (write(where + REPORT, text),))
        return Reply(f"{DONE}; it names {text.splitlines()[0].removeprefix('Author: ')}.")

    return script
