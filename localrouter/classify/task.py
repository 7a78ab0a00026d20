"""What kind of work is asked for: one of eleven, and what the others would score (DESIGN section 5).

Rules over the person's words (`task_rules.py`), the surface they came by (tools, a hole in a text, supplied documents) and the shape of the
text (code, numbers, a long body behind a short order). The order that stands first counts most: "summarise this function" is a summary.
"""

from __future__ import annotations

import re

from localrouter.classify.known import known
from localrouter.classify.patterns import spaced
from localrouter.classify.prose import Prose
from localrouter.classify.said import Said
from localrouter.classify.scores import shares
from localrouter.classify.task_rules import ASKED, INSTRUCTIONS
from localrouter.core.ask import Ask
from localrouter.core.words import TASKS, Task

SHARP = 1.3
NOTHING = -1.0
"""The score of a task of which no mark was met."""
_MENTIONED = 0.3
_FIRST = 1.25
"""An order among the first words of a request."""
_LABELLED = re.compile(
    r"(?:^|\n)\s*(?:#+ |\*\*|\[)?(?:context|passage|documents?|background|article|source|sources|retrieved|excerpts?|reference|knowledge|search results|paragraph|text|abstract|contexte?|kontext|contesto|контекст|上下文|背景|文档|資料)"
    r"(?: ?\d+)?(?:\*\*|\])?\s*[:：\n]",
    re.I,
)
_QUESTION = re.compile(r"(?:^|\n)\s*(?:#+ |\*\*|\[)?(?:question|query|q|user question|frage|pregunta|pergunta|domanda|вопрос|问题|質問)(?: ?\d+)?(?:\*\*|\])?\s*[:：]", re.I)  # fmt: skip
_NUMBERED = re.compile(r"(?:^|\n)\s*(?:\[\d{1,2}\]|\[doc(?:ument)? ?\d+\]|source \d+:|document \d+:)", re.I)
_RAG_SYSTEM = re.compile(r"\b(?:context|documents?|passages?|sources?|excerpts?|knowledge base|search results)\b.{0,200}\b(?:answer|cite|respond)|\banswer\b.{0,120}\b(?:context|documents?|passages?|sources?)\b", re.I | re.S)  # fmt: skip
_NUMBER = re.compile(r"(?<![\w-])[$€£]?\d[\d,.]*%?")
_BEHIND = re.compile(r"\b(?:above|preceding|previous|foregoing)\b")
"""An order behind a text that it points back to counts more than what the text happens to begin with."""
_HOW_MANY = re.compile(
    r"\bhow (?:many|much|long|far|old|fast|tall|often|big)\b|\bwhat (?:is|was|will be|are) (?:the|his|her|their|its) (?:\w+ ){0,3}(?:total|sum|average|mean|median|probability|area|volume|value|cost|price|profit|number|distance|speed|age|ratio|percentage|product|difference|length|width|height|remainder|interest)\b"
    r"|\bfind the (?:\w+ ){0,3}(?:value|number|sum|area|volume|product|probability|length|angle|distance|remainder|median|mean|range)\b"
)  # fmt: skip


def task(ask: Ask, said: Said, text: Prose, *, english: bool = False) -> tuple[Task, dict[Task, float]]:
    """(the task, the share of each). The shares are scores of rules. `english`: the words are, and no other language is tried."""
    scores: dict[Task, float] = dict.fromkeys(TASKS, 0.0)
    scores["chat"] = 1.3
    behind = 1.2 if _BEHIND.search(text.tail) else 0.75
    for part, worth in ((text.head, 1.0), (text.tail, behind)):
        if part:
            for name, ordered in _orders(part, english=english):
                scores[name] = max(scores[name], worth * ordered)
    _shape(said, text, scores)
    _surface(ask, said, scores)
    out = shares({name: score or NOTHING for name, score in scores.items()}, SHARP)
    return max(out, key=lambda t: out[t]), out


@known
def _orders(text: str, *, english: bool) -> tuple[tuple[Task, float], ...]:
    """The tasks that the words order, with what the orders weigh."""
    text = spaced(text)
    best: dict[Task, list[float]] = {}
    for rule in INSTRUCTIONS:
        found = None if english and rule.foreign else rule.pattern.search(text)
        if found is None:
            continue
        weight = rule.weight
        if rule.verb:
            start = found.start()
            if start > 0 and ASKED.search(text[max(0, start - 40) : start + 1]) is None:
                weight *= _MENTIONED
            elif start < 45:
                weight *= _FIRST
        best.setdefault(rule.task, []).append(weight)
    out = []
    for name, weights in best.items():
        weights.sort(reverse=True)
        out.append((name, weights[0] + 0.4 * sum(weights[1:3])))
    return tuple(out)


def _shape(said: Said, text: Prose, scores: dict[Task, float]) -> None:
    """What the form of the text says, whatever its words."""
    code = text.code + (3 if text.fenced > 40 else 1 if text.fenced else 0)
    if code:
        scores["code"] += min(2.2, 0.6 + 0.35 * code)
        if scores["code_edit"] >= 1.0:
            scores["code_edit"] += min(1.6, 0.5 + 0.25 * code)
    elif scores["code_edit"] and scores["code"] < 1.0:
        scores["code_edit"] *= 0.6  # "add a paragraph to the text": nothing here is code
    head = text.head
    if _HOW_MANY.search(head) or _HOW_MANY.search(text.tail):
        numbers = len(_NUMBER.findall(said.words[:2000]))
        counted = 2.2 if numbers >= 2 else 1.2 if numbers else 0.2
        scores["math"] += counted if text.lines <= 8 else 0.3 * counted  # a log or a table is full of numbers
    if code >= 2 or scores["code"] > 2.5:
        scores["math"] *= 0.6
    # Documents with a question beside them.
    given = said.given_length if not said.results else 0
    colon = ":" in said.words or "：" in said.words
    labelled = (colon or text.lines > 1) and _LABELLED.search(said.words) is not None
    asks = colon and _QUESTION.search(said.words) is not None
    question = asks or "?" in text.head[:400] or "?" in text.tail
    if labelled and asks:
        scores["rag_qa"] += 3.4
    elif (labelled or asks) and said.length > 400 and question:
        scores["rag_qa"] += 1.6
    if question and (colon or "[" in said.words) and len(_NUMBERED.findall(said.words)) >= 2:
        scores["rag_qa"] += 1.8
    if given > 150 and question and not code:
        scores["rag_qa"] += 2.4
    if text.raw:
        # Nothing but code. When it breaks off, an editor asks for what comes next.
        scores["math"] *= 0.4
        scores["classify"] *= 0.4
        scores["extract"] *= 0.4
        scores["autocomplete" if text.open else "code"] += 3.4 if text.open else 2.2


def _surface(ask: Ask, said: Said, scores: dict[Task, float]) -> None:
    """What the request's fields say."""
    if ask.needs.fim or ask.endpoint.endswith(("/infill", "/v1/completions")):
        scores["autocomplete"] += 6.0
    if ask.context_ids:
        scores["rag_qa"] += 3.0
    elif said.system and _RAG_SYSTEM.search(said.system):
        scores["rag_qa"] += 1.6
    if ask.needs.tools:
        # Whoever offers tools wants steps; a clear wish for something else, in a first turn without results, may still win.
        scores["agent_step"] += 4.2 if said.harness or ask.hints.continues or said.results else 3.2
    if ask.hints.continues or said.results:
        scores["agent_step"] += 2.0
