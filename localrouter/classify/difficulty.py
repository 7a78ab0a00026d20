"""The likelihood that a small local model is not enough: a prior from the kind of work, its size and the marks of hard work.

In [0, 1], from rules; a head that is trained on outcomes will replace it (notes on routing, 3.3). What is known of such priors: length is the
strongest single feature that public routing data supports (a length rule alone reaches APGR 0.58), prompts alone say little, and one keyword must
decide nothing ("hi, step by step, pros and cons" is easy). So marks count with what they are about, and each kind of mark counts at most twice.
"""

from __future__ import annotations

import math
import re

from localrouter.classify.patterns import compiled, spaced
from localrouter.classify.prose import Prose
from localrouter.classify.said import Said
from localrouter.classify.scores import chance
from localrouter.core.ask import Ask
from localrouter.core.words import Risk, Task

_BASE: dict[Task, float] = {
    "chat": -1.5, "translate": -1.2, "summarise": -1.5, "extract": -1.4, "classify": -1.7, "rag_qa": -0.9, "autocomplete": -1.6,
    "math": 0.1, "code": -0.3, "code_edit": 0.4, "agent_step": 0.7,
}  # fmt: skip
"""Logits."""
_HARD = compiled(
    r"\b(?:prove|proof|derive|derivation|architect\w*|trade-?offs?|root cause|race condition|deadlock|distributed|concurren\w+|consensus|optimi[sz]\w*|rigorous\w*|in depth|in detail|comprehensive|thorough\w*|step by step|from first principles|complexity|asymptotic|formal\w*"
    r"|refactor|migrat\w+|end-to-end|production|scal(?:e|able|ability)|fault[- ]toleran\w*|benchmark|threat model|counterexample|theorem|lemma|integral|eigen\w+|topolog\w+|stochastic|bayesian|quantum|cryptograph\w*|compiler|kernel|synthesi[sz]e|evaluate|critique|strategy|multi-step|analy[sz]e|design a|implement a|algorithm)\b"
)
_EASY = re.compile(
    r"^(?:hi|hello|hey|thanks|thank you|ok|okay|yes|no|good morning|good evening)\b.{0,40}$|^(?:what(?:'s| is) the (?:capital|population|time|date|weather|name|color|colour)|define |who (?:is|was) |when (?:did|was) |how do you spell|what does .{1,40} (?:mean|stand for)|say |repeat |fix (?:the )?(?:typo|grammar|spelling)|rephrase|rewrite this sentence|convert \d)"
)
_POINTS = re.compile(r"\n[ \t]*(?:\d{1,2}[.)]|[-*•])[ \t]+\S")
_STEPS = compiled(
    r"\b(?:first|second|third|then|finally|additionally|moreover|must|should not|without using|at least|at most|exactly)\b"
)
_SCHOOL = re.compile(
    r"\b(?:arithmetic|sum of|how many|how much|percent|cost|price|apples|dollars|each|total|left)\b|\d ?[+*/x×-] ?\d"
)
_OLYMPIC = re.compile(
    r"\\(?:sum|int|prod|lim|mathbb|frac)|\b(?:prove|proof|integers? such that|for all|theorem|converge\w*|manifold|group|ring|field|modulo|bijection|differential equation|eigen\w*|contour|residue|hilbert|banach|galois|measure)\b"
)

_ENDINGS = (
    "lysis lyzis lytic genic genesis phile philic phobe phobic tropy tropic morphic morphism metry metric scopy scopic nomy nomic nomial opathy opathic osis otic itis ectomy"
    " emia oma oid lic ylene one onol anoic oxide loride amide amine idine azole otide phate dase nase rase tase some plasm cyte cytic meric mer anion cation gand"
    " valent dynamic dynamics kinetic kinetics onance onal onality ivity tensor bital fold gonal genvalue genvector bra braic tonian angian sian stic ical ology ological ontic"
    " temic rity ariance elastic elasticity trial"
)
_LEARNED = tuple(_ENDINGS.split())
"""Endings of Greek and Latin in the words of the sciences. Each alone says little: they are counted from the second on."""
_NAMED = re.compile(r"\d-\w*[a-z]{3}|[A-Z][a-z]?\d|[A-Z]{2}\d|[α-ωΔΩΣ∂∇∫√≤≥±→⇌°]|\b\w+-\d-\w+")
"""Names of compounds ("2-methylpropane", "H2O", "SN1"), Greek letters and signs of mathematics."""
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")


def difficulty(ask: Ask, said: Said, text: Prose, task: Task, risk: Risk) -> float:
    """See the module. Three digits."""
    logit = _BASE[task]
    head = spaced(f"{text.head} {text.tail}")
    size = said.length
    logit += min(1.6, 0.45 * math.log1p(size / 220))
    if said.given_length and not said.results:
        logit += min(0.8, 0.25 * math.log1p(said.given_length / 1500))
    hard = len(set(_HARD.findall(head)))
    logit += 0.55 * min(2, hard) if size >= 40 else 0.0
    logit += min(0.9, 0.12 * _steps(said.words[:4096]))
    logit += 0.15 * min(3, max(0, said.words[:4096].count("?") - 1))
    if task not in ("code", "code_edit", "agent_step", "autocomplete"):
        # Numbers to reckon with order every public set (AUC 0.57 to 0.69); a trade's own words tell its questions from talk.
        start = said.words[:2048]
        logit += min(0.6, 0.06 * len(_NUMBERS.findall(start)))
        logit += min(1.5, 0.4 * max(0, _learned(start) - 1))
    if size < 120 and _EASY.search(text.head):
        logit -= 1.0
    if size < 100 and not hard and text.lines < 3 and task in ("math", "code", "code_edit"):
        logit -= 0.6  # "what is 3 + 4", "write a function that adds two numbers"
    if task == "math":
        logit += 1.0 if _OLYMPIC.search(said.words[:2048]) else -0.7 if _SCHOOL.search(text.head) else 0.0
    elif task in ("code", "code_edit"):
        logit += min(0.8, (text.fenced + 40 * text.code) / 2500)
    if risk == "high":
        logit += 0.7
    elif risk == "elevated":
        logit += 0.25
    needs = ask.needs
    logit += 0.4 * needs.json_schema + 0.8 * needs.reasoning
    if ask.hints.cheap:
        logit -= 1.5
    return chance(logit)


def _steps(words: str) -> int:
    """Points of a list, and words that put one demand behind another."""
    return len(_POINTS.findall("\n" + words)) + len(_STEPS.findall(spaced(words)))


def _learned(words: str) -> int:
    """How many different words and names stand there that only a field of study has."""
    long = {word for word in map(_bare, set(words.lower().split())) if len(word) >= 8}
    return sum(1 for word in long if word.removesuffix("s").endswith(_LEARNED) or word.endswith(_LEARNED)) + min(
        3, len(set(_NAMED.findall(words)))
    )


def _bare(word: str) -> str:
    return word.strip(".,;:!?()[]\"'")
