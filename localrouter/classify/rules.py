"""The classifier by rule: one pass over what a request says, each signal from its own module."""

from __future__ import annotations

import time

from localrouter.classify.classified import Classified
from localrouter.classify.difficulty import difficulty
from localrouter.classify.domain import domain, risk
from localrouter.classify.injection import injection
from localrouter.classify.interaction import interaction
from localrouter.classify.language import language
from localrouter.classify.prose import prose
from localrouter.classify.said import said
from localrouter.classify.task import task
from localrouter.core.ask import Ask

_ABOUT = 1500
"""Characters of the first supplied text that may say what a short question is about."""


def classify(ask: Ask) -> Classified:
    """A `Classifier`."""
    start = time.perf_counter()
    heard = said(ask)
    text = prose(heard.words)
    tongue, tongues = language(heard.words)
    english = tongue == "en" and tongues[tongue] > 0.7
    kind, kinds = task(ask, heard, text, english=english)
    lowered = text.text.lower()
    about, domains = domain(lowered, heard.given[0][:_ABOUT].lower() if heard.given and not heard.results else "")
    harm, harms = risk(f"{text.head}\n{text.tail}", about, domains[about], kind)
    waits, waited = interaction(ask, kind)
    return Classified(
        task=kind,
        domain=about,
        risk=harm,
        difficulty=difficulty(ask, heard, text, kind, harm),
        injection=injection(heard.words, heard.given, english=english),
        language=tongue,
        interaction=waits,
        tasks=kinds,
        domains=domains,
        risks=harms,
        languages=tongues,
        interactions=waited,
        ms=round((time.perf_counter() - start) * 1000, 3),
    )
