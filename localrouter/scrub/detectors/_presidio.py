"""Presidio recognizers, hand-picked and called directly: no registry, no language model, no network.

The e-mail recognizer validates with tldextract, which fetches a suffix list; ours checks the last label instead. Imported
lazily: Presidio costs a second and only the inspector pays it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from localrouter.core.findings import Finding


@cache
def recognizer(name: str) -> Any:
    """One recognizer of presidio_analyzer.predefined_recognizers, by class name."""
    import presidio_analyzer.predefined_recognizers as predefined

    if name == "EmailRecognizer":

        class OfflineEmail(predefined.EmailRecognizer):
            def validate_result(self, pattern_text: str) -> bool:
                label = pattern_text.rsplit(".", 1)[-1]
                return 2 <= len(label) <= 24 and (label.isalpha() or label.startswith("xn--"))

        return OfflineEmail()
    return getattr(predefined, name)()


def spans(name: str, entity: str, text: str, kind: str, detector: str, least: float = 0.3) -> list[Finding]:
    """Findings of one recognizer at or above a score."""
    rows = recognizer(name).analyze(text=text, entities=[entity], nlp_artifacts=None)
    return [Finding(r.start, r.end, kind, float(r.score), detector) for r in rows if r.score >= least]
