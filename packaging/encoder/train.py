"""Train the encoder's token head, and the encoder with it, from generated and open data. `make encoder` runs it; CPU or GPU.

Needs torch, safetensors, tokenizers, numpy, gguf. Base: sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0). Data: JSON lines as
`generate.py` writes them: text, spans, and the types that are annotated in that example. Where a source does not annotate a type, a
word outside its spans may be of that type, so the loss there is of "O or any type that this source leaves out" (partial labels).

Run: python packaging/encoder/train.py --base DIR --data DIR --out DIR [--minutes 50]
DIR of --base: model.safetensors and vocab.txt. DIR of --out: encoder.gguf, scores.json, checkpoint.safetensors.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # torch's own name for it
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]

from convert import write  # noqa: E402  # after the path

from localrouter.engine.pieces import CLS, SEP, Reader  # noqa: E402
from localrouter.engine.token_head import TYPES, Head, decode, windows  # noqa: E402

LABELS = 1 + 2 * len(TYPES)
WINDOW = 256
SKIP = -1
MARKS = 5
"""Ids of [PAD] and of the four marks."""


class Block(nn.Module):
    """One layer of BERT (Devlin et al., 2019), with the parameter names of the Hugging Face checkpoints."""

    def __init__(self, width: int, inner: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out, self.norm1 = nn.Linear(width, width), nn.LayerNorm(width, eps=1e-12)
        self.up, self.down, self.norm2 = nn.Linear(width, inner), nn.Linear(inner, width), nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        b, t, w = x.shape
        q, k, v = (f(x).view(b, t, self.heads, w // self.heads).transpose(1, 2) for f in (self.query, self.key, self.value))
        # Written out: the fused kernel's backward pass took a third of a step on a processor (torch 2.13, measured).
        weights = (q @ k.transpose(2, 3) * (w // self.heads) ** -0.5 + mask).softmax(-1)
        seen = (weights.to(v.dtype) @ v).transpose(1, 2).reshape(b, t, w)
        x = self.norm1(x + self.out(seen))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


HF = {
    "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value", "out": "attention.output.dense",
    "norm1": "attention.output.LayerNorm", "up": "intermediate.dense", "down": "output.dense", "norm2": "output.LayerNorm",
}  # fmt: skip


class Tagger(nn.Module):
    """The encoder and a linear head over each piece."""

    def __init__(self, vocabulary: int, width: int = 384, inner: int = 1536, layers: int = 6, heads: int = 12) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(vocabulary, width), nn.Embedding(512, width)
        self.types = nn.Embedding(2, width)
        self.norm, self.drop = nn.LayerNorm(width, eps=1e-12), nn.Dropout(0.1)
        # The marks of `pieces` are learnt; the other words keep their places, so that names never seen lie beside those that were.
        self.marks = nn.Embedding(MARKS, width)
        self.blocks = nn.ModuleList(Block(width, inner, heads) for _ in range(layers))
        self.head = nn.Linear(width, LABELS)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        places = torch.arange(ids.shape[1], device=ids.device)
        words = self.words(ids)
        words = torch.where((ids < MARKS)[..., None], self.marks(ids.clamp(max=MARKS - 1)), words)
        x = self.norm(words + self.places(places) + self.types.weight[0])
        mask = torch.where(places[None] < lengths[:, None], 0.0, -1e4)[:, None, None, :]
        for block in self.blocks:
            x = block(x, mask)
        return self.head(self.drop(x))

    def named(self) -> dict[str, str]:
        """Parameter name here -> in a Hugging Face checkpoint."""
        names = {
            "words.weight": "embeddings.word_embeddings.weight", "places.weight": "embeddings.position_embeddings.weight",
            "types.weight": "embeddings.token_type_embeddings.weight", "norm.weight": "embeddings.LayerNorm.weight",
            "norm.bias": "embeddings.LayerNorm.bias",
        }  # fmt: skip
        for name, _ in self.named_parameters():
            if name.startswith("blocks."):
                _, number, part, kind = name.split(".")
                names[name] = f"encoder.layer.{number}.{HF[part]}.{kind}"
        return names

    def load_base(self, file: Path) -> None:
        base = load_file(str(file))
        own = self.state_dict()
        for mine, theirs in self.named().items():
            own[mine].copy_(base[theirs].float())
        own["marks.weight"].copy_(own["words.weight"][:MARKS])
        self.words.weight.requires_grad_(False)


class Example:
    """One window: ids with [CLS] and [SEP], the place of each word's first piece, its label, and the types known to be annotated."""

    __slots__ = ("first", "ids", "known", "labels", "spans", "words")

    def __init__(self, ids: list[int], first: list[int], labels: list[int], known: int, words: Any, spans: Any) -> None:
        self.ids = np.array(ids, dtype=np.int32)
        self.first, self.labels = np.array(first, dtype=np.int32), np.array(labels, dtype=np.int16)
        self.known, self.words, self.spans = known, words, spans


def examples(file: Path, reader: Reader, limit: int | None = None, keep: bool = False) -> list[Example]:
    """`keep`: also the words' offsets and the gold spans, for scoring."""
    out: list[Example] = []
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if limit is not None and number >= limit:
                break
            tree = json.loads(line)
            pieces = reader.read(tree["text"])
            known = sum(1 << TYPES.index(t) for t in tree["types"] if t in TYPES)
            labels = labelled(pieces.words, tree["spans"])
            for begin, end in windows(pieces, WINDOW - 2, 0):
                low = pieces.at[begin]
                high = pieces.at[end] if end < len(pieces.words) else len(pieces.ids)
                ids = [CLS, *pieces.ids[low:high], SEP]
                first = [p - low + 1 for p in pieces.first[begin:end]]
                gold = [s for s in tree["spans"] if s[2] in TYPES] if keep else None
                out.append(Example(ids, first, labels[begin:end], known, pieces.words[begin:end] if keep else None, gold))
    return out


def labelled(words: list[tuple[int, int]], spans: list[list[Any]]) -> list[int]:
    """B and I for the words whose greater part lies in a span; SKIP for a word that a span cuts."""
    labels = [0] * len(words)
    at = 0
    for start, end, kind in sorted(spans):
        if kind not in TYPES:
            continue
        number = TYPES.index(kind)
        while at < len(words) and words[at][1] <= start:
            at += 1
        begun = False
        while at < len(words) and words[at][0] < end:
            low, high = words[at]
            inside = min(high, end) - max(low, start)
            if inside * 2 > high - low:
                labels[at] = 2 + 2 * number if begun else 1 + 2 * number
                begun = True
            else:
                labels[at] = SKIP
            at += 1
    return labels


def batches(data: list[Example], tokens: int, draw: random.Random) -> Iterator[list[Example]]:
    """Of like length, at most `tokens` with padding, in random order."""
    order = sorted(range(len(data)), key=lambda i: len(data[i].ids) + draw.random() * 12)
    groups: list[list[Example]] = []
    now: list[Example] = []
    for i in order:
        if now and (len(now) + 1) * len(data[i].ids) > tokens:
            groups.append(now)
            now = []
        now.append(data[i])
    groups.append(now)
    draw.shuffle(groups)
    yield from groups


def tensors(group: list[Example], device: str) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """(ids, lengths, flat places of the words' first pieces, labels, known types as bits)."""
    longest = max(len(e.ids) for e in group)
    ids = np.zeros((len(group), longest), dtype=np.int64)
    places, labels, known = [], [], []
    for row, e in enumerate(group):
        ids[row, : len(e.ids)] = e.ids
        keep = e.labels != SKIP
        places.append(e.first[keep] + row * longest)
        labels.append(e.labels[keep])
        known.append(np.full(int(keep.sum()), e.known, dtype=np.int64))
    lengths = torch.tensor([len(e.ids) for e in group], device=device)
    made = [torch.from_numpy(np.concatenate(x).astype(np.int64)).to(device) for x in (places, labels, known)]
    return torch.from_numpy(ids).to(device), lengths, made[0], made[1], made[2]


def loss_of(logits: Tensor, labels: Tensor, known: Tensor, unknown: Tensor) -> Tensor:
    """Negative log-likelihood of the set of labels that the annotation allows. `unknown`: (2^types rows are too many, so) a function
    table of bits to masks is made per batch."""
    logs = F.log_softmax(logits.float(), dim=-1)
    plain = F.nll_loss(logs, labels, reduction="none")
    open_ = (labels == 0) & (known != (1 << len(TYPES)) - 1)
    if not bool(open_.any()):
        return plain.mean()
    allowed = unknown[None] & ~known[open_][:, None] != 0  # (n, types)
    mask = torch.full((allowed.shape[0], LABELS), -1e4, device=logits.device)
    mask[:, 0] = 0
    mask[:, 1:] = torch.where(allowed, 0.0, -1e4).repeat_interleave(2, dim=1)
    plain = plain.clone()
    plain[open_] = -torch.logsumexp(logs[open_] + mask, dim=-1)
    return plain.mean()


def predict(model: Tagger, data: list[Example], device: str) -> list[np.ndarray[Any, Any]]:
    """Logits of each example's words."""
    model.eval()
    order = sorted(range(len(data)), key=lambda i: len(data[i].ids))
    out: list[Any] = [None] * len(data)
    with torch.no_grad(), torch.autocast(device, dtype=torch.bfloat16):
        for begin in range(0, len(order), 64):
            group = [data[i] for i in order[begin : begin + 64]]
            longest = max(len(e.ids) for e in group)
            ids = np.zeros((len(group), longest), dtype=np.int64)
            for row, e in enumerate(group):
                ids[row, : len(e.ids)] = e.ids
            lengths = torch.tensor([len(e.ids) for e in group], device=device)
            logits = model(torch.from_numpy(ids).to(device), lengths).float().cpu().numpy()
            for row, i in enumerate(order[begin : begin + 64]):
                out[i] = logits[row][group[row].first]
    model.train()
    return out


def score(logits: list[np.ndarray[Any, Any]], data: list[Example], bias: dict[str, float]) -> dict[str, tuple[int, int, int]]:
    """Exact spans by type: (right, predicted, gold). What a source does not annotate is not counted."""
    extra = np.zeros(LABELS, dtype=np.float32)
    for name, value in bias.items():
        extra[1 + 2 * TYPES.index(name) : 3 + 2 * TYPES.index(name)] = value
    right: Counter[str] = Counter()
    said: Counter[str] = Counter()
    gold: Counter[str] = Counter()
    for e, own in zip(data, logits, strict=True):
        if not len(e.words):
            continue
        low, high = e.words[0][0], e.words[-1][1]
        truth = {(s, t, k) for s, t, k in e.spans if s >= low and t <= high}
        found = {(e.words[a][0], e.words[b - 1][1], k) for a, b, k, _ in decode(own + extra)}
        found = {f for f in found if e.known >> TYPES.index(f[2]) & 1}
        gold.update(k for _, _, k in truth)
        said.update(k for _, _, k in found)
        right.update(k for _, _, k in found & truth)
    return {k: (right[k], said[k], gold[k]) for k in TYPES}


def f_beta(right: int, said: int, gold: int, beta: float) -> float:
    if not right:
        return 0.0
    p, r = right / said, right / gold
    return (1 + beta**2) * p * r / (beta**2 * p + r)


def calibrated(logits: list[np.ndarray[Any, Any]], data: list[Example], beta: float) -> dict[str, float]:
    """For each type the bias with the best F-beta on held-out text: a missed name costs more than a veiled word."""
    table = {step: score(logits, data, dict.fromkeys(TYPES, step)) for step in np.arange(-1.0, 3.01, 0.5)}
    return {k: float(max(table, key=lambda s: (f_beta(*table[s][k], beta), -abs(s)))) for k in TYPES}


def export(model: Tagger, vocabulary: list[str], bias: dict[str, float], out: Path, about: dict[str, str]) -> None:
    own = {k: v.detach().float().cpu() for k, v in model.state_dict().items()}
    own["words.weight"][:MARKS] = own["marks.weight"]
    base = {theirs: own[mine].numpy() for mine, theirs in model.named().items()}
    head = Head(own["head.weight"].numpy(), own["head.bias"].numpy(), TYPES, bias, WINDOW)
    extra = {k.removeprefix("localrouter."): v for k, v in head.metadata().items()} | about
    write(base, vocabulary, out, "localrouter-encoder", extra)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--minutes", type=float, default=50.0, help="time for training; the learning rate falls to nothing over it"
    )
    parser.add_argument("--epochs", type=float, default=3.0, help="at most so many passes")
    parser.add_argument("--rate", type=float, default=2.5e-4)
    parser.add_argument("--tokens", type=int, default=6144, help="of one batch")
    parser.add_argument("--limit", type=int, help="only so many examples")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--start", type=Path, help="a checkpoint.safetensors to go on from")
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    torch.set_num_threads(given.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    given.out.mkdir(parents=True, exist_ok=True)
    vocabulary = (given.base / "vocab.txt").read_text(encoding="utf-8").splitlines()
    reader = Reader(vocabulary)
    train = examples(given.data / "train.jsonl", reader, given.limit)
    valid = examples(given.data / "valid.jsonl", reader, 4000, keep=True)
    size = sum(len(e.ids) for e in train)
    print(f"{len(train)} windows, {size} pieces; {len(valid)} held out; {device}", flush=True)
    model = Tagger(len(vocabulary))
    model.load_base(given.base / "model.safetensors")
    if given.start:
        model.load_state_dict(load_file(str(given.start)))
    model.to(device)
    groups = [
        {
            "params": [p for n, p in model.named_parameters() if p.requires_grad and p.ndim > 1 and "head" not in n],
            "weight_decay": 0.01,
        },
        {"params": [p for n, p in model.named_parameters() if p.ndim == 1 and "head" not in n], "weight_decay": 0.0},
        {"params": list(model.head.parameters()), "weight_decay": 0.0, "lr": given.rate * 4},
    ]
    optimizer = torch.optim.AdamW(groups, lr=given.rate, betas=(0.9, 0.98), fused=True)
    for group in optimizer.param_groups:
        group["full"] = group["lr"]
    bits = torch.tensor([1 << i for i in range(len(TYPES))], device=device)
    draw = random.Random(given.seed)
    total = given.epochs * size
    began = time.monotonic()
    seen, step, mean, done = 0, 0, 0.0, False
    while not done:
        for group in batches(train, given.tokens, draw):
            gone = max(seen / total, (time.monotonic() - began) / (given.minutes * 60))
            if gone >= 1:
                done = True
                break
            factor = min(1.0, (step + 1) / 200) * (1 - gone)
            for g in optimizer.param_groups:
                g["lr"] = g["full"] * factor
            ids, lengths, places, labels, known = tensors(group, device)
            with torch.autocast(device, dtype=torch.bfloat16):
                logits = model(ids, lengths)
            loss = loss_of(logits.reshape(-1, LABELS)[places], labels, known, bits)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
            seen += sum(len(e.ids) for e in group)
            mean = 0.98 * mean + 0.02 * float(loss.detach())
            if step % 100 == 0:
                rate = seen / (time.monotonic() - began)
                print(
                    f"{step} steps, {seen / size:.2f} passes, loss {mean / (1 - 0.98**step):.4f}, {rate:.0f} pieces/s", flush=True
                )
            if step % 600 == 0:
                told(score(predict(model, valid[:1500], device), valid[:1500], {}))
                save_file(model.state_dict(), str(given.out / "checkpoint.safetensors"))
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, str(given.out / "checkpoint.safetensors"))
    logits = predict(model, valid, device)
    bias = calibrated(logits, valid, 2.0)
    table = score(logits, valid, bias)
    told(table)
    (given.out / "scores.json").write_text(json.dumps({"bias": bias, "held_out": table, "pieces_seen": seen}, indent=2) + "\n")
    about = {"base": "sentence-transformers/all-MiniLM-L6-v2", "licence": "Apache-2.0", "seed": str(given.seed)}
    export(model, vocabulary, bias, given.out / "encoder.gguf", about)
    print(f"{given.out / 'encoder.gguf'}: {(given.out / 'encoder.gguf').stat().st_size / 1e6:.1f} MB, bias {bias}", flush=True)
    return 0


def told(table: dict[str, tuple[int, int, int]]) -> None:
    for kind, (right, said, gold) in table.items():
        if gold:
            p = right / said if said else math.nan
            print(f"  {kind:14} P {p:.3f} R {right / gold:.3f} F1 {f_beta(right, said, gold, 1):.3f} of {gold}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
