"""Password hashes as `crypt(5)` and web servers write them: `$6$...`, `$2b$...`, `$argon2id$...`, `{SSHA}...`, `$apr1$...`.

A hash of a password is found because it can be guessed offline; a digest of a file is not, because nothing was secret.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._placeholder import named

NAME = "password_hash"
_B = r"[./A-Za-z0-9]"
_HASH = re.compile(
    rf"(?<![\w$.]) (?P<v> \$2[abxy]?\$\d\d\${_B}{{53}} | \$(?:1|apr1)\${_B}{{1,8}}\${_B}{{22}} | \$md5[,$][^\s$:]{{0,64}}\${{0,2}}[^\s$:]{{0,16}}\${{1,2}}{_B}{{22}}"
    rf" | \$5\$(?:rounds=\d{{1,9}}\$)?{_B}{{1,16}}\${_B}{{43}} | \$6\$(?:rounds=\d{{1,9}}\$)?{_B}{{1,16}}\${_B}{{86}} | \$(?:y|gy|7)\$[^\s:$]{{1,16}}\$[^\s:$]{{1,90}}\${_B}{{43}}"
    rf" | \$[89]\${_B}{{14}}\${_B}{{43}} | \$krb5(?:tgs|asrep|pa)\$\d\d\$[^\s\"']{{40,4000}} | \$argon2(?:id|i|d)\$(?:v=\d+\$)?m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/=]{{8,90}}\$[A-Za-z0-9+/=]{{16,180}} | \$(?:pbkdf2|pbkdf2-sha\d+|scrypt|bcrypt-sha256)\$[^\s\"']{{20,250}}"
    rf" | (?:pbkdf2_sha\d+|argon2|bcrypt_sha256|scrypt)\$\d[^\s\"']{{20,250}} | \$[PHS]\${_B}{{31,55}} | \{{(?:SSHA|SHA|SSHA\d+|SHA\d+|SMD5|MD5|CRYPT|PBKDF2[\w-]*)\}}[A-Za-z0-9+/=.$]{{20,200}}"
    rf" | SCRAM-SHA-\d+\$\d+:[A-Za-z0-9+/=]{{8,64}}\$[A-Za-z0-9+/=]{{20,120}}:[A-Za-z0-9+/=]{{20,120}} | (?:aad3b435b51404ee[0-9a-fA-F]{{16}}:[0-9a-fA-F]{{32}}) ) (?![\w/])",
    re.X,
)
_SAMPLE = re.compile(r"(?i)\b(?:example|sample) (?:of )?[^\n]{0,60}\Z")
_APR = re.compile(r"(?m)^[\w.@-]{1,64}:(?P<v>\$(?:1|apr1)\$[^\s:$]{1,16}\$?[^\s:]{20,64})\s*$")
_SHADOW = re.compile(r"(?m)^[a-z_][\w.-]{0,31}\$?:(?P<v>[./A-Za-z0-9]{13}|[^\s:*!x]{20,200}):\d{0,6}:\d{0,6}:\d{0,6}:")
_PASSWD = re.compile(r"(?m)^[a-z_][\w.-]{0,31}:(?P<v>[^\s:*!]{8,200}):\d+:\d+:[^:\n]*:/[^:\n]*:")


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    if "$" in text or "{S" in text or "{M" in text or "{C" in text or "aad3b435" in text:
        for pattern in (_HASH, _APR):
            out += [
                Finding(m.start("v"), m.end("v"), "PASSWORD", 0.9, NAME)
                for m in pattern.finditer(text)
                if not named(m["v"][4:]) and not _SAMPLE.search(text[max(0, m.start() - 80) : m.start()])
            ]
    if "::" in text or ":/" in text:
        for pattern in (_SHADOW, _PASSWD):
            out += [Finding(m.start("v"), m.end("v"), "PASSWORD", 0.9, NAME) for m in pattern.finditer(text)]
    return out
