"""E-mail addresses (RFC 5321 lengths, RFC 6531 letters), also quoted, escaped and obfuscated (`jane [at] corp dot io`).

Found from the `@` outwards, so that a flood of `a@a@a@` costs its length. `user@host.domain` is an address whatever the scheme says
(its surrogate keeps an ssh target working); `git@` and the like, `pkg@1.2.3`, `icon@2x.png`, decorators and systemd units are none; an address
that nobody reads (noreply) names nobody, but GitHub's private ones (`1234+jane@users.noreply...`) name their owner.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.common_words import words
from localrouter.scrub.detectors._context import Cues
from localrouter.scrub.detectors._tlds import known

NAME = "email"
LOCAL_MAX = 64
"""RFC 5321 section 4.5.3.1.1, octets."""

_AT = re.compile(r"@|&#64;|&#[xX]40;|&commat;")
_LATIN = re.compile(r"[A-Za-z0-9À-ÖØ-öø-ÿĀ-ɏ._+\-'~=#&!]+")  # over the reversed local part; trimmed after
_OTHER = re.compile(r"[\w.+\-]+")
_QUOTED = re.compile(r'"[^"\\\n]{1,62}(?<!\\)"')
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.){{1,8}}(?P<tld>xn--[a-z0-9-]{{2,59}}|[^\W\d_]{{2,24}})(?![\w@])(?!-\w)", re.I)
_LITERAL = re.compile(r"\[\d{1,3}(?:\.\d{1,3}){3}\]")
_SERVICE = words("git hg svn aur gitea forgejo gitolite gerrit noreply no-reply no_reply donotreply do-not-reply mailer-daemon")
_BOTS = ("[bot]", "dependabot", "github-actions", "renovate")
_FILES = words("png jpg jpeg gif svg webp ico css js ts py json service socket timer target mount slice device scope so")
_PUBLISHED = re.compile(r"\s*\"?deprecated\"?\s*:")
"""What a package registry tells everyone who installs: lock files repeat it, and its address is a public one."""
_CUES = Cues(
    "email, e mail, mail, mailto, address, contact, reach, write, send, cc, bcc, from, to, reply, user, correo, courriel, adresse, kontakt, posta, poczta, почта, メール, 邮箱, 郵箱, 이메일"
)
_WORDS = re.compile(
    r"(?<![\w.])(?P<local>[A-Za-z0-9][\w.+-]{0,40})(?P<a>\s{0,2}[\[({<]\s?(?:at|AT|@|arroba)\s?[\])}>]\s{0,2}|\s(?:at|AT|arroba)\s|\s@\s)"
    r"(?P<host>[A-Za-z0-9-]{1,40}(?:(?:\s{0,2}[\[({<]\s?(?:dot|DOT|\.|punto|punkt|point)\s?[\])}>]\s{0,2}|\s(?:dot|DOT|punto|punkt)\s|\s?\.\s?)[A-Za-z0-9-]{1,40}){1,4})(?!\w)"
)
_DOT = re.compile(r"\s{0,2}[\[({<]\s?(?:dot|\.|punto|punkt|point)\s?[\])}>]\s{0,2}|\s(?:dot|punto|punkt)\s|\s?\.\s?", re.I)
_MAILBOX = re.compile(
    r"(?i)(?:gmail|googlemail|yahoo|hotmail|outlook|icloud|live|aol|proton|protonmail|gmx|yandex|qq|163|mail|zoho|fastmail)\.[a-z]{2,3}(?:\.[a-z]{2})?"
)
"""Providers of mailboxes: nobody is "at gmail.com" otherwise."""
_VERBS = words(
    "look looking found hosted available is was are us me it them you site page this that meet be live here there only work working arrive staying"
)
_ATS = (" at ", "(at", "[at", "{at", "<at", "( at", "[ at", "arroba", " @ ", "[@", "(@")
_DOTS = ("dot", "punto", "punkt", "point", ".")


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    if "@" in text or "&" in text:
        for m in _AT.finditer(text):
            found = _around(text, m.start(), m.end(), context)
            if found:
                out.append(found)
    low = text.lower()
    if any(a in low for a in _ATS) and any(d in low for d in _DOTS):
        out += _obfuscated(text, context)
    return out


def _around(text: str, at: int, after: int, context: str) -> Finding | None:
    domain = _DOMAIN.match(text, after, min(len(text), after + 255))
    end = domain.end() if domain else 0
    if domain is None:
        literal = _LITERAL.match(text, after, after + 20)
        if literal is None:
            return None
        end = literal.end()
    start = _local(text, at)
    if start is None:
        return None
    name, host = text[start:at].lower(), text[after:end].lower()
    if _PUBLISHED.match(text[text.rfind("\n", 0, start) + 1 : start]) or context.endswith("deprecated"):
        return None
    if text[max(0, start - 3) : start] == "://":
        return None  # the user of a URL; account.py and host.py know both sides
    if (
        name.split("+")[0] in _SERVICE
        or host == "pii.invalid"
        or (host.startswith("users.noreply.") and any(b in name for b in _BOTS))
    ):
        return None
    if domain is None:
        return Finding(start, end, "EMAIL", 0.6, NAME)
    first, tld = host.split(".")[0], domain["tld"].lower()
    if (first.isdigit() and len(host.split(".")) > 2 and host.split(".")[1].isdigit()) or (
        first[:1].isdigit() and first.endswith("x") and tld in _FILES
    ):
        return None  # pkg@18.2.0.tgz, icon@2x.png
    if tld in _FILES and ((tld != "py" and tld != "so") or text[end : end + 1] in "(["):
        return None
    if text[end : end + 1] == "(":
        return None  # `a@w.at(...)` multiplies matrices
    if known(tld):
        return Finding(start, end, "EMAIL", 0.95, NAME)
    # A domain nobody registered: a typing error counts where an address was announced.
    if text[start - 1 : start] == "<" or _CUES.just_before(text, start, context):
        return Finding(start, end, "EMAIL", 0.6, NAME)
    return None


def _local(text: str, at: int) -> int | None:
    """Where the local part starts, or None. `at` is the place of the `@` (a backslash before it is markdown's)."""
    if at and text[at - 1] == "\\":
        at -= 1
    low = max(0, at - LOCAL_MAX - 1)
    back = text[low:at][::-1]
    if back[:1] == '"':
        quoted = _QUOTED.match(back)
        return at - quoted.end() if quoted else None
    latin = bool(back) and (back[0].isascii() or back[0] < "\u0250")
    m = (_LATIN if latin else _OTHER).match(back)
    if m is None or m.end() > LOCAL_MAX:
        return None
    local = m[0][::-1]
    # What only touches: `email=jane@`, `?a=1&to=jane@`, a quote, a bullet.
    cut = max(local.rfind("="), local.rfind("&"), local.rfind("#"), local.rfind("!"), local.rfind("~")) + 1
    local = local[cut:]
    if local.count("'") == 1 and text[at : at + 300].split("\n", 1)[0].count("'") % 2:
        local = local[local.find("'") + 1 :]
    local = local.lstrip(".'-+")
    if not local or not any(c.isalnum() for c in local):
        return None
    return at - len(local)


def _obfuscated(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    for m in _WORDS.finditer(text):
        labels = _DOT.split(m["host"])
        tld, glue = labels[-1], m["a"].strip()
        if not known(tld) or tld.isdigit() or m["local"].lower() in _VERBS:
            continue
        if _MAILBOX.fullmatch(m["host"]):
            out.append(Finding(m.start(), m.end(), "EMAIL", 0.7, NAME))
            continue
        marked = glue[:1] in "[({<" and bool(glue)
        spelled = bool(re.search(r"(?i)\bdot\b|punto|punkt|[\[({<]\s?\.", m["host"]))
        blank = bool(re.search(r"\s\.|\.\s", m["host"]))
        if blank and not marked and not _CUES.just_before(text, m.start(), context):
            continue  # the end of a sentence
        if (
            (marked and (spelled or not blank))
            or (spelled and glue != "@")
            or (glue == "@" and _CUES.just_before(text, m.start(), context))
        ):
            out.append(Finding(m.start(), m.end(), "EMAIL", 0.75, NAME))
    return out
