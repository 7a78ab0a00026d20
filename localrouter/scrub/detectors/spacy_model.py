"""Larger spaCy models, beside the encoder, where a user has installed one: `en_core_web_lg`, `de_core_news_sm`, `en_core_web_trf` ...

Found by their packages' entry point (group `spacy_models`, written by `spacy package`): with none installed this detector costs one look at
start. `[privacy] spacy`: "auto" takes the largest installed model of each language (of general web models the small ones are left out: the encoder
finds more), "off" none, a name that one. Loaded at the first text that has sentences. Their scores are none, so each finding has SCORE.
Names of spaCy's labels: https://spacy.io/models (OntoNotes and WikiNER schemes).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from typing import Any

from localrouter.core.findings import Finding
from localrouter.scrub.detectors import DetectorFault, _prose
from localrouter.scrub.detectors._in_code import in_code
from localrouter.scrub.version import SPACY

NAME = "spacy_model"
VIEWS = False
SCORE = 0.6
TYPES: Mapping[str, str] = {
    "PERSON": "PERSON", "PER": "PERSON", "persName": "PERSON", "ORG": "ORG", "orgName": "ORG", "GPE": "LOCATION", "LOC": "LOCATION",
    "FAC": "LOCATION", "placeName": "LOCATION", "geogName": "LOCATION", "NORP": "NRP",
}  # fmt: skip
"""spaCy's labels -> ours. Dates and numbers are left to the encoder."""
_AUTO = re.compile(r"(?P<lang>[a-z]{2,3})_core_(?:[a-z]+_(?P<size>md|lg|trf)|news_(?P<news>sm|md|lg|trf))")
_SIZES = ("sm", "md", "lg", "trf")
_NEEDED = frozenset({"tok2vec", "transformer", "curated_transformer", "ner", "entity_ruler", "beam_ner"})
_chosen: list[str] = []


def installed() -> list[str]:
    """Names of the installed models' packages."""
    return sorted({entry.name for entry in metadata.entry_points(group=SPACY)})


def configure(options: Mapping[str, Any]) -> None:
    """Choose. Raises ValueError for a name that is not installed."""
    setting = str(options.get("spacy") or "off")
    names = [] if setting == "off" else installed()
    _chosen.clear()
    if setting == "auto":
        best: dict[str, tuple[int, str]] = {}
        for name in names:
            if m := _AUTO.fullmatch(name):
                rank = _SIZES.index(m["size"] or m["news"])
                best[m["lang"]] = max(best.get(m["lang"], (-1, "")), (rank, name))
        _chosen.extend(sorted(name for _, name in best.values()))
    elif setting != "off":
        if setting not in names:
            raise ValueError(f"the spaCy model {setting} is not installed (installed: {', '.join(names) or 'none'})")
        _chosen.append(setting)


@cache
def _model(name: str) -> Any:
    import spacy

    try:
        model = spacy.load(name)
        for part in list(model.pipe_names):
            if part not in _NEEDED:
                model.disable_pipe(part)
    except Exception as exc:
        raise DetectorFault(
            f"The spaCy model {name} cannot be loaded ({type(exc).__name__}); install it again, or set [privacy] spacy = 'off'."
        ) from exc
    return model


def find(text: str, context: str) -> list[Finding]:
    return find_all([(text, context)])[0]


def find_all(items: Sequence[tuple[str, str]]) -> list[list[Finding]]:
    """Findings of each (text, context). Raises DetectorFault."""
    out: list[list[Finding]] = [[] for _ in items]
    if not _chosen:
        return out
    jobs = [(index, start, text[start:end]) for index, (text, _) in enumerate(items) for start, end in _prose.runs(text)]
    for name in _chosen if jobs else ():
        model = _model(name)
        # Without a zone the table of strings grows with every new word, for good (spaCy's documentation of `memory_zone`).
        with model.memory_zone():
            for (index, start, _), doc in zip(jobs, model.pipe([passage for _, _, passage in jobs]), strict=True):
                found = (_finding(items[index][0], start, entity) for entity in doc.ents)
                out[index] += [f for f in found if f is not None]
    return out


def _finding(text: str, offset: int, entity: Any) -> Finding | None:
    kind = TYPES.get(entity.label_)
    start, end = offset + entity.start_char, offset + entity.end_char
    if kind is None or "\n" in text[start:end].strip():
        return None
    if not any(map(str.isalpha, text[start:end])) or in_code(text, start, end, kind):
        return None
    return Finding(start, end, kind, SCORE, NAME)
