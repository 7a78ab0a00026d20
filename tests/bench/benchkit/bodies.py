"""The requests: short chats, distinct prose and code, and coding-agent bodies of a given size.

Agent bodies are built from recordings of a real client when $LOCALROUTER_DATA holds a folder `clients` with them (or is that
folder), else from generated text of the same shape: a long system prompt, two dozen tools with schemas, a history of tool calls
and their results. Every text is made from a seed, so that all contenders are asked the same.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

Tree = dict[str, Any]

_TEXT = (
    "the a one this that some every other first second small large old new open closed early late good plain simple quiet long "
    "short road river paper letter house garden window market train ticket meeting report plan answer question reason result "
    "number list table chapter page line word story picture song lesson week month year morning evening winter summer city "
    "village bridge street corner room door floor wall desk chair lamp clock book pen coat shoe bread water coffee fruit "
    "is was has had makes made takes took gives gave finds found keeps kept needs needed shows showed moves moved turns turned "
    "and but or because while when after before with without under over between through around against about into from near "
    "slowly quickly often never always again perhaps almost together apart early later soon here there"
)
_WORDS = _TEXT.split()
_NAMES = ("build", "parse", "fetch", "merge", "render", "update", "collect", "resolve", "encode", "filter", "index", "reduce")
_NOUNS = ("node", "token", "frame", "queue", "buffer", "entry", "column", "record", "window", "branch", "module", "header")

TOKENS_PER_WORD = 100 / 75
"""English prose, the usual rule of thumb: 100 tokens are 75 words."""


def prose(rng: random.Random, words: int) -> str:
    """Sentences of 8 to 16 common words; one in three has a number."""
    out: list[str] = []
    while words > 0:
        count = min(words, rng.randint(8, 16))
        sentence = [rng.choice(_WORDS) for _ in range(count)]
        if rng.random() < 0.33:
            sentence[-1] = str(rng.randint(2, 9999))
        out.append(" ".join(sentence).capitalize() + ".")
        words -= count
    return " ".join(out)


def code(rng: random.Random, size: int) -> str:
    """Source, test output and log lines in turn, `size` bytes: what a coding agent's tools return."""
    lines: list[str] = []
    length = 0
    while length < size:
        a, b, c = rng.choice(_NAMES), rng.choice(_NOUNS), rng.choice(_NOUNS)
        k = rng.randint(0, 99999)
        block = rng.choice(
            (
                [
                    f"def {a}_{b}({c}: list[int], limit: int = {k}) -> dict[str, int]:",
                    f'    """{prose(rng, 7)}"""',
                    f"    {b}s = {{}}",
                    f"    for i, item in enumerate({c}):",
                    f"        if item % {k % 17 + 2} == 0 and len({b}s) < limit:",
                    f"            {b}s[f'{b}-{{i}}'] = item * {k % 31} + {rng.randint(1, 999)}",
                    f"    return {b}s",
                    "",
                ],
                [
                    f"2026-03-{k % 28 + 1:02}T{k % 24:02}:{k % 60:02}:{k % 59:02}.{k % 1000:03}Z INFO  worker-{k % 8} {a}d {b} {k} in {k % 800} ms",
                    f"2026-03-{k % 28 + 1:02}T{k % 24:02}:{k % 60:02}:{k % 59:02}.{k % 991:03}Z DEBUG worker-{k % 8} {c} cache hit rate 0.{k}",
                ],
                [f"tests/test_{b}.py::test_{a}_{c}_{k} PASSED                                    [{k % 100:3}%]"],
                [f"src/{b}/{a}_{c}.ts:{k % 900 + 1}:{k % 80 + 1} - warning: '{c}{k}' is declared but its value is never read."],
            )
        )
        lines += block
        length += sum(len(line) + 1 for line in block)
    return "\n".join(lines)[:size]


def chat(text: str, system: str = "You are a helpful assistant. Answer in one paragraph.") -> Tree:
    """A short chat with one question."""
    messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
    return {"messages": messages, "max_tokens": 256, "temperature": 0.2}


def short_chats(count: int) -> list[Tree]:
    """Questions of some 25 words; every fourth holds values that must be veiled."""
    rng = random.Random(7)
    out = []
    for i in range(count):
        text = "Please explain what this means, in plain words: " + prose(rng, 20)
        if i % 4 == 0:
            text += f" Write the reply to ilse.brandt{i}@example-post.org, phone +49 30 901820{i % 100:02}."
        out.append(chat(text))
    return out


def recordings() -> Path | None:
    """The folder of recorded clients, when there is one."""
    given = os.environ.get("LOCALROUTER_DATA")
    if not given:
        return None
    for folder in (Path(given) / "clients", Path(given)):
        if any(folder.glob("claude-code-*.jsonl")):
            return folder
    return None


def harness(size: int) -> tuple[list[Tree], list[Tree], str]:
    """(messages, tools, where from): what a coding agent sends before the user's first word, as a recorded client did."""
    folder = recordings()
    if folder is not None:
        trees = []
        for file in sorted(folder.glob("claude-code-*.jsonl")):
            for line in file.read_text(encoding="utf-8").splitlines():
                body = json.loads(line).get("body")
                if isinstance(body, dict) and body.get("tools") and len(line) < size * 1.1:
                    trees.append((len(line), body))
        if trees:
            messages, tools = _converted(max(trees, key=lambda t: t[0])[1])
            return messages, tools, "a recorded client"
    return (*generated(), "generated")


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(b.get("text", "") for b in content or () if isinstance(b, dict) and b.get("type") == "text")


def _converted(body: Tree) -> tuple[list[Tree], list[Tree]]:
    """A recorded Anthropic Messages body as chat completions: the system prompt, tools and the first user message's context."""
    messages = [{"role": "system", "content": _text(body.get("system"))}]
    for message in body["messages"]:
        if message["role"] == "user" and _text(message["content"]):
            messages.append({"role": "user", "content": _text(message["content"])})
            break
    tools = [
        {
            "type": "function",
            "function": {"name": t["name"], "description": t.get("description", ""), "parameters": t["input_schema"]},
        }
        for t in body["tools"]
        if "input_schema" in t
    ]
    return messages, tools


def generated(seed: int = 11) -> tuple[list[Tree], list[Tree]]:
    """(messages, tools) of no client, in the shape of one."""
    rng = random.Random(seed)
    sections = [f"# {prose(rng, 4)}\n\n" + "\n".join(f" - {prose(rng, rng.randint(20, 50))}" for _ in range(7)) for _ in range(9)]
    tools = []
    for i in range(24):
        fields = {
            f"{rng.choice(_NAMES)}_{rng.choice(_NOUNS)}_{k}": {"type": "string", "description": prose(rng, 18)}
            for k in range(rng.randint(2, 6))
        }
        parameters = {"type": "object", "properties": fields, "required": list(fields)[:1], "additionalProperties": False}
        function = {"name": f"{rng.choice(_NAMES)}_{i}", "description": prose(rng, 220), "parameters": parameters}
        tools.append({"type": "function", "function": function})
    context = "<context>\n" + prose(rng, 300) + "\n</context>"
    return [{"role": "system", "content": "\n\n".join(sections)}, {"role": "user", "content": context}], tools


def agent(size: int, seed: int, session: int, made: tuple[list[Tree], list[Tree]] | None = None) -> Tree:
    """A coding agent's request of about `size` bytes. `seed` makes the history; `session` the person's own first words, and so
    the session; what the client's harness says is always the same, or what was `made`."""
    messages, tools = made or harness(size)[:2]
    rng = random.Random(session)
    # Of one length, so that the history after it is the same to the byte.
    head = f"Session {session:06}: please look at this repository. {prose(rng, 90)}"[:400]
    messages = (
        [*messages[:-1], {**messages[-1], "content": messages[-1]["content"] + "\n" + head}] if len(messages) > 1 else messages
    )
    tree = {"messages": messages, "tools": tools, "max_tokens": 4096}
    rng = random.Random(seed)
    left = size - len(json.dumps(tree))
    while left > 1500:
        turn = step(rng, min(left - 700, 6000))
        messages += turn
        left -= len(json.dumps(turn))
    return tree


def step(rng: random.Random, size: int) -> list[Tree]:
    """One step of an agent: a few words, a tool call, its result of `size` bytes."""
    call = {
        "name": "Read",
        "arguments": json.dumps({"file_path": f"src/{rng.choice(_NOUNS)}/{rng.choice(_NAMES)}_{rng.randint(1, 99999)}.py"}),
    }
    key = f"call_{rng.randint(0, 10**9)}"
    return [
        {"role": "assistant", "content": prose(rng, 15), "tool_calls": [{"id": key, "type": "function", "function": call}]},
        {"role": "tool", "tool_call_id": key, "content": code(rng, size)},
    ]


def later_turns(base: Tree, count: int, seed: int) -> list[Tree]:
    """The next turns of one session, each with some 1 KB of new text after all that was there before."""
    rng = random.Random(seed)
    messages = list(base["messages"])
    out = []
    for _ in range(count):
        messages = [*messages, *step(rng, 700)]
        out.append({**base, "messages": messages})
    return out
