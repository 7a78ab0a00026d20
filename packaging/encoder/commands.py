"""Real short requests: SNIPS with its own labels, and unlabelled sets kept only where no name, place or firm can be in them.

Sources: snips (CC0), banking77 (CC BY 4.0), clinc150 (CC BY 3.0), hwu64 (CC BY 4.0), mbpp (CC BY 4.0), self_instruct (Apache-2.0),
pubmedqa (MIT). An unlabelled text is kept when every word is in no gazetteer, or is written small in edited prose often
enough to be a common word (will, may, reading), and no capital letter stands inside a sentence. It then counts as annotated
for people, places and user names, and nothing else is claimed of it.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from names import plain

MISSED = frozenset(
    [
        "jayesh",
        "manoj",
        "raju",
        "stevie",
        "cindi",
        "shakira",
        "melinda",
        "jerry",
        "josh",
        "mikey",
        "monty",
        "sally",
        "petey",
        "mollie",
        "lizzie",
        "bert",
        "vikki",
        "modi",
        "narendra",
        "jeter",
        "lovett",
        "lowry",
        "bono",
        "feynman",
        "limbaugh",
        "gusteau",
        "davinci",
        "galileo",
        "raunak",
        "janta",
        "sacromento",
        "fredericksburg",
        "gatlinburg",
        "mongomery",
        "pondichery",
        "quantico",
        "leavenworth",
        "sedona",
        "bardonia",
        "nyack",
        "broadmore",
        "mangalore",
        "obama",
        "trump",
        "einstein",
        "mozart",
        "beethoven",
        "brenden",
        "jake",
        "chris",
        "raj",
        "olly",
        "rohit",
        "rahul",
        "miley",
        "taylor",
        "bieber",
        "adele",
    ]
)
"""Names and places in these sets that the lists lack; found by reading every word that survived the filter."""
WORD = re.compile(r"[^\W\d_]+")
INNER_CAPITAL = re.compile(r"(?<![.!?:\n\"'(])(?<!^)\s+(?!I\b)[A-Z][a-z]")
SNIPS = {
    "city": "LOCATION",
    "state": "LOCATION",
    "country": "LOCATION",
    "geographic_poi": "LOCATION",
    "poi": "LOCATION",
    "restaurant_name": "ORG",
    "timeRange": "DATE",
}
LIMIT = {"banking77": 3500, "clinc150": 5000, "hwu64": 3500, "pubmedqa": 3500}
CLAIMED = ["LOCATION", "NRP", "PERSON", "USERNAME"]


def folder(data: Path, name: str) -> Path:
    """Where a set lies: in the data folder itself or in its sub-folder `routing_signals`."""
    return data / name if (data / name).is_dir() else data / "routing_signals" / name


def snips(data: Path) -> Iterator[dict[str, Any]]:
    for intent in ("GetWeather", "BookRestaurant"):
        path = folder(data, "snips") / f"train_{intent}.json"
        if not path.is_file():
            continue
        for row in json.loads(path.read_text(encoding="utf-8", errors="replace"))[intent]:
            text, spans, types = "", [], {"LOCATION", "DATE", "ORG", "PERSON"}
            for chunk in row["data"]:
                entity, value = chunk.get("entity"), chunk["text"]
                if entity == "poi" and value[:1].islower():  # "their chalet"
                    types.discard("LOCATION")
                elif entity in SNIPS and value.strip():
                    lead = len(value) - len(value.lstrip())
                    spans.append([len(text) + lead, len(text) + len(value.rstrip()), SNIPS[entity]])
                elif entity == "party_size_description":
                    types.discard("PERSON")
                text += value
            spans = [s for s in spans if s[2] in types]
            yield {"text": text, "spans": spans, "types": sorted(types), "lang": "en", "form": "command", "source": "snips"}


def unlabelled(data: Path) -> Iterator[tuple[str, str]]:
    """(source, text) of the sets without labels."""
    for name, file in (("banking77", "train.csv"), ("hwu64", "trainset.csv")):
        path = folder(data, name) / file
        if path.is_file():
            with path.open(encoding="utf-8-sig", newline="") as f:
                yield from ((name, row["text"].strip()) for row in csv.DictReader(f))
    path = folder(data, "clinc150") / "data_full.json"
    if path.is_file():
        rows = json.loads(path.read_text(encoding="utf-8"))
        yield from (("clinc150", text) for text, _ in rows["train"] + rows["oos_train"])
    path = folder(data, "mbpp") / "mbpp.jsonl"
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield "mbpp", row["text"]
            yield "mbpp", row["code"].replace("\r\n", "\n")
            yield "mbpp", row["text"] + "\n\n" + row["code"].replace("\r\n", "\n")
    for name, file in (
        ("self_instruct", "seed_tasks.jsonl"),
        ("self_instruct", "user_oriented_instructions.jsonl"),
        ("pubmedqa", "pqal.jsonl"),
    ):
        path = folder(data, name) / file
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                if name == "pubmedqa":
                    yield from ((name, part) for part in [row["question"], *re.split(r"(?<=[.])\s+(?=[A-Z])", row["context"])])
                else:
                    yield name, row["instruction"]
                    yield from ((name, part[k]) for part in row["instances"][:1] for k in ("input", "output") if part[k])


def common_words(pool: list[dict[str, Any]]) -> set[str]:
    """Words that edited English prose writes small, outside any span, three times and more."""
    count: Counter[str] = Counter()
    for example in pool:
        if example["source"] in ("wikigold", "crossner", "sec_filings"):
            hidden = list(example["text"])
            for a, b, _ in example["spans"]:
                hidden[a:b] = " " * (b - a)
            count.update(w for w in WORD.findall("".join(hidden)) if w.islower())
    return {w for w, n in count.items() if n >= 3}


def examples(data: Path, side: str, pool: list[dict[str, Any]], gazetteer: frozenset[str]) -> list[dict[str, Any]]:
    """All requests of one side; every sixteenth text is for validation. `pool` teaches which words are common."""
    common = common_words(pool)
    out = []
    for example in snips(data):
        if _side(example["text"]) == side:
            out.append(example)
    taken: Counter[str] = Counter()
    for source, text in unlabelled(data):
        text = text.strip()
        if taken[source] >= LIMIT.get(source, 10**9):
            continue
        if (
            not text
            or _side(text) != side
            or len(text) > 900
            or len(text.split()) > 150
            or INNER_CAPITAL.search(text)
            or "@" in text
        ):
            continue
        if not any(w in MISSED or (w in gazetteer and w not in common) for w in (plain(x).lower() for x in WORD.findall(text))):
            taken[source] += 1
            out.append({"text": text, "spans": [], "types": CLAIMED, "lang": "en", "form": "command", "source": source})
    return out


def _side(text: str) -> str:
    return "valid" if hashlib.sha256(text.encode()).digest()[0] % 16 == 3 else "train"
