"""Keys that say what they are: some 900 published rules behind a word search, each on a short window and with a time limit.

Data: scrub/rules/secrets.json, built by packaging/build_secret_rules.py from gitleaks (MIT), kingfisher and noseyparker (both
Apache-2.0; licences beside it), and the table below for what those lack. A rule that names a service and then takes any string
of some length is weak: it counts only where a word for a secret stands before the value, and what looks like a digest of
something or like words does not. No rule ever asks a host whether a key works.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import regex

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._fields import lower, named_between
from localrouter.scrub.detectors._placeholder import dull, named, placeholder, published
from localrouter.scrub.detectors._prefilter import Words
from localrouter.scrub.detectors._shape import entropy, wordy

NAME = "secret_rules"
SECONDS = 0.5
"""A rule that needs longer on its window is broken; the segment then has no verdict (TimeoutError) and stays here."""


class Rule(NamedTuple):
    """`group` holds the secret (-1: whichever of the groups matched); `before` and `after` bound the match around a word's start."""

    id: str
    type: str
    pattern: str
    group: int
    entropy: float
    words: tuple[str, ...]
    before: int
    after: int
    needs_name: bool
    """Its pattern wants a word such as KEY or TOKEN between the service and the value; looked for before it is run."""


def _own(id: str, type: str, pattern: str, *words: str, entropy: float = 3.0, after: int = 400) -> Rule:
    return Rule(f"localrouter:{id}", type, pattern, 1 if "(?P<v>" in pattern else 0, entropy, words, 1, after, False)


_OWN = (
    _own("client-token", "TOKEN", r"\blr-[\w-]{43}\b", "lr-"),
    _own("sk-key", "API_KEY", r"(?<![\w-])sk-(?:[a-z]{2,12}[\d-]{1,4}){0,3}[A-Za-z0-9_-]{20,250}(?![\w])", "sk-", entropy=3.5),
    _own("live-key", "API_KEY", r"\b[a-z]{2,4}_(?:live|test|prod|sandbox)_[0-9A-Za-z]{10,247}\b", "_live_", "_test_", "_prod_", "_sandbox_", after=260)._replace(before=8),
    _own("azure-sas", "SECRET", r"[?&;]sig=(?P<v>[A-Za-z0-9%+/=]{30,120})", "sig=", entropy=3.5),
    _own("google-api-key", "API_KEY", r"\bAIza[\w-]{35}(?![\w-])", "aiza", entropy=3.5),
    _own("google-oauth", "TOKEN", r"\b(?:ya29\.[\w-]{20,}|1//0[\w-]{40,100}|GOCSPX-[\w-]{28})", "ya29.", "1//0", "gocspx-"),
    _own("aws-id", "API_KEY", r"(?<![A-Za-z0-9+/])(?:AKIA|ASIA|ABIA|ACCA)(?![A-Z]*\d?(?:12345|01234))[A-Z0-9]{16}(?![A-Za-z0-9+/=])", "akia", "asia", "abia", "acca", after=24),
    _own("github", "TOKEN", r"(?<![A-Za-z0-9])(?:gh[pousr]_[0-9A-Za-z]{36,255}|github_pat_\w{40,255})(?![0-9A-Za-z])", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", entropy=3.0),
    _own("gitlab", "TOKEN", r"\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct|wt)-[\w.-]{20,300}", "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "glsoat-", "glffct-"),
    _own("slack", "TOKEN", r"\bxox[a-z]-[\w-]{10,250}|\bxapp-\d-[\w-]{20,250}|\bxoxe\.[\w-]{20,300}", "xox", "xapp-"),
    _own("hugging-face", "TOKEN", r"\b(?:hf|api_org)_[A-Za-z0-9]{30,40}\b", "hf_", "api_org_", entropy=3.5, after=60),
    _own("npm", "TOKEN", r"\bnpm_[A-Za-z0-9]{36}\b", "npm_", entropy=3.5, after=60),
    _own("pypi", "TOKEN", r"\bpypi-[\w-]{50,}", "pypi-", entropy=3.5, after=400),
    _own("sendgrid", "API_KEY", r"\bSG\.[\w-]{16,32}\.[\w-]{16,64}(?![\w-])", "sg.", entropy=3.8, after=120),
    _own("shopify", "TOKEN", r"\bshp(?:at|ss|ca|pa|tka)_[a-fA-F0-9]{32}\b", "shpat_", "shpss_", "shpca_", "shppa_", after=60),
    _own("openshift", "TOKEN", r"\bsha256~[\w-]{43}(?![\w-])", "sha256~", entropy=3.5, after=64),
    _own("nvidia", "API_KEY", r"\bnvapi-[\w-]{64}(?![\w-])", "nvapi-", entropy=3.8, after=90),
    _own("groq-xai", "API_KEY", r"\b(?:gsk_|xai-|pplx-|fw_|r8_|tgp_v1_|csk-|jina_|lsv2_[ps]t_|sk_[a-f0-9])[A-Za-z0-9_]{30,120}\b", "gsk_", "xai-", "pplx-", "fw_", "r8_", "tgp_v1_", "csk-", "jina_", "lsv2_", "sk_", entropy=3.5, after=160),
    _own("twilio", "API_KEY", r"(?<![A-Za-z0-9])SK[0-9a-f]{32}(?![A-Za-z0-9])", *(f"sk{c}" for c in "0123456789abcdef"), after=40),
    _own("vault", "TOKEN", r"\b(?:hvs|hvb|hvr)\.[\w-]{24,300}", "hvs.", "hvb.", "hvr.", entropy=3.5),
    _own("mailgun", "API_KEY", r"\bkey-[0-9a-f]{32}\b", "key-", after=40),
    _own("mailchimp", "API_KEY", r"(?<![0-9a-f])[0-9a-f]{32}-us\d{1,2}\b", "-us1", "-us2", "-us3", "-us4", "-us5", "-us6", "-us7", "-us8", "-us9")._replace(before=40, after=8),
    _own("dropbox", "TOKEN", r"\bsl\.(?:u\.)?[\w-]{60,2000}", "sl.", entropy=4.0, after=2100),
    _own("grafana", "TOKEN", r"\b(?:glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}|glc_eyJ[\w+/=-]{32,400}|eyJrIjoi[\w+/=-]{60,400})", "glsa_", "glc_", "eyjrijoi", entropy=3.5),
    _own("telegram", "TOKEN", r"(?:(?<![\w/])|/bot)(?P<v>\d{8,10}:AA[\w-]{33})(?![\w-])", ":aa", entropy=3.8)._replace(before=18, after=40),
    _own("discord", "TOKEN", r"(?<![\w.-])[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,38}(?![\w.-])", ".g", ".x", ".y", ".z", entropy=4.0)._replace(before=32, after=60),
    _own("webhook", "TOKEN", r"(?:hooks\.slack\.com/(?:services|workflows|triggers)/(?P<v>[A-Za-z0-9+/_-]{24,80}))", "hooks.slack.com"),
    _own("webhook-discord", "TOKEN", r"discord(?:app)?\.com/api/webhooks/(?P<v>\d{17,20}/[\w-]{60,70})", "discord.com/api/webhooks", "discordapp.com/api/webhooks"),
    _own("webhook-tines", "TOKEN", r"tines\.com/webhook/(?P<v>[0-9a-f]{32}/[0-9a-f]{32})", "tines.com/webhook"),
    _own("sonarqube", "TOKEN", r"(?i:sonar[\w.-]{0,30}(?:login|token)[\"']?\s{0,3}[=:,]\s{0,3}[\"']?)(?P<v>(?:sq[apu]_)?[0-9a-f]{40})\b", "sonar", after=120),
    _own("vault-unseal", "SECRET", r"(?i:unseal(?:[ _-]key)?[ \t]*\d?[ \t]*[:=]?[ \t]*)(?P<v>[A-Za-z0-9+/]{43}[A-Za-z0-9+/=]|[0-9a-f]{64,66})(?![\w+/])", "unseal", entropy=3.5, after=120),
    _own("salesforce", "TOKEN", r"\b00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]{80,120}", "00d", entropy=4.0, after=160),
    _own("swarm", "TOKEN", r"SWMTKN-\d-[0-9a-z]{40,60}-[0-9a-z]{20,30}", "swmtkn-"),
    _own("age", "SECRET", r"AGE-SECRET-KEY-1[0-9A-Z]{58}", "age-secret-key-1"),
)  # fmt: skip
_NAMED_SECRET = regex.compile(r"(?i)key|token|secret|passw|pwd|auth|cred|bearer|\bpat\b|api[_ -]?|\bsid\b")
_NAMED_DIGEST = regex.compile(
    r"(?i)\b(?:commit|sha\d*|rev(?:ision)?|hash|digest|checksum|etag|integrity|md5|blob|tree|version|resolved|ref)\b[^\n]{0,24}\Z|@\Z|/\Z|[#-]\Z"
)


def _row(id: str, type: str, pattern: str, group: int, entropy: float, words: list[str], before: int, after: int) -> Rule:
    named = "KEY|TOKEN" in pattern or "key|token" in pattern
    return Rule(id, type, pattern, group, entropy, tuple(words), before, after, named)


@cache
def _rules() -> tuple[Words, dict[str, tuple[Rule, ...]]]:
    """(the words, the rules behind each of them)."""
    rows = json.loads((files("localrouter.scrub") / "rules" / "secrets.json").read_text("utf-8"))["rules"]
    by_word: dict[str, list[Rule]] = {}
    for rule in (*_OWN, *(_row(*row) for row in rows)):
        for word in rule.words:
            by_word.setdefault(word, []).append(rule)
    return Words(by_word), {w: tuple(r) for w, r in by_word.items()}


@cache
def _compiled(pattern: str) -> regex.Pattern[str]:
    # Compiled when a text first has the rule's word: all of them at once would cost the start two seconds.
    return regex.compile(pattern)


def find(text: str, context: str) -> list[Finding]:
    """Raises TimeoutError when a rule runs away."""
    words, by_word = _rules()
    low = lower(text)
    out: list[Finding] = []
    done: dict[str, int] = {}
    for at, word in words.hits(low):
        for rule in by_word[word]:
            start = max(0, at - rule.before, done.get(rule.id, 0))
            end = min(len(text), at + rule.after + 2)
            if start < end and (not rule.needs_name or named_between(text, start, end)):
                _search(rule, text, start, end, out, done)
    return out


def _search(rule: Rule, text: str, start: int, end: int, out: list[Finding], done: dict[str, int]) -> None:
    for m in _compiled(rule.pattern).finditer(text, start, end, timeout=SECONDS):
        done[rule.id] = max(m.end(), start + 1)
        group = rule.group
        if group < 0:
            group = max((g for g in range(1, len(m.groups()) + 1) if m[g]), key=lambda g: entropy(m[g]), default=0)
        value = m[group] or m[0]
        at, stop = m.span(group) if m[group] else m.span()
        if believable(rule, value, text[max(0, m.start() - 24) : at]):
            # Ours win over theirs of the same length: the type is ours to name.
            out.append(Finding(at, stop, rule.type, 0.97 if rule.id.startswith("localrouter:") else 0.95, NAME))


def believable(rule: Rule, value: str, before: str) -> bool:
    """Whether what a rule matched is a key and not a sample, a digest or words. `before` is the text up to the value."""
    if entropy(value) < rule.entropy or published(value):
        return False
    held = [len(w) for w in rule.words if w in value.lower()]
    if held or rule.id.startswith("localrouter:"):
        tail = value[max(held, default=0) :] or value
        if not any(c.isdigit() for c in tail) and wordy(tail):
            return False  # `node_test_contextvalue`
        return not (named(value) or dull(tail) or "xxxx" in value.lower() or "...." in value or "****" in value)
    if placeholder(value) or len(value) < 8 or wordy(value) or _NAMED_DIGEST.search(before):
        return False
    return _NAMED_SECRET.search(before) is not None and any(c.isdigit() for c in value)
