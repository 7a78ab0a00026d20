"""A dozen prompts as developers really write them, each with hand-marked gold spans: what must not leave the machine.

People, hosts and keys are invented. Key-shaped strings are put together at load, so that no scanner takes this file for a leak.
`G(type, value)` marks a span; everything else is text that may leave.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class G:
    """One gold span: a kind of `core/kinds.py` and the value."""

    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. `gold` are the spans of all its messages; `easy` ones may be answered by a small local model."""

    name: str
    title: str
    messages: list[dict[str, Any]]
    gold: tuple[G, ...] = ()
    tools: list[dict[str, Any]] = field(default_factory=list)
    easy: bool = False

    def body(self, model: str) -> dict[str, Any]:
        """An OpenAI chat-completions body, streaming."""
        tree: dict[str, Any] = {
            "model": model,
            "messages": self.messages,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        return tree | ({"tools": self.tools} if self.tools else {}) | {"max_tokens": 600}


def _text(*parts: str | G) -> tuple[str, list[G]]:
    return "".join(p if isinstance(p, str) else p.value for p in parts), [p for p in parts if isinstance(p, G)]


def _user(name: str, title: str, *parts: str | G, easy: bool = False) -> Sample:
    text, gold = _text(*parts)
    return Sample(name, title, [{"role": "user", "content": text}], tuple(gold), easy=easy)


_WRITE = {
    "type": "function",
    "function": {
        "name": "write_file",
        "description": "Write a text file.",
        "parameters": {
            "type": "object",
            "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
            "required": ["path", "content"],
        },
    },
}
_SEARCH = {
    "type": "function",
    "function": {
        "name": "get_customer",
        "description": "Look a customer up by number.",
        "parameters": {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]},
    },
}


def _tool_result() -> Sample:
    name, mail, phone, card = (
        G("PERSON", "Ines Carvalho"),
        G("EMAIL", "ines.carvalho@quintadosol.pt"),
        G("PHONE", "+351 912 345 678"),
        G("CARD", "4539 1488 0343 6467"),
    )
    result = {
        "customer_name": name.value,
        "email": mail.value,
        "phone": phone.value,
        "plan": "team-annual",
        "seats": 14,
        "payment": {"type": "card", "number": card.value, "expires": "2027-08"},
    }
    call = {"id": "call_7", "type": "function", "function": {"name": "get_customer", "arguments": '{"number": 4711}'}}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "Why can't customer 4711 add a seat?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_7", "content": json.dumps(result)},
    ]
    return Sample("tool-result", "A tool result with a customer in it", messages, (name, mail, phone, card), [_SEARCH])


def _edit_file() -> Sample:
    key = G("API_KEY", "sk-" + "proj-" + "Qm7vT2xLr9KpZ4wNcB8sYh3D")
    password = G("PASSWORD", "violet-" + "Anvil-" + "4471")
    text, gold = _text(
        "Write a file settings.py that reads these from the environment, with these as defaults for tests:\n\nOPENAI_API_KEY=", key,
        "\nDB_PASSWORD=", password, "\n",
    )  # fmt: skip
    return Sample(
        "write-file", "Write a file that needs the real values", [{"role": "user", "content": text}], tuple(gold), [_WRITE]
    )


def samples() -> tuple[Sample, ...]:
    """All of them, in the order in which the demo shows them."""
    return (
        _user("plain", "A plain question", "What is the difference between a mutex and a semaphore?", easy=True),
        _user(
            "code",
            "A code question",
            "Why does this print [1, 2, 2]?\n\n```python\ndef add(x, seen=[]):\n    seen.append(x)\n    return seen\n\nadd(1)\nadd(2)\n"
            "print(add(2))\n```\n",
        ),
        _user(
            "stack-trace",
            "A stack trace with a home path",
            'What is wrong here?\n\nTraceback (most recent call last):\n  File "/home/', G("OWN_USER", "mkowalska"),
            '/work/billing/sync.py", line 88, in push\n    conn = pool.connect("', G("HOST", "pg-primary-3.billing.internal"),
            '", timeout=5)\n  File "/home/', G("OWN_USER", "mkowalska"),
            '/.venv/lib/python3.12/site-packages/pool.py", line 41, in connect\nConnectionRefusedError: [Errno 111] peer ',
            G("IP", "10.42.17.9"), " port 5432\n",
        ),
        _user(
            "env-file",
            "An .env paste",
            "My app says `invalid credentials`. Is the syntax of this file right?\n\nAPP_ENV=production\nPORT=8080\nDATABASE_URL=postgres://app:",
            G("PASSWORD", "rZ8-" + "kuTg-" + "44wq"), "@db.example.com:5432/app\nSTRIPE_SECRET_KEY=",
            G("API_KEY", "sk_" + "live_" + "51Nx2KQeT7vBmR4cYd8HsWpL"), "\nAWS_ACCESS_KEY_ID=", G("API_KEY", "AKIA" + "Z7QW3MN5KPXR2TYB"),
            "\nSESSION_SECRET=", G("SECRET", "9f2c41d7a8" + "b36e05c94d"), "\nLOG_LEVEL=debug\n",
        ),
        _user(
            "git-log",
            "A git log",
            "Summarise what changed for the release notes.\n\ncommit 4f1c2a9d0b7e6c5a3f2e1d0c9b8a7f6e5d4c3b2a\nAuthor: ",
            G("PERSON", "Tomasz Zieliński"), " <", G("EMAIL", "t.zielinski@northpine-robotics.com"), ">\nDate:   Tue Mar 4 17:02:11 2025 +0100\n\n"
            "    Retry the firmware upload when the bus resets\n\ncommit 9b8a7f6e5d4c3b2a4f1c2a9d0b7e6c5a3f2e1d0c\nAuthor: ",
            G("PERSON", "Adaeze Okafor"), " <", G("EMAIL", "adaeze@northpine-robotics.com"), ">\nDate:   Mon Mar 3 09:40:57 2025 +0000\n\n"
            "    Drop Python 3.9\n\n    Reviewed-by: ", G("PERSON", "Tomasz Zieliński"), " <", G("EMAIL", "t.zielinski@northpine-robotics.com"), ">\n",
        ),
        _user(
            "customer-mail",
            "A customer's e-mail",
            "Draft a short, friendly answer.\n\nFrom: ", G("PERSON", "Marguerite Delacroix"), " <", G("EMAIL", "m.delacroix@atelier-delacroix.fr"),
            ">\nSubject: charged twice\n\nHello,\n\nI was charged twice for order 8812. My card is ", G("CARD", "5425 2334 3010 9903"),
            " and the refund can go to ", G("IBAN", "FR14 2004 1010 0505 0001 3M02 606"), ". You can call me at ", G("PHONE", "+33 6 12 34 56 78"),
            ".\n\nBest regards,\n", G("PERSON", "Marguerite Delacroix"), "\n",
            G("ADDRESS", "12 rue des Lilas, 69003 Lyon"), "\n",
        ),
        _tool_result(),
        _user(
            "edit-block",
            "A SEARCH/REPLACE edit",
            "Apply the same rename in the second block.\n\nconfig.py\n<<<<<<< SEARCH\nOWNER = \"", G("EMAIL", "lena.fischer@hafenblick.de"),
            "\"\nTOKEN = \"", G("TOKEN", "ghp_" + "a7Kd92mQx4LpVz81RtYc63NwBs05HjUe7fGi"), "\"\n=======\nCONTACT = \"",
            G("EMAIL", "lena.fischer@hafenblick.de"), "\"\nTOKEN = os.environ[\"TOKEN\"]\n>>>>>>> REPLACE\n",
        ),
        _edit_file(),
        _user(
            "access-log",
            "An access log",
            "Which client is scraping us?\n\n", G("IP", "203.117.44.19"), ' - - [04/Mar/2025:10:11:12 +0000] "GET /export?page=1 HTTP/1.1" 200 51234 "-" "curl/8.5.0"\n',
            G("IP", "203.117.44.19"), ' - - [04/Mar/2025:10:11:13 +0000] "GET /export?page=2 HTTP/1.1" 200 51190 "-" "curl/8.5.0"\n',
            G("IP", "91.198.36.201"), ' - ', G("USERNAME", "jpark"), ' [04/Mar/2025:10:11:14 +0000] "GET /account HTTP/1.1" 200 812 "-" "Mozilla/5.0"\n',
        ),
        _user(
            "curl",
            "A curl command that fails",
            "Why do I get a 401?\n\ncurl -s https://api.example.com/v2/invoices \\\n  -H 'Authorization: Bearer ",
            G("JWT", "eyJhbGciOiJIUzI1NiIs" + "InR5cCI6IkpXVCJ9." + "eyJzdWIiOiI4ODEyIiwiZXhwIjoxNzQxMDAwMDAwfQ" + ".q2Vt8ZrLw0yX4nBcD6eFgHiJkLmNoPqRsTuVwXyZ012"),
            "' \\\n  -H 'Accept: application/json'\n",
        ),
        _user(
            "summary",
            "Meeting notes to sum up",
            "Summarise in two sentences: We met ", G("PERSON", "Hiroshi Tanabe"), " of ", G("ORG", "Kitagawa Precision"),
            " about the export. He wants nightly files, not an API. Next call on Thursday; his assistant is reachable at ",
            G("EMAIL", "office.tanabe@kitagawa-precision.jp"), ".",
            easy=True,
        ),
    )  # fmt: skip
