"""Keys that say what they are: provider prefixes with fixed shapes, behind a keyword prefilter, each with a time limit.

Rule shapes adapted from gitleaks (MIT, https://github.com/gitleaks/gitleaks, config/gitleaks.toml); only the data, not its code.
"""

from __future__ import annotations

import regex

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._placeholder import placeholder

NAME = "secret_rules"
SECONDS = 0.5
"""A rule that needs longer on a 2 KB segment is broken; the segment then has no verdict and stays here."""

_RULES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("API_KEY", ("AKIA", "ASIA", "ABIA", "ACCA"), r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    ("TOKEN", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\bgh[pousr]_[0-9A-Za-z]{36,255}\b"),
    ("TOKEN", ("github_pat_",), r"\bgithub_pat_\w{40,255}\b"),
    ("TOKEN", ("glpat-",), r"\bglpat-[\w-]{20,}"),
    ("TOKEN", ("xox",), r"\bxox[abeoprs]-[\w-]{10,}"),
    ("SECRET", ("hooks.slack.com",), r"hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9+/]{30,60})"),
    ("API_KEY", ("sk-ant-",), r"\bsk-ant-[\w-]{20,}"),
    ("API_KEY", ("sk-",), r"\bsk-(?:proj-|svcacct-|admin-|or-v1-)?[A-Za-z0-9_-]{20,}"),
    ("API_KEY", ("AIza",), r"\bAIza[\w-]{35}"),
    ("TOKEN", ("hf_",), r"\bhf_[A-Za-z]{30,40}\b"),
    ("TOKEN", ("npm_",), r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("TOKEN", ("pypi-",), r"\bpypi-[\w-]{50,}"),
    ("API_KEY", ("_live_", "_test_"), r"\b[rsp]k_(?:live|test)_[0-9A-Za-z]{10,99}"),
    ("API_KEY", ("SG.",), r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    ("TOKEN", ("ya29.",), r"\bya29\.[\w-]{20,}"),
    ("API_KEY", ("dop_v1_", "doo_v1_"), r"\bdo[op]_v1_[a-f0-9]{64}\b"),
    ("TOKEN", ("shpat_", "shpss_", "shpca_"), r"\bshp(?:at|ss|ca)_[a-fA-F0-9]{32}\b"),
    ("API_KEY", ("key-",), r"\bkey-[0-9a-f]{32}\b"),
    ("SECRET", ("sig=",), r"[?&]sig=([A-Za-z0-9%+/=]{30,100})"),
    ("TOKEN", ("lr-",), r"\blr-[\w-]{43}\b"),
    ("TOKEN", ("eyJrIjoi", "glsa_"), r"\bglsa_[A-Za-z0-9]{32}_[a-f0-9]{8}\b"),
    ("API_KEY", ("gsk_",), r"\bgsk_[A-Za-z0-9]{40,}\b"),
    ("API_KEY", ("xai-",), r"\bxai-[A-Za-z0-9]{40,}\b"),
)
_COMPILED = tuple((kind, words, regex.compile(pattern)) for kind, words, pattern in _RULES)
_AWS_PAIR = regex.compile(r"(?i)aws.{0,20}secret.{0,20}[=:]\s*[\"']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])")


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    for kind, words, pattern in _COMPILED:
        if not any(w in text for w in words):
            continue
        for m in pattern.finditer(text, timeout=SECONDS):
            group = 1 if pattern.groups else 0
            value = m[group]
            if placeholder(value) or "xxxx" in value.lower():
                continue
            if kind == "API_KEY" and value.startswith("sk-") and not regex.search(r"\d", value):
                continue
            out.append(Finding(m.start(group), m.end(group), kind, 0.95, NAME))
    if "secret" in text.lower():
        out += [Finding(m.start(1), m.end(1), "SECRET", 0.95, NAME) for m in _AWS_PAIR.finditer(text, timeout=SECONDS)]
    return out
