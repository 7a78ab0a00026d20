"""The generator of the encoder's training set: exact spans, two sides that share nothing, the same bytes every time."""

import hashlib
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "packaging" / "encoder"
sys.path.insert(0, str(FOLDER))  # a folder that is run by path, no package

import addresses  # noqa: E402
import commands  # noqa: E402
import figures  # noqa: E402
import generate  # noqa: E402
import negatives  # noqa: E402
import pool  # noqa: E402
import streets  # noqa: E402
from dates import DAYS, MONTHS  # noqa: E402
from forms import grammar as language  # noqa: E402
from names import Names, Person, genitive, plain  # noqa: E402
from values import PERSONAL, TYPES, VALUES, Scene  # noqa: E402
from world import World  # noqa: E402

GRAMMAR = language.Grammar(FOLDER / "forms")
negatives.add(GRAMMAR)


def leaves(node: language.Node) -> list[str]:
    if isinstance(node, str):
        return [node]
    return [leaf for child in node for leaf in leaves(child)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[dict]]]:
    out = tmp_path_factory.mktemp("set")
    generate.build(None, out, seed=5, n=1500)
    return out, {s: [json.loads(line) for line in (out / f"{s}.jsonl").read_text().splitlines()] for s in ("train", "valid")}


def test_every_span_is_exact_trimmed_and_apart(built):
    _, sides = built
    assert len(sides["train"]) == 1425 and len(sides["valid"]) == 75
    for example in sides["train"] + sides["valid"]:
        text, end = example["text"], 0
        for a, b, kind in example["spans"]:
            assert end <= a < b <= len(text) and kind in example["types"]
            assert text[a:b] == text[a:b].strip()
            end = b
        assert text.strip() and len(text.split()) <= 180


def test_all_types_and_forms_occur_and_a_quarter_is_bare(built):
    _, sides = built
    train = sides["train"]
    assert {k for e in train for _, _, k in e["spans"]} == set(TYPES)
    assert {e["form"] for e in train} == set(GRAMMAR.forms)
    bare = sum(not e["spans"] for e in train) / len(train)
    assert 0.12 < bare < 0.35
    assert len({e["text"] for e in train}) / len(train) > 0.98


def test_an_email_span_is_an_address_and_a_card_passes_its_check_digit(built):
    _, sides = built
    emails = [e["text"][a:b] for e in sides["train"] for a, b, kind in e["spans"] if kind == "EMAIL"]
    right = sum(v.count("@") == 1 and " " not in v for v in emails)
    assert len(emails) > 100 and right / len(emails) > 0.98  # typing errors may eat an @
    rng = random.Random(3)
    for _ in range(200):
        digits = [int(c) for c in figures.card(rng) if c.isdigit()]
        assert sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(reversed(digits))) % 10 == 0
        iban = figures.iban(rng).replace(" ", "")
        assert int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


def test_the_same_arguments_give_the_same_bytes_under_another_hash_seed(built, tmp_path):
    out, _ = built
    command = [sys.executable, str(FOLDER / "generate.py"), "--out", str(tmp_path), "--seed", "5", "--n", "1500"]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "77"}, capture_output=True)
    for name in ("train.jsonl", "valid.jsonl", "stats.json"):
        assert hashlib.sha256((tmp_path / name).read_bytes()).digest() == hashlib.sha256((out / name).read_bytes()).digest(), name


def test_sides_share_no_template_and_no_listed_name():
    for form in GRAMMAR.forms.values():
        assert not {repr(t) for t in form.train} & {repr(t) for t in form.valid}, form.name
        assert form.name in ("lock", "numbers", "dense") or form.valid
    train, valid = Names(None, "train"), Names(None, "valid")
    for culture, pairs in valid.firsts.items():
        assert not {n for n, _ in pairs} & {n for n, _ in train.firsts[culture]}
    assert not {n for v in valid.lasts.values() for n in v} & {n for v in train.lasts.values() for n in v}
    assert not set(World(None, "train").words["bigco"]) & set(World(None, "valid").words["bigco"])


def test_every_slot_and_clause_of_the_templates_exists():
    trees = [t for f in GRAMMAR.forms.values() for t in f.train + f.valid] + [t for c in GRAMMAR.clauses.values() for t in c]
    slots = {leaf[1:-1] for tree in trees for leaf in leaves(tree) if leaf.startswith("«")}
    clauses = {s[1:] for s in slots if s.startswith(":")}
    kinds = {s.partition("!")[0].partition(":")[0] for s in slots if not s.startswith(":")}
    assert clauses <= set(GRAMMAR.clauses)
    assert kinds <= set(VALUES) | set(PERSONAL)


@pytest.mark.parametrize("template", ["‹a|b", "a›", "‹a|‹b›"])
def test_a_template_with_unmatched_brackets_is_refused(template):
    with pytest.raises(ValueError, match="in '"):
        language.parse(template)


def test_a_bar_outside_a_choice_is_a_bar():
    out = language.Writer()
    GRAMMAR.write(language.parse("| a | ‹b|b› |"), out, random.Random(1), lambda slot, w: None)
    assert out.text() == "| a | b |"


TEXT, SPANS = 'İpek "Zoë" Strauß\nasked Åsa.', [(0, 17, "PERSON"), (24, 27, "PERSON")]


def test_lower_upper_and_plain_text_keep_their_spans():
    for change, first, second in (
        (generate._lower, 'İpek "zoë" strauß', "åsa"),
        (generate._upper, 'İPEK "ZOË" STRAUß', "ÅSA"),
        (lambda _, c: plain(c) or c, 'Ipek "Zoe" Strauss', "Asa"),
    ):
        new, moved = generate.remap(TEXT, SPANS, change)
        assert [new[a:b] for a, b, _ in moved] == [first, second]


@pytest.mark.parametrize("seed", range(40))
def test_wrapped_text_keeps_its_spans_also_as_a_json_string(seed):
    new, moved = generate._wrap(TEXT, SPANS, random.Random(seed))
    values = [new[a:b] for a, b, _ in moved]
    assert values in (['İpek "Zoë" Strauß', "Åsa"], ['İpek \\"Zoë\\" Strauß', "Åsa"])
    if new.startswith("{"):
        assert TEXT in json.loads(new).values()
    rng = random.Random(seed)
    text, spans = generate.augment(TEXT, SPANS, rng)
    generate.check({"text": text, "spans": spans, "types": TYPES})


def test_check_refuses_overlaps_blanks_and_unknown_types():
    for spans in ([[0, 3, "PERSON"], [2, 5, "ORG"]], [[0, 4, "PERSON"]], [[0, 3, "COLOUR"]], [[2, 2, "ORG"]]):
        with pytest.raises(ValueError, match="bad span"):
            generate.check({"text": "Ana Ruiz", "spans": spans, "types": TYPES})


def test_polish_names_are_inflected():
    assert genitive(Person("Marek", "Nowak", "pl", female=False)) == "Marka Nowaka"
    assert genitive(Person("Anna", "Kowalska", "pl", female=True)) == "Anny Kowalskiej"


WNUT = """Ana\tB-person
Ruiz\tI-person
's\tO
band\tO
,\tO
Blue\tB-group
Fig\tI-group
,\tO
plays\tO
in\tO
Lyon\tB-location
.\tO

hey\tO
@anaruiz\tB-person
,\tO
come\tO
to\tO
Acme\tB-corporation
!\tO
"""


def test_open_sets_are_detokenised_and_mapped_and_unclear_labels_make_a_type_unknown(tmp_path):
    (tmp_path / "wnut17").mkdir()
    (tmp_path / "wnut17" / "wnut17train.conll").write_text(WNUT)
    (tmp_path / "wnut17" / "emerging.test.annotated").write_text("Secret\tB-person\n")
    first, second = (e for _, e in pool.read("wnut17", tmp_path))
    assert first["text"] == "Ana Ruiz's band, Blue Fig, plays in Lyon."
    assert [(first["text"][a:b], k) for a, b, k in first["spans"]] == [("Ana Ruiz", "PERSON"), ("Lyon", "LOCATION")]
    assert "ORG" not in first["types"]
    assert [(second["text"][a:b], k) for a, b, k in second["spans"]] == [("anaruiz", "USERNAME"), ("Acme", "ORG")]
    renamed = pool.rename(first, World(None, "train"), random.Random(2))
    assert renamed and "Ruiz" not in renamed["text"] and renamed["text"].endswith("plays in Lyon.")
    generate.check(renamed)


def test_no_test_split_of_an_open_set_is_named():
    files = [f for _, names, _, _ in pool.SETS.values() for f in names]
    assert files and not [f for f in files if "test" in f or "annotated" in f]
    sources = "".join(p.read_text(encoding="utf-8") for p in FOLDER.glob("*.py") if p.name not in ("train.py", "convert.py"))
    assert "presidio_research" not in sources and "pupa" not in sources and "stackoverflow_ner" not in sources


def test_a_request_that_may_hold_a_name_is_left_out(tmp_path):
    (tmp_path / "banking77").mkdir()
    rows = ["text,category", "will my card come?,x", "ask martha about it,x", "i flew to lisbon,x", "send it to Zorblax now,x"]
    (tmp_path / "banking77" / "train.csv").write_text("\n".join(rows))
    prose = [{"source": "wikigold", "text": "it will come " * 3, "spans": []}]
    names = frozenset({"will", "martha", "lisbon"})
    kept = [e["text"] for side in ("train", "valid") for e in commands.examples(tmp_path, side, prose, names)]
    assert kept == ["will my card come?"]


def test_an_age_is_its_number_and_a_relative_date_says_only_its_calendar_words():
    scene = Scene(World(None, "train"), random.Random(4), "en")
    for _ in range(300):
        (number, kind), (rest, none) = scene.parts("age", "")
        assert kind == "AGE" and not none and re.fullmatch(r"\d{1,2}|[a-z]+(-[a-z]+)?", number) and rest
    seen = set()
    for _ in range(600):
        parts = scene.parts("rel", "")
        text = "".join(t for t, _ in parts)
        labelled = [t for t, k in parts if k]
        assert all(t in DAYS or t in MONTHS or re.fullmatch(r"(19|20)\d\d", t) for t in labelled)
        assert bool(labelled) == bool(re.search(rf"\b({'|'.join(DAYS + MONTHS)}|(19|20)\d\d)\b", text))
        seen.add(text if labelled else "none")
    assert "none" in seen and len(seen) > 20


def test_military_mail_and_foreign_streets_in_forms_keep_their_lines():
    rng, world = random.Random(9), World(None, "train")
    for _ in range(200):
        first, last = streets.military(rng)
        assert re.match(r"(PSC|CMR|Unit|UNIT) \d+,? (Box|BOX) \d+$", first) and re.match(r"[AFD]PO,? A[EPA] \d{5}$", last)
        lines = streets.mixed(rng, "rue des Lilas 4", "Lyon", "France")
        assert any("Lilas" in line for line in lines) and any("lyon" in line.lower() for line in lines)
        assert "\n" not in "".join(lines)
        whole = addresses.address(rng, world)
        assert whole == whole.strip() and "\n" not in whole and not re.search(r"[{}]|, ,", whole)


def test_an_open_text_in_other_case_keeps_its_spans():
    example = {"text": TEXT, "spans": [list(s) for s in SPANS], "types": TYPES}
    seen = set()
    for seed in range(300):
        new = generate._recased(example, random.Random(seed))
        generate.check(new)
        seen.add(new["text"])
    assert len(seen) == 3 and example["text"] == TEXT


def test_renamed_german_text_keeps_its_spans_and_its_language():
    text = "Herr Zzyß aus Köln arbeitet bei der Lufthansa in Köln."
    example = {
        "text": text,
        "spans": [[5, 9, "PERSON"], [14, 18, "LOCATION"], [36, 45, "ORG"], [49, 53, "LOCATION"]],
        "types": ["LOCATION", "ORG", "PERSON"],
        "lang": "de",
        "source": "x",
    }
    world, changed = World(None, "train"), set()
    for seed in range(60):
        new = pool.rename(example, world, random.Random(seed))
        assert new is not None
        generate.check(new)
        values = [new["text"][a:b] for a, b, _ in new["spans"]]
        assert values[1] == values[3] and "Zzyß" not in values
        changed.update(kind for (a, b, kind), v in zip(example["spans"], values, strict=True) if text[a:b] != v)
    assert changed == {"PERSON", "LOCATION", "ORG"}
