"""The open NER sets: read, mapped to our types, and put back into natural text.

Sources and licences: wnut17 (CC BY 4.0), Broad Twitter Corpus (CC BY 4.0), CrossNER (MIT), WikiGold (CC BY 4.0), SEC filings
(CC BY 3.0), GermEval 2014 (CC BY 4.0), German LER (CC BY 4.0), Europeana newspapers (CC0), ECHR French/Spanish (MIT), KazNERD
(CC BY 4.0). Only train and dev splits are read; what has no split (WikiGold, Europeana) keeps every tenth block of sentences out.
`types` names what a set annotates; where a label of a set is neither ours nor clearly outside, that type is unknown in the sentence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import commands
from names import plain
from values import Scene

if TYPE_CHECKING:
    from world import World

Sentence = list[tuple[str, str]]
CORE = {"PERSON", "ORG", "LOCATION"}
PER, LOC, ORG = "PERSON", "LOCATION", "ORG"
SETS: dict[str, tuple[str, list[str], dict[str, str], set[str]]] = {
    # name: language, files, label -> our type, labels that make ORG (or LOCATION) unknown in the sentence
    "wnut17": ("en", ["wnut17/wnut17train.conll", "wnut17/emerging.dev.conll"], {"person": PER, "location": LOC, "corporation": ORG}, {"group"}),
    "btc": ("en", ["btc/btc.train", "btc/btc.dev"], {"PER": PER, "LOC": LOC, "ORG": ORG}, set()),
    "crossner": (
        "en", [f"crossner/{d}/{s}.txt" for d in ("politics", "science", "music", "literature", "ai") for s in ("train", "dev")],
        {**dict.fromkeys(("person", "politician", "scientist", "writer", "musicalartist", "researcher"), PER), **dict.fromkeys(("location", "country"), LOC), **dict.fromkeys(("organisation", "university", "band", "politicalparty"), ORG)},
        {"magazine", "academicjournal"},
    ),
    "wikigold": ("en", ["wikigold/wikigold.conll.txt"], {"PER": PER, "LOC": LOC, "ORG": ORG}, set()),
    "sec_filings": ("en", ["sec_filings/FIN5.train.txt"], {"PER": PER, "LOC": LOC, "ORG": ORG}, set()),
    "germeval2014": ("de", ["germeval2014/NER-de-dev.tsv"], {"PER": PER, "LOC": LOC, "ORG": ORG}, set()),
    "ger_ler": ("de", ["ger_ler/ler_dev.conll"], {**dict.fromkeys(("PER", "RR", "AN"), PER), **dict.fromkeys(("LD", "ST", "LDS"), LOC), **dict.fromkeys(("ORG", "UN", "INN", "GRT"), ORG)}, {"STR", "MRK"}),
    "europeana_fr": ("fr", ["europeana_ner/enp_FR.bnf.bio"], {"PER": PER, "LOC": LOC, "ORG": ORG}, set()),
    "europeana_nl": ("nl", ["europeana_ner/enp_NL.kb.bio"], {"PER": PER, "LOC": LOC, "ORG": ORG}, set()),
    "echr_fr": ("fr", ["echr_fr_es/FR-manual-train.tsv", "echr_fr_es/FR-manual-dev.tsv"], {"PER": PER, "LEGAL_PROFESSIONAL": PER, "LOC": LOC, "ORG": ORG, "DATE": "DATE", "NATIONALITY": "NRP", "ETHNIC_CATEGORY": "NRP"}, set()),
    "echr_es": ("es", ["echr_fr_es/ES-manual-train.tsv", "echr_fr_es/ES-manual-dev.tsv"], {"PER": PER, "LEGAL_PROFESSIONAL": PER, "LOC": LOC, "ORG": ORG, "DATE": "DATE", "NATIONALITY": "NRP", "ETHNIC_CATEGORY": "NRP"}, set()),
    "kaznerd": ("kk", ["kaznerd/IOB2_valid.txt"], {"PERSON": PER, "GPE": LOC, "LOCATION": LOC, "ORGANISATION": ORG, "DATE": "DATE", "NORP": "NRP"}, {"FACILITY"}),
}  # fmt: skip
EXTRA = {"echr_fr": {"DATE", "NRP"}, "echr_es": {"DATE", "NRP"}, "kaznerd": {"DATE", "NRP"}}
LIMIT = {"europeana_fr": 400, "europeana_nl": 500, "kaznerd": 1500, "ger_ler": 2000, "echr_fr": 900, "echr_es": 900}
AGAIN = {"btc": 4, "wnut17": 4, "germeval2014": 4, "ger_ler": 1, "echr_fr": 1, "echr_es": 1, "sec_filings": 1}
"""How often a training sentence comes again with other names, by set (times 0.7; 3 elsewhere)."""
NO_SPLIT = {"wikigold", "europeana_fr", "europeana_nl"}
ROLES = {
    "borrower",
    "lender",
    "bank",
    "landlord",
    "tenant",
    "lessor",
    "lessee",
    "company",
    "agent",
    "terminal",
    "buyer",
    "seller",
    "guarantor",
    "holder",
    "executive",
    "employee",
    "parent",
    "trustee",
    "licensee",
    "licensor",
    "consultant",
}
OPEN, CLOSE = set("([{«“„‘"), set(")]}»”,.;:!?%…’")
HANDLE = re.compile(r"(?<!\w)@(\w{2,})")
HONORIFIC = re.compile(r"(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Lord|Lady|Herr|Herrn|Frau|MM?|Mme|Mlle|Me|Sra?|D|Don|Doña)\.?\s+(?=\S)")
"""Set apart as TITLE by us; a single letter is a title only with the languages that use it, where it also starts a name rarely."""
ARTICLE = re.compile(r"(?:el|le|los|les|du|au|en|del|de)\s+", re.I)
NOTHING = re.compile(r"(?!)")
GLUED = re.compile(r"^('s|'m|'re|'ve|'ll|'d|n't|’s|’re|’t|'S)$", re.I)


def sentences(path: Path) -> Iterator[Sentence]:
    """Token and label of each line; blank lines end sentences. German TSV has its index first and two label layers (outer taken)."""
    now: Sentence = []
    for raw in path.read_text(encoding="utf-8").splitlines():
        cells = raw.split("\t") if "\t" in raw else raw.split(" ")
        cells = [c for c in cells if c.strip()]
        if path.suffix == ".tsv" and "GermEval" not in path.name and path.name.startswith("NER-de"):
            if cells and cells[0] == "#":
                continue
            cells = cells[1:3]
        if len(cells) < 2 or (path.suffix == ".bio" and now and (now[-1][0] == "." or len(now) > 60)):
            if now:
                yield now
            now = []
        if len(cells) >= 2 and cells[0] != "-DOCSTART-":
            now.append((cells[0].strip(), cells[-1].strip()))
    if now:
        yield now


def chunks(sentence: Sentence) -> list[tuple[int, int, str]]:
    """Token ranges of the entities, for IOB1, IOB2 and plain IO alike."""
    found: list[tuple[int, int, str]] = []
    for i, (_, tag) in enumerate(sentence):
        if tag == "O" or "-" not in tag:
            continue
        mark, kind = tag.split("-", 1)
        if mark == "I" and found and found[-1][1] == i and found[-1][2] == kind:
            found[-1] = (found[-1][0], i + 1, kind)
        else:
            found.append((i, i + 1, kind))
    return found


def detokenise(words: list[str], lang: str = "en") -> tuple[str, list[tuple[int, int]]]:
    """Join tokens as people write them; returns the text and each token's range."""
    text, where, quoted, glue = "", [], False, True
    for i, word in enumerate(words):
        before, after = words[i - 1] if i else "", words[i + 1] if i + 1 < len(words) else ""
        if lang == "de" and word == "“":  # German closes with what English opens with
            word_glue, blank = False, False
            where.append((len(text), len(text) + 1))
            text, glue = text + word, word_glue
            continue
        if (
            word in ("'", "’")
            and before
            and ((lang in ("fr", "it") and len(before) <= 2) or after in ("s", "t", "re", "m", "ll", "ve", "d"))
        ):
            where.append((len(text), len(text) + 1))
            text, glue = text + word, True
            continue
        if word in (".", ",") and before[-1:].isdigit() and after[:1].isdigit() and where and lang == "en":
            where.append((len(text), len(text) + 1))
            text, glue = text + word, word == "." or len(after) == 3
            continue
        blank = not glue and word not in CLOSE and not GLUED.match(word) and word[:1] not in CLOSE - {"’"}
        glue = (
            word in OPEN
            or word in ("#", "@", "$", "€", "£")
            or word.endswith(("(", '("', "l'", "d'", "l’", "d’", "L’", "D’", "qu’", "n’", "s’", "c’", "j’"))
        )
        if word in ('"', "''", "``"):
            blank, glue, quoted = (not quoted and bool(text)), not quoted, not quoted
        if word == "/" and before and after:
            blank, glue = False, True
        if not where:
            blank = False
        text += " " if blank else ""
        where.append((len(text), len(text) + len(word)))
        text += word
    return text, where


def read(name: str, data: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Sentences of a set as (block, example); a block keeps neighbours on one side of the split."""
    lang, files, labels, unclear = SETS[name]
    count = 0
    for file in files:
        path = data / file
        if not path.is_file():
            continue
        for index, sentence in enumerate(sentences(path)):
            block = hashlib.sha256(f"{file} {index // 20}".encode()).digest()[0]
            if name in NO_SPLIT and block % 10 == 9:
                continue
            sentence = sentence[:120]
            if len(sentence) > 1 or sentence[0][0].isalpha():
                example = _example(name, lang, labels, unclear, sentence)
                if example and (example["spans"] or name != "sec_filings" or block % 5 == 0):  # contract prose: a fifth is enough
                    count += 1
                    yield ("valid" if block % 16 == 3 else "train"), example
            if count >= LIMIT.get(name, 10**9):
                return


def _example(name: str, lang: str, labels: dict[str, str], unclear: set[str], sentence: Sentence) -> dict[str, Any] | None:
    text, where = detokenise([w for w, _ in sentence], lang)
    if not text.strip() or len(text) > 1400:
        return None
    types = CORE | EXTRA.get(name, set())
    spans: list[list[Any]] = []
    for start, end, kind in chunks(sentence):
        words = [w for w, _ in sentence[start:end]]
        base = re.sub("(part|deriv)$", "", kind)
        if kind in unclear or (base != kind and base in labels):
            types = (
                types - {"ORG", "LOCATION"}
                if kind in ("STR", "FACILITY")
                else types - ({labels[base]} if base != kind else {"ORG"})
            )
            continue
        if kind not in labels or (name == "sec_filings" and " ".join(words).lower() in ROLES):
            continue
        a, b = where[start][0], where[end - 1][1]
        lead = (ARTICLE if labels[kind] == "DATE" else HONORIFIC if labels[kind] == PER else NOTHING).match(text[a:b])
        spans.append([a + (lead.end() if lead and a + lead.end() < b else 0), b, labels[kind]])
    if name in ("btc", "wnut17"):  # a handle is a user name wherever it stands
        types = types | {"USERNAME"}
        for hit in HANDLE.finditer(text):
            spans = [s for s in spans if s[1] <= hit.start() or s[0] >= hit.end()]
            spans.append([hit.start(1), hit.end(1), "USERNAME"])
    spans = joined(text, [trim(text, s) for s in sorted(spans)])
    if name == "sec_filings" and "@" in text:
        return None
    spans = [s for s in spans if s[2] in types and s[1] > s[0] and text[s[0] : s[1]] == text[s[0] : s[1]].strip()]
    return {"text": text, "spans": sorted(spans), "types": sorted(types), "lang": lang, "form": "pool", "source": name}


def trim(text: str, span: list[Any]) -> list[Any]:
    """A span without the hash sign before it and the commas after it."""
    a, b, kind = span
    while a < b and (text[a] in "#\"'(,;:" or text[a].isspace()):
        a += 1
    while b > a and (text[b - 1] in "\"',;:!?" or text[b - 1].isspace()):
        b -= 1
    return [a, b, kind]


def joined(text: str, spans: list[list[Any]]) -> list[list[Any]]:
    """People whose name a set cut at an initial's full stop, in one piece again."""
    out: list[list[Any]] = []
    for span in spans:
        if out and span[2] == out[-1][2] == PER and text[out[-1][1] : span[0]] in (". ", ".") and text[out[-1][1] - 1].isupper():
            out[-1] = [out[-1][0], span[1], PER]
        else:
            out.append(span)
    return out


def rename(example: dict[str, Any], world: World, rng: Random) -> dict[str, Any] | None:
    """The same sentence with other people in it (full names of two words and more; later parts of a name follow), and sometimes with
    other places and organisations."""
    text, swaps = example["text"], {}
    home = {"de": "de", "fr": "fr", "es": "es", "nl": "nl"}.get(example["lang"], "")
    for a, b, kind in example["spans"]:
        value = text[a:b]
        if (
            kind == PER
            and 2 <= len(value.split()) <= 3
            and value.replace(" ", "").replace(".", "").replace("-", "").isalpha()
            and value not in swaps
        ):
            new = world.names.draw(rng, home if rng.random() < 0.6 else "")
            old = value.split()
            swaps.setdefault(old[0], new.first)
            swaps.setdefault(old[-1], new.last)
            swaps[value] = new.plain_name
    for a, b, kind in example["spans"]:  # a lone first or last name
        value = text[a:b]
        if kind == PER and value not in swaps and value.isalpha() and len(value) > 2:
            new = world.names.draw(rng, home if rng.random() < 0.6 else "")
            swaps[value] = new.last if (roll := rng.random()) < 0.55 else new.first if roll < 0.9 else world.names.invented(rng)
            if value.islower():
                swaps[value] = swaps[value].lower()
    scene = Scene(world, rng, example["lang"])
    for a, b, kind in example["spans"]:
        value = text[a:b]
        if kind in (ORG, LOC) and value not in swaps and len(value) > 2 and rng.random() < 0.4:
            new_value = "".join(
                t for t, _ in scene.parts("org" if kind == ORG else "place" if rng.random() < 0.8 else "landmark", "")
            )
            if not new_value.startswith("the "):
                swaps[value] = (
                    new_value.lower()
                    if value.islower()
                    else new_value.upper()
                    if value.isupper() and len(value) > 4
                    else new_value
                )
    if not swaps:
        return None
    out, at, spans = "", 0, []
    for a, b, kind in example["spans"]:
        out += text[at:a]
        value = swaps.get(text[a:b], text[a:b]) if kind in CORE else text[a:b]
        spans.append([len(out), len(out) + len(value), kind])
        out, at = out + value, b
    return {**example, "text": out + text[at:], "spans": spans, "source": example["source"] + "+names"}


def _parts(name: str | tuple[str, bool]) -> list[str]:
    text = name if isinstance(name, str) else name[0]
    return [p for p in re.split(r"[^\w]+", plain(text).lower()) if len(p) > 1]


GAZETTEERS = (
    "city",
    "country",
    "state",
    "region",
    "landmark",
    "nationality",
    "people",
    "faith",
    "bigco",
    "bankname",
    "univ",
    "agency",
    "teamname",
    "media",
    "namelike",
)


@cache
def gazetteer(data: Path) -> frozenset[str]:
    """Every word of every name and place that either side knows, in small letters and without marks."""
    from world import World

    found: set[str] = set()
    for side in ("train", "valid"):
        world = World(data, side)
        for group in [*world.names.firsts.values(), *world.names.lasts.values()]:
            found.update(part for name in group for part in _parts(name))
        found.update(
            part for name in [*world.all_cities, *(w for k in GAZETTEERS for w in world.words[k])] for part in _parts(name)
        )
    return frozenset(found)


def examples(data: Path, side: str, world: World, rng: Random) -> list[dict[str, Any]]:
    """All examples of one side; English train sentences come once as they are and about twice more with other people."""
    out: list[dict[str, Any]] = []
    for name in SETS:
        if not (data / SETS[name][1][0]).is_file():
            continue
        last: dict[str, Any] | None = None
        for where, example in read(name, data):
            if where != side:
                continue
            news = [
                rename(example, world, rng)
                for _ in range(AGAIN.get(name, 3))
                if example["lang"] != "kk" and rng.random() < 0.7 and side == "train"
            ]
            if (
                last
                and rng.random() < 0.3
                and last["types"] == example["types"]
                and len(last["text"]) < 700
                and name not in ("btc", "wnut17")
            ):
                n = len(last["text"]) + 1
                last["text"] += " " + example["text"]
                last["spans"] = last["spans"] + [[s + n, e + n, k] for s, e, k in example["spans"]]
            else:
                out.append(example)
                last = example
            out += [new for new in news if new]
    requests = commands.examples(data, side, out, gazetteer(data))
    rng.shuffle(requests)
    out += requests[: len(out) // 4]
    return [e for e in out if len(e["text"].split()) <= 180 and len(e["text"]) <= 1500]
