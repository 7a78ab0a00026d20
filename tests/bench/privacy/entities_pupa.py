"""PUPA: what of 901 real prompts' private units still stands in the text that would leave.

A unit leaks when it stands, case-folded, blanks as one, with no letter or digit beside it, in the veiled prompt. Units that start with
`presidio_anonymized_` were masked before the set was made and are skipped, as are empty ones. This is a string measure of our own;
PAPILLON's published 7.5 % is judged by a model after rewriting. The prompts were scrubbed with Presidio before, so what is left is what
Presidio misses, and the units name public companies, products and countries too.

A unit is a person when it has one to four words of letters, none of them a word of organisations, it is no country, region or city,
none of its words is one that the prompts write in small letters (three times, and as often as with a capital), and its first or last
word is a forename or surname of names_cc0 or of the made-up identities in presidio_research, or the first or last word of a person in
an open NER set (wnut17, btc, crossner, wikigold); or when it starts with a title or ends in "et al". The rule misses rare names and takes some that are none: it is the same for everybody, and `--show` prints what it took.
"""

from __future__ import annotations

import csv
import re
import sys
import unicodedata
from collections import Counter
from pathlib import Path

from entities_scan import ROOT, findings
from entities_sets import sentences
from rows import Row

from localrouter.config.recipes import load_recipe
from localrouter.core.ask import Leaf
from localrouter.core.errors import PrivacyUnsure
from localrouter.core.kinds import ORDER
from localrouter.scrub.checked import checked
from localrouter.scrub.tokens import Minter
from localrouter.scrub.veil import taken

SKIP = "presidio_anonymized_"
TITLES = re.compile(r"(?:mr|mrs|ms|miss|dr|prof|professor|sir)\b\.? \w")
_ORGANISATIONS = """
inc corp co ltd llc gmbh plc sa ag university college school institute bank group company companies team club hospital church
department ministry association foundation council center centre society press studio studios airlines airline hotel city state
united republic international national global north south east west new saint st the of and for
"""
ORGANISATION = frozenset(_ORGANISATIONS.split())
_WORDS = re.compile(r"[^\W\d_]+(?:['’.-]+[^\W\d_]+)*\.?")


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))


def names(data: Path) -> tuple[frozenset[str], frozenset[str]]:
    """(words of people's names, places), folded. Raises FileNotFoundError."""
    people: set[str] = set()
    tables = [("names_cc0/common-forenames-by-country.csv", ("Localized Name", "Romanized Name")),
              ("names_cc0/common-surnames-by-country.csv", ("Localized Name", "Romanized Name")),
              ("presidio_research/FakeNameGenerator.com_3000.csv", ("GivenName", "Surname"))]  # fmt: skip
    for file, columns in tables:
        with (data / file).open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                people.update(word for c in columns for word in _fold(row[c] or "").split() if len(word) > 1)
    for name in ("wnut17", "btc", "crossner", "wikigold"):
        for part in ("train", "test"):
            for sentence in sentences(name, data, part):
                for a, b, kind in sentence.spans:
                    words = _fold(sentence.text[a:b]).split()
                    if kind == "PERSON" and len(words) > 1:
                        people.update(w for w in (words[0], words[-1]) if len(w) > 2 and w.isalpha())
    places: set[str] = set()
    with (data / "world_cities/world-cities.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            places.update(_fold(row[c] or "") for c in ("country", "subcountry"))
            places.add(_fold(row["name"]))
    return frozenset(people), frozenset(places)


def common(texts: list[str]) -> frozenset[str]:
    """Words that people write in small letters."""
    small: Counter[str] = Counter()
    capital: Counter[str] = Counter()
    for text in texts:
        for word in _WORDS.findall(text):
            (small if word.islower() else capital)[_fold(word)] += 1
    return frozenset(w for w, n in small.items() if n >= 3 and n >= capital[w])


def is_person(unit: str, people: frozenset[str], places: frozenset[str], plain: frozenset[str]) -> bool:
    """By the rule above."""
    folded = _fold(unit).strip()
    if TITLES.match(folded) or re.search(r"\bet al\b", folded):
        return True
    words = folded.removesuffix("'s").split()
    if (
        not 1 <= len(words) <= 4
        or not all(_WORDS.fullmatch(w) for w in words)
        or any(w.strip(".") in ORGANISATION or w in plain for w in words)
    ):
        return False
    if len(words) > 1:
        return " ".join(words) not in places and any(w in people for w in (words[0], words[-1]))
    return words[0] in people and words[0] not in places


def stands(unit: str, text: str) -> bool:
    """`text` is folded already (`flat`)."""
    return re.search(rf"(?<!\w){re.escape(flat(unit))}(?!\w)", text) is not None


def flat(text: str) -> str:
    return " ".join(text.casefold().split())


def prompts(data: Path) -> list[tuple[str, list[str]]]:
    """(prompt, its usable units, each once). Raises FileNotFoundError."""
    csv.field_size_limit(sys.maxsize)
    out = []
    for name in ("PUPA_TNB.csv", "PUPA_New.csv"):
        with (data / "pupa" / name).open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                units = {u.strip() for u in row["pii_units"].split("||")}
                out.append((row["user_query"], sorted(u for u in units if u and SKIP not in u)))
    return out


def measure(data: Path, limit: int | None = None, show: int = 0) -> list[Row]:
    """`show`: print so many leaking units of people, for a look."""
    people, places = names(data)
    every = prompts(data)
    plain = common([prompt for prompt, _ in every])
    policy = load_recipe("balanced", [ROOT / "recipes"])
    values = {name: policy.rule(name).values for name in ORDER}
    left = {"all": [0, 0], "verbatim": [0, 0], "people": [0, 0]}  # [still there, units]
    shares: list[float] = []
    refused = words = masked = 0
    seen: list[str] = []
    for number, (prompt, units) in enumerate(every[:limit]):
        leaf = Leaf(("text",), prompt, "user", "")
        before = flat(prompt)
        try:
            minter = Minter(b"measured", f"pupa {number}", "", taken([leaf]))
            veiled = checked([leaf], [findings(prompt)], values, minter)
            after, marks = flat(veiled.texts[0]), veiled.marks[0]
            gone = _veiled_words(prompt, veiled.texts[0], marks)
        except PrivacyUnsure:
            refused += 1
            after, gone = "", 0
        words += len(prompt.split())
        masked += gone
        leaks = [u for u in units if stands(u, after)]
        if units:
            shares.append(len(leaks) / len(units))
        for unit in units:
            for name in (
                "all",
                *(["verbatim"] if stands(unit, before) else []),
                *(["people"] if is_person(unit, people, places, plain) else []),
            ):
                left[name][1] += 1
                left[name][0] += unit in leaks
        seen += [u for u in leaks if is_person(u, people, places, plain)]
    for unit in seen[:show]:
        print("   ", unit)
    rate = {k: a / max(1, b) for k, (a, b) in left.items()}
    mean = sum(shares) / max(1, len(shares))
    return [
        Row(
            "PUPA: private units that leave",
            "7.5 % (PAPILLON, judged by a model)",
            "<= 6 %",
            f"{rate['all']:.1%}",
            rate["all"] <= 0.06,
            f"{left['all'][1]} units; mean over prompts {mean:.1%}; of the {left['verbatim'][1]} that stand in their prompt {rate['verbatim']:.1%}; "
            f"{refused} prompts refused by the last check; a string measure",
        ),
        Row(
            "PUPA: people who leave",
            "",
            "<= 2 %",
            f"{rate['people']:.1%}",
            rate["people"] <= 0.02,
            f"{left['people'][1]} units that a rule takes for people",
        ),
        Row("PUPA: words veiled", "", "", f"{masked / max(1, words):.1%}", None, "the price: share of the prompts' words"),
    ]


def _veiled_words(prompt: str, veiled: str, marks: list[tuple[int, int, str]]) -> int:
    """Words of the prompt that no longer stand outside tokens."""
    kept, at = [], 0
    for start, end, _ in marks:
        kept.append(veiled[at:start])
        at = end
    kept.append(veiled[at:])
    return max(0, len(prompt.split()) - sum(len(part.split()) for part in kept))
