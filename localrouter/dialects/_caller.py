"""Who asks, as a client says it: a user, a tier, a project, tags, and the folders and files that it works on. Shared by all dialects.

Its own headers first: `x-localrouter-user`, `-tier`, `-project`, `-tags` (a list with commas, RFC 9110 5.6.1), `-path` (likewise). Then what
harnesses state: a working directory in the environment that Claude Code, opencode, Codex, Cline, Gemini CLI and Copilot CLI write into the
system text or an early message, and the names of the files that aider put into its chat. Only what the recipe's routes match on is looked
for: reading a coding agent's 80 KB for a path that nobody asks about would be work for nothing, and what is not kept cannot leak.

These are hints (law 6). They pick a route; what is a lie picks the wrong route, where the same rules of privacy, zone and budget hold. What a
tool brought back is never read for them: a repository's file is not the client.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from localrouter.core.ask import Ask, Caller
from localrouter.core.recipe import Wanted
from localrouter.dialects._hints import user_of

MOST = 64
"""Tags, and paths."""
LONGEST = 512
"""Characters of one of them; Windows and Linux allow more, no harness's working directory has them."""
LOOKED = 131_072
"""Characters of one text that are searched."""

_FOLDER = re.compile(
    r"^[ \t]*(?:[-*][ \t]+)?(?:I'm currently working in the directory|(?:Primary |Current )?working (?:directory|folder)):[ \t]*(\S[^\n]*)$"
    r"|<cwd>([^<\n]+)</cwd>"
    r"|^#+ Current (?:Working|Workspace) Directory \(([^)\n]+)\)",
    re.M | re.I,
)
"""Claude Code and opencode (`Working directory:`), Codex (`<cwd>`), Cline and Roo (`# Current Working Directory (...)`), Gemini CLI and
qwen-code (`I'm currently working in the directory:`), Copilot CLI and pi (`Current working directory:`)."""
_AIDER = re.compile(r"I have \*added these files to the chat\*|Here are some READ ONLY files, provided for your reference")
"""aider's `files_content_prefix` and `read_only_files_prefix` (aider/coders/editblock_prompts.py)."""
_FENCES = ("```", "~~~", "<source>", "<code>", "<pre>")
"""What aider opens a file with (`fences` of aider/coders/base_coder.py); the file's name stands on the line above."""


def caller(headers: Mapping[str, str], ask: Ask, wanted: Wanted) -> Caller:
    """`headers` by lower-case name; `wanted`: what the recipe's routes match on."""
    user = _one(headers, "x-localrouter-user") or user_of(headers, ask.tree)[:LONGEST] if wanted.user else ""
    return Caller(
        user=user,
        tier=_one(headers, "x-localrouter-tier"),
        project=_one(headers, "x-localrouter-project"),
        tags=_many(headers, "x-localrouter-tags"),
        paths=tuple(dict.fromkeys((*_many(headers, "x-localrouter-path"), *_paths(ask))))[:MOST] if wanted.paths else (),
        headers={name: _text(headers[name]) for name in sorted(wanted.headers) if name in headers},
    )


def _text(value: str) -> str:
    """A header's value, which clients may send as UTF-8; printable, and no longer than LONGEST."""
    try:
        value = value.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        pass
    return "".join(c for c in value if c.isprintable()).strip()[:LONGEST]


def _one(headers: Mapping[str, str], name: str) -> str:
    return _text(headers[name]) if name in headers else ""


def _many(headers: Mapping[str, str], name: str) -> tuple[str, ...]:
    items = (_text(item) for item in headers.get(name, "").split(","))
    return tuple(dict.fromkeys(item for item in items if item))[:MOST]


def _paths(ask: Ask) -> Iterator[str]:
    """What the client's own texts say. Those of the model and of tools are not the client's."""
    for leaf in ask.leaves:
        if leaf.where not in ("system", "user"):
            continue
        text = leaf.text[:LOOKED]
        for found in _FOLDER.finditer(text):
            path = next(g for g in found.groups() if g is not None).strip().strip("`'\"")
            if path and len(path) <= LONGEST:
                yield path
        if leaf.where == "user" and _AIDER.search(text):
            yield from (name for name in _files(text) if len(name) <= LONGEST)


def _files(text: str) -> Iterator[str]:
    """The names above opening fences; what stands inside is a file's content."""
    before, closes = "", ""
    for line in text.split("\n"):
        if closes:
            closes = "" if line.rstrip() == closes else closes
        elif fence := next((f for f in _FENCES if line.startswith(f)), ""):
            marks = len(line) - len(line.lstrip(fence[0]))
            closes = f"</{fence[1:]}" if fence[0] == "<" else fence[0] * marks
            if before.strip() and not before.startswith((" ", "<")):
                yield before.strip()
        before = line
