"""Account names of others, where a text says that it is one: authentication logs, `ssh jane@box`, shell prompts, `ls -l`, user-name fields.

`user@host.domain` is left to the e-mail detector; here the host has no dot, and both sides are private.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._public import account

NAME = "account"
_N = r"[A-Za-z_][\w.-]{1,31}"
_LOGS = re.compile(
    rf"\b(?:(?:Accepted|Failed) [\w/-]{{3,40}} for (?:invalid user |illegal user )?|Invalid user |session (?:opened|closed) for user |(?:Disconnected from|Connection closed by)(?: authenticating| invalid)? user |"
    rf"Received disconnect from user |new user: name=|(?:r?user|acct|logname|USER|LOGNAME|SUDO_USER)=\"?|sudo(?:\[\d+\])?:\s{{1,4}}|[Ll]ogged in as |[Uu]ser (?=[\w.-]+ (?:logged|signed|authenticated|failed|not found|does not exist|has been|connected|disconnected)\b)|[Uu]ser (?:name )?(?=['\"]))['\"]?(?P<u>{_N})(?=[\s\"',;:)(]|$)"
)
_SSH = re.compile(rf"(?<![\w./@-])(?P<u>{_N})@(?P<h>[A-Za-z0-9][\w-]{{1,62}})(?P<t>:[~/\w.-]*\s?[$#%]?|[\s'\"]|$)")
_SHELL = re.compile(r"\b(?:ssh|scp|sftp|rsync|mosh|sshfs|ssh-copy-id|autossh)\b")
_URL = re.compile(rf"://(?P<u>{_N})(?=(?::[^\s/@]{{0,200}})?@[\w\[])")
_ID = re.compile(rf"\b\d{{1,10}}\((?P<u>{_N})\)")
_PS = re.compile(rf"(?m)^(?P<u>{_N})\s+\d+\s+\d+\.\d\s+\d+\.\d\s")
_PASSWD = re.compile(rf"(?m)^(?P<u>{_N}):[^:\s]*:(?P<id>\d{{1,9}}):\d+:(?P<n>[^:\n]*):[^:\n]*:[^:\n]*$")
_DASH_L = re.compile(rf"\bssh\b[^\n|;&]{{0,60}}? -l (?P<u>{_N})\b")
_LS = re.compile(
    rf"(?m)^\s{{0,12}}(?:\d+\s+)?[dlbcps-][rwxsStT-]{{9}}[.+@]?\s+\d+\s+(?P<u>{_N})\s+(?P<g>{_N})\s+[\d,.]+[KMGT]?\s"
)
_FIELD = re.compile(
    r"(?i)(?<![\w.$@/-])[\"']?(?:[a-z0-9]{1,24}[_-]){0,3}(?:user_?name|user-name|login_?name|login|user_?login|logon|account_?name|sam_?account_?name|github_?(?:user|login|handle)|ssh_?user|db_?user|owner_?login|uid_?name)[\"']?"
    r"(?P<e>\s{0,8}(?::|=>?|:=)\s{0,8}|\s+is\s+)(?P<q>[\"'`]?)(?P<u>[A-Za-z][\w.-]{2,31})(?P=q)(?=\s*(?:[,;}\])<&#\n\r.]|$))"
)
_USER = re.compile(r"[\"']user[\"']\s{0,4}:\s{0,4}[\"'](?P<u>[a-z][a-z0-9]{1,15}[._-]?[a-z0-9]{1,15})[\"']")
_KEYS = re.compile(
    r"(?i)(?:^|[._\-\s])(?:user_?name|login|login_?name|user_?login|account_?name|github_?user|handle|screen_?name|nick_?name)$"
)
_VALUE = re.compile(r"@?[A-Za-z][\w.-]{2,31}")
_CODE = re.compile(
    r"(?i)^(?:self|this|user|req|request|props|state|form|data|args|config|options|params|opts|kwargs|input|output|field|env|os|process|settings|db)[._]|\.(?:get|value|name|text|strip|lower)$|_?(?:user)?name$|^get|field$|label$|input$"
)


# What must stand in a text (lower case), a pattern, its group, and the score.
_SAID = (
    (("user", "login", "acct", "sudo", " for ", "logname"), _LOGS, 0.8),
    (("://",), _URL, 0.8),
    (("uid=", "gid="), _ID, 0.8),
    (("ssh",), _DASH_L, 0.8),
    (("rw", "r-x"), _LS, 0.75),
    (("0.",), _PS, 0.7),
    (('user"', "user'"), _USER, 0.6),
)
_NO_HOSTS = frozenset(("localhost", "host", "server", "remote", "hostname", "github", "example"))


def find(text: str, context: str) -> list[Finding]:
    low = text.lower()
    out = [
        Finding(m.start("u"), m.end("u"), "USERNAME", score, NAME)
        for needles, pattern, score in _SAID
        if any(needle in low for needle in needles)
        for m in pattern.finditer(text)
        if _login(m["u"])
    ]
    if "rw" in low or "r-x" in low:
        out += [Finding(m.start("g"), m.end("g"), "USERNAME", 0.75, NAME) for m in _LS.finditer(text) if _login(m["g"])]
    if "@" in text:
        out += _targets(text)
    if ":/" in text:
        out += _entries(text)
    if "user" in low or "login" in low or "logon" in low or "account" in low:
        for m in _FIELD.finditer(text):
            if _login(m["u"]) and (m["q"] or "=" not in m["e"] or not _assignment(text, m.start())):
                out.append(Finding(m.start("u"), m.end("u"), "USERNAME", 0.7, NAME))
    if context and len(text) <= 33 and _KEYS.search(context) and _VALUE.fullmatch(text) and _login(text.lstrip("@")):
        out.append(Finding(0, len(text), "USERNAME", 0.75, NAME))
    return out


def _targets(text: str) -> list[Finding]:
    """Both sides of `user@host` in a prompt or behind ssh and its kin."""
    out: list[Finding] = []
    for m in _SSH.finditer(text):
        prompt = m["t"].startswith(":") and m["t"].rstrip().endswith(("$", "#", "%"))
        if not prompt and not _SHELL.search(text[text.rfind("\n", 0, m.start()) + 1 : m.start()]):
            continue
        if _login(m["u"]):
            out.append(Finding(m.start("u"), m.end("u"), "USERNAME", 0.8, NAME))
        if m["h"].lower() not in _NO_HOSTS:
            out.append(Finding(m.start("h"), m.end("h"), "HOST", 0.7, NAME))
    return out


def _entries(text: str) -> list[Finding]:
    """Lines of /etc/passwd that belong to people (ids from 500 on; login.defs(5), UID_MIN), with their full names."""
    out: list[Finding] = []
    for m in _PASSWD.finditer(text):
        if account(m["u"]) or int(m["id"]) < 500:
            continue
        out.append(Finding(m.start("u"), m.end("u"), "USERNAME", 0.9, NAME))
        full = m["n"].split(",")[0]
        if " " in full:
            out.append(Finding(m.start("n"), m.start("n") + len(full), "PERSON", 0.85, NAME))
    return out


def _login(name: str) -> bool:
    return not account(name) and _CODE.search(name) is None


def _assignment(text: str, start: int) -> bool:
    """`username=value` in code names a variable; alone on its line, in a shell or in a query it is a value."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    return line.strip() not in ("", "export", "set", "-", "$env:") and not line.endswith(("?", "&", ";", "--"))
