"""Values that stand for a secret and are none: `changeme`, `${VAR}`, `<your-key>`, `xxxx`, documentation samples, references.

A common word must not become a secret for a second reason: what is found in one place is veiled everywhere, and a request whose
every "password" is a token is of no use. Comments that ask a scanner to look away (`noqa`, `gitleaks:allow`) are not honoured:
a hint may only tighten (DESIGN section 1, law 6).
"""

from __future__ import annotations

import hashlib
import re

from localrouter.scrub.detectors._shape import decoded, random, vocabulary, words

# One of these among the words of a value says that a person wrote it in place of another.
_MARKERS = vocabulary(
    """
    changeit
    example examples placeholder changeme changethis redacted dummy fake sample todo insert replace replaceme foobar goes
    here masked removed hidden obfuscated lorem ipsum notreal undefined invalid yours omitted truncated fixme
    """
)
# A value made of nothing but these is a name for a secret.
_VOCABULARY = vocabulary(
    """
    a an the my your our some this that is of for to in and or not no new old set get use from with enter type put add same
    as one two abc xyz password passwd passwords pass passphrase passcode pwd pw psw secret secrets token tokens key keys
    api apikey auth authorization authentication oauth bearer basic access refresh client server user username usernames
    login root admin administrator guest account default none null nil true false yes on off empty blank unset unknown
    optional required string str int integer bool boolean bytes byte float number text char varchar value values data object
    any void name id email mail phone host hostname localhost port url uri path file test tests testing tested demo foo bar
    baz qux quux hello world public private shared local dev development prod production staging stage qa ci db database
    mysql postgres postgresql mariadb redis mongo mongodb mysecret mypassword mytoken mykey sql oracle sa change me long
    random strong secure super very real actual own app application service env environment variable var config credential
    credentials encrypted encoded hash hashed salt session cookie header signature signing encryption master website company
    organization project region tenant workspace vault azure aws gcp google github gitlab slack openai anthropic stripe
    twilio docker registry provider current confirm confirmation self args kwargs options params settings props state store
    field form input output prompt placeholder label missing disabled enabled read write only plain plaintext base64 sha256
    md5 hs256 rs256 bcrypt uuid hex json jwt pem base b s rsa dsa ed ec ssh here letters digits characters chars min max
    length interactive keyring stdin
    """
)
_WHOLE = re.compile(
    r"(?ix) (?: \$\{.* | \$\(.* | \$\$?[A-Z_][A-Z0-9_]* | \$[a-z_]+ | \{\{.* | \{%.* | <%.* | <[^<>]{1,80}>?.{0,3} | %[\w.]+% | %\(?[\w.]+\)?[sd]? | \#\{.* "
    r"| @@?[\w.:/-]+@@? | !\w+.* | \[[^\[\]]{0,80}\] | `[^`]*` | &lt;.*&gt; | \\u003c.*\\u003e "
    r"| ENC(?:RYPTED)?[(\[{].* | \(.*\) | \w+\(\)? | vault:.* | \{cipher\}.* )"
)
_REFERENCE = re.compile(
    r"(?ix) (?: /(?:[\w.@-]+/)+[\w.@-]* | \.{0,2}/[\w./@-]+ | ~/.* | [A-Z]:\\.* | (?:[\w.-]+/)+[\w.-]+\.(?:pem|key|crt|txt|json|ya?ml|env|p12|jks|py|js|ts|go|rb|java|md|sh|cfg|ini|conf) "
    r"| arn:[\w-]+:.* | (?:op|vault|secret|keyring|ref\+\w+|env|file|aws-sm|gcp-sm|azkv|keyvault|ssm|secretsmanager|doppler|infisical|classpath|config|resource|data):/?/?[\w./\#@-].* "
    r"| projects/[\w-]+/secrets/.* | @Microsoft\.KeyVault.* | https?://[^\s@]*(?:/[^\s@]*)? "
    r"| (?:process\.env|os\.environ|os\.getenv|import\.meta|system\.getenv|getenv|env|secrets|github|vars|var|local|self|this|config|settings|params|props|ctx|request|req|args|opts|options|data|module|ENV)\b[.\[(].* )"
)
_INSIDE = re.compile(
    r"\$\{[^}]*\}|\{\{.*?\}\}|<[a-zA-Z][\w -]*>|\.{3,}|\*{3,}|[xX]{5,}|_{4,}|#\{\w|\u2026|\u2022{2,}|%\([a-z_]+\)s"
)
_SEQUENCES = (
    "0123456789abcdef",
    "abcdefghijklmnopqrstuvwxyz",
    "zyxwvutsrqponmlkjihgfedcba",
    "qwertyuiopasdfghjklzxcvbnm",
    "01234567890123456789",
)


PUBLISHED = frozenset({"25ddcf9d694aa482", "00bee8eab516678c", "f47c5cb8197a8a7e"})
"""BLAKE2b-64 of the keys that Chromium publishes in every build (google_apis/google_api_keys)."""


def published(value: str) -> bool:
    """Whether a value is one of the keys that everybody has."""
    return (
        value.startswith("AIza")
        and hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest() in PUBLISHED
    )


def placeholder(value: str) -> bool:
    """Whether a value only stands for a secret, refers to one, or is a common word."""
    if value.startswith("`") and value.endswith("`"):
        return True  # a command's output
    value = value.strip("\"'` \t\r\n,;")
    if published(value) or (
        value.startswith("eyJ") and "." not in value and '"alg"' in (decoded(value[: len(value) // 4 * 4]) or "")
    ):
        return True
    if value.startswith("{") and value.endswith("}"):
        return not random(value[1:-1], 24, 3.8)  # `{name}` is a template; what Maven encrypts also stands in braces
    if len(value) < 4 or _WHOLE.fullmatch(value) or _INSIDE.search(value) or _REFERENCE.fullmatch(value):
        return True
    if dull(value) or sequence(value) or named(value):
        return True
    plain = decoded(value) if len(value) >= 12 else None
    return plain is not None and (marked(plain) or "12345" in plain or _WHOLE.fullmatch(plain.strip()) is not None)


def marked(value: str) -> bool:
    """A value that says that it is none: `your-key-here`, `...EXAMPLEKEY`, `changeme`."""
    low = value.lower()
    return any(
        word in low for word in ("example", "changeme", "change_me", "change-me", "placeholder", "redacted")
    ) or not _MARKERS.isdisjoint(words(value))


def named(value: str) -> bool:
    """A value that says that it is none (`your-key-here`), or is made of the words that name one (`my_secret_token`)."""
    if marked(value):
        return True
    parts = words(value)
    joined = "".join(parts)
    if joined.startswith(
        ("changeme", "yourpassword", "yoursecret", "yourtoken", "yourapikey", "placeholder", "redacted", "notasecret", "foobar")
    ):
        return True
    if parts and parts[0] == "your" and len(parts) > 1:
        return True
    letters = [p for p in parts if not p.isdigit()]
    digits = [p for p in parts if p.isdigit()]
    odd = sum(not c.isalnum() and c not in " _-./:" for c in value)
    plain = not odd and all(len(d) == 1 or d in ("256", "512") for d in digits)  # `password123` is what people choose
    return bool(letters) and plain and all(p in _VOCABULARY for p in letters)


def dull(value: str) -> bool:
    """Repeated characters: `xxxx`, `abababab`, `a1a1a1a1`."""
    low = value.lower()
    core = re.sub(r"[\W_]", "", low)
    if len(set(core)) <= 2:
        return True
    if len(core) >= 8:
        for period in range(1, 5):
            if core == (core[:period] * (len(core) // period + 1))[: len(core)]:
                return True
        return max(core.count(c) for c in set(core)) > 0.6 * len(core)
    return False


def sequence(value: str) -> bool:
    """A run of the alphabet, of digits or of the keyboard, wherever it begins: `qwerty`, `456789abcdef`."""
    core = re.sub(r"[\W_]", "", value.lower())
    return len(core) >= 4 and any(core in s * 3 for s in _SEQUENCES)
