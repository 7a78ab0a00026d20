"""Prompts of the kinds that developers send, generated from a seed: the private parts vary, the shapes are real."""

from __future__ import annotations

import random

FIRST = [
    "Ana",
    "Bram",
    "Chidi",
    "Dorota",
    "Élise",
    "Farid",
    "Greta",
    "Hiro",
    "Ines",
    "Jonas",
    "Kateryna",
    "Liwei",
    "Maribel",
    "Nils",
    "Oksana",
    "Pádraig",
    "Quang",
    "Rosa",
    "Søren",
    "Tariq",
]
LAST = [
    "Abara",
    "Brandt",
    "Carvalho",
    "Dąbrowska",
    "Eriksen",
    "Fontaine",
    "Gülmez",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Nakamura",
    "O'Brien",
    "Petrova",
]
DOMAIN = ["quintadosol.pt", "northpine-robotics.com", "hafenblick.de", "atelier-moreau.fr", "kitagawa.jp", "lakeside-clinic.org"]


def _luhn(prefix: str) -> str:
    digits = [int(d) for d in prefix]
    total = sum(d if i % 2 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits))
    return prefix + str(-total % 10)


class Draw:
    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)
        self.name = f"{self.r.choice(FIRST)} {self.r.choice(LAST)}"
        self.user = "u" + self.name.split()[0].lower().encode("ascii", "ignore").decode() + str(self.r.randrange(10, 99))
        self.mail = f"{self.user}@{self.r.choice(DOMAIN)}"
        self.ip = f"10.{self.r.randrange(256)}.{self.r.randrange(256)}.{self.r.randrange(1, 255)}"
        self.card = _luhn("4539" + "".join(str(self.r.randrange(10)) for _ in range(11)))
        self.phone = f"+49 30 {self.r.randrange(100000, 999999)}"
        self.key = "sk-" + "proj-" + "".join(self.r.choice("abcdefghjkmnpqrstuvwxyzABCDEFGH23456789") for _ in range(24)) + "7x"
        self.password = "".join(self.r.choice("abcdefghjkmnpqrstuvwxyz23456789-") for _ in range(14)).strip("-") + "9Q"


TEMPLATES = (
    "From: {d.name} <{d.mail}>\nSubject: invoice\n\nMy card {d.card} was charged twice. Call {d.phone}.\n\nBest regards,\n{d.name}\n",
    'Traceback (most recent call last):\n  File "/home/{d.user}/app/main.py", line 3, in <module>\nOSError: [Errno 111] {d.ip}:5432\n',
    "commit 4f1c2a9d0b7e6c5a3f2e1d0c9b8a7f6e5d4c3b2a\nAuthor: {d.name} <{d.mail}>\n\n    Fix the *bold* thing_{d.user}\n",
    'Please review:\n\n```python\nOWNER = "{d.mail}"\nKEY = "{d.key}"\nHOST = \'db-3.corp.internal\'\n```\n\nand tell {d.name} at {d.mail}.',
    '{{"customer_name": "{d.name}", "email": "{d.mail}", "ip": "{d.ip}", "nested": {{"card": "{d.card}", "note": "a\\nb\\t\\u00e9"}}}}',
    "x.py\n<<<<<<< SEARCH\nemail = '{d.mail}'\npassword = '{d.password}'\n=======\nemail = os.environ['E']\n>>>>>>> REPLACE\n",
    "Ärger mit {d.mail}: “Zugriff verweigert” — {d.ip} 🙂 日本語 {d.phone}, bitte prüfen…\n\n\n   trailing spaces   \n",
    "| name | mail | ip |\n|---|---|---|\n| {d.name} | {d.mail} | {d.ip} |\n| {d.name} | x{d.mail} | {d.ip} |\n",
    "See https://wiki.corp.internal/u/{d.user}?mail={d.mail} and mailto:{d.mail} or <{d.mail}>; cc {d.name}'s team.",
    "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-owner: {d.mail}\n+owner: team@{d.user}.example.com\n ip: {d.ip}\n",
    "```env\nAPI_KEY={d.key}\nDB=postgres://app:{d.password}@db.example.com/x\n```\nWhy is it refused from {d.ip}?",
    "Nothing private here: what is the difference between a list and a tuple, version 1.2.3, 127.0.0.1?",
)


def prompt(seed: int) -> str:
    draw = Draw(seed)
    return TEMPLATES[seed % len(TEMPLATES)].format(d=draw)
