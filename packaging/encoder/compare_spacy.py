"""Is a small spaCy NER, trained on the same text, better than the encoder, or worth its cost beside it? One table says.

Trains `spacy.blank("en")` with one `ner` (its default hash-embedding CNN) on the processor for --minutes, on the examples of
train.jsonl in which people, organisations and places are all annotated, those three types alone. Scores it, the encoder (its tags as
they are, without detectors and thresholds), and both united (all spans of the encoder, and spaCy's where the encoder has none of that
type) on the held-out examples and on the open sets' test parts. A span is right when one of its type overlaps it with IoU >= 0.5 in
characters. Time is processor time of one thread each for 100 words (spaCy's count of words), memory the resident set added.

Run: nice -n 15 python packaging/encoder/compare_spacy.py --data DIR --sets DIR --model encoder.gguf --out DIR [--minutes 10]
DIR of --data: train.jsonl and valid.jsonl. DIR of --out: the trained pipeline; one that is there is used and not trained again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", OMP_WAIT_POLICY="PASSIVE")  # before numpy

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "bench" / "privacy")]

from entities_sets import FILES, TYPES, Sentence, sentences, tallies  # noqa: E402  # after the path

from localrouter.engine.encoder import Encoder  # noqa: E402

Said = list[tuple[int, int, str]]


def examples(file: Path, limit: int) -> list[Sentence]:
    """Those in which all three types are annotated."""
    out: list[Sentence] = []
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            tree = json.loads(line)
            if set(TYPES) <= set(tree["types"]):
                out.append(Sentence(tree["text"], [(a, b, t) for a, b, t in tree["spans"] if t in TYPES], []))
            if len(out) >= limit:
                break
    return out


def trained(file: Path, limit: int, minutes: float, out: Path) -> Any:
    """A pipeline that has seen what fits into the time. Says how much that was."""
    import spacy
    from spacy.training import Example
    from spacy.util import filter_spans, minibatch

    nlp: Any = spacy.blank("en")
    ner: Any = nlp.add_pipe("ner")
    for name in TYPES:
        ner.add_label(name)
    draw = random.Random(1)
    spacy.util.fix_random_seed(1)

    def made(sentence: Sentence) -> Any:
        doc = nlp.make_doc(sentence.text)
        spans = [doc.char_span(a, b, label=t, alignment_mode="expand") for a, b, t in sentence.spans]
        gold = doc.copy()
        gold.ents = filter_spans([s for s in spans if s is not None])
        return Example(doc, gold)

    data = examples(file, limit)
    draw.shuffle(data)
    nlp.initialize(lambda: [made(s) for s in data[:2000]])
    optimizer = nlp.resume_training()
    began, words, rounds, step = time.monotonic(), 0, 0, 0
    while time.monotonic() - began < minutes * 60:
        rounds += 1
        for group in minibatch(data, 64):
            # The rate falls to a tenth, so that the end of the time is a good place to stop.
            optimizer.learn_rate = 0.001 * max(0.1, 1 - (time.monotonic() - began) / (minutes * 60))
            batch = [made(s) for s in group]
            losses = nlp.update(batch, sgd=optimizer, drop=0.1)
            words += sum(len(e.reference) for e in batch)
            step += 1
            if step % 100 == 0:
                print(f"  {step} steps, {words} words, loss {losses['ner'] / len(batch):.2f}", file=sys.stderr, flush=True)
            if time.monotonic() - began >= minutes * 60:
                break
        draw.shuffle(data)
    print(
        f"trained on {len(data)} examples, {words} words read in {minutes:g} minutes of one niced thread ({rounds} passes begun)"
    )
    nlp.to_disk(out)
    return nlp


def united(first: Said, second: Said) -> Said:
    """All of the first, and of the second what overlaps none of its type there."""
    return first + [s for s in second if all(s[2] != f[2] or s[1] <= f[0] or s[0] >= f[1] for f in first)]


def resident() -> float:
    """MB (VmRSS)."""
    return int(Path("/proc/self/status").read_text(encoding="ascii").split("VmRSS:")[1].split()[0]) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", type=Path, required=True, help="the folder of the unpacked public sets")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--limit", type=int, default=60_000, help="examples for training")
    parser.add_argument("--most", type=int, default=1_500, help="sentences of each set that are scored")
    given = parser.parse_args()
    import spacy

    warnings.filterwarnings("ignore", message=r"\[W030\]")  # spans that cut a word: they were widened to it
    if not (given.out / "config.cfg").is_file():
        trained(given.data / "train.jsonl", given.limit, given.minutes, given.out)
    before = resident()
    encoder = Encoder(given.model, 1)
    encoder.tag(["Jane Doe of Example Ltd lives in Paris."])
    memory = {"encoder": resident() - before}
    before = resident()
    nlp: Any = spacy.load(given.out)
    nlp("Jane Doe of Example Ltd lives in Paris.")
    memory["spaCy"] = resident() - before
    disk = {
        "encoder": given.model.stat().st_size / 1e6,
        "spaCy": sum(f.stat().st_size for f in given.out.rglob("*") if f.is_file()) / 1e6,
    }
    spent = {"encoder": 0.0, "spaCy": 0.0}
    words = 0

    def by_encoder(text: str) -> Said:
        return [(t.start, t.end, t.type) for t in encoder.tag([text])[0] if t.type in TYPES]

    def by_spacy(text: str) -> Said:
        return [(e.start_char, e.end_char, e.label_) for e in nlp(text).ents]

    def timed(name: str, work: Callable[[str], Said], text: str) -> Said:
        began = time.process_time()
        said = work(text)
        spent[name] += time.process_time() - began
        return said

    held: dict[str, Callable[[], Iterator[Sentence]]] = {
        "held out": lambda: iter(examples(given.data / "valid.jsonl", given.most))
    }
    for name in FILES:
        held[name] = lambda name=name: sentences(name, given.sets)  # type: ignore[misc]
    print(
        f"{'set':14} {'model':10} " + " ".join(f"{t:>22}" for t in TYPES) + f"   R P F2, IoU 0.5; {given.most} sentences at most"
    )
    for name, source in held.items():
        own: dict[str, list[tuple[Sentence, Said]]] = {"encoder": [], "spaCy": [], "both": []}
        try:
            for number, sentence in enumerate(source()):
                if number >= given.most:
                    break
                one, two = timed("encoder", by_encoder, sentence.text), timed("spaCy", by_spacy, sentence.text)
                words += len(nlp.make_doc(sentence.text))
                for model, said in (("encoder", one), ("spaCy", two), ("both", united(one, two))):
                    own[model].append((sentence, said))
        except FileNotFoundError as exc:
            print(f"{name:14} {exc.filename} is missing")
            continue
        for model, rows in own.items():
            made = tallies(iter(rows))
            cells = []
            for kind in TYPES:
                r, p = made[kind].recall(), made[kind].precision()
                cells.append(f"{r:.3f} {p:.3f} {5 * p * r / max(4 * p + r, 1e-9):.3f}")
            print(f"{name:14} {model:10} " + " ".join(f"{c:>22}" for c in cells), flush=True)
    for model, seconds in spent.items():
        print(
            f"{model}: {seconds * 1e5 / words:.1f} ms of processor for 100 words, {disk[model]:.1f} MB on disk, {memory[model]:.0f} MB resident"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
