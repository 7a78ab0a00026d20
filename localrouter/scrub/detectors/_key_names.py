"""What the name of a field says about its value: a password, a secret, a random key or token, or nothing.

Names are split into words (`dbPasswd`, `DB_PASSWD`, `db.passwd` are the same), the last telling word decides, and the words
around it may take it back (`password_policy`, `next_page_token`, `forgot_password`). Plain data; words in seven languages.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from localrouter.scrub.detectors._shape import vocabulary, words

Sense = Literal["password", "phrase", "secret", "token", "key", "maybe"]
"""`password`: any value that a person may have chosen. `phrase`: words with spaces too. `secret`: eight characters and more.
`token` and `key`: only what looks random. `maybe`: a key of any kind; only what can be nothing but a secret."""
KIND: dict[Sense, str] = {
    "password": "PASSWORD",
    "phrase": "PASSWORD",
    "secret": "SECRET",
    "token": "TOKEN",
    "key": "API_KEY",
    "maybe": "SECRET",
}
"""The type of finding (core/kinds.py) that a value of each sense is."""

_PASSWORD = vocabulary(
    """
    password passwd pwd passcode psw pasword passwort kennwort motdepasse mdp contrasena contraseña clave senha parola
    wachtwoord haslo hasło пароль 密码 密碼 パスワード 비밀번호 userpass dbpass passwords
    """
)
_PASS_SUFFIX = ("password", "passwd", "passwort", "passphrase", "passcode")
_PASS_PREFIX = vocabulary(
    """
    db admin user root my smtp mail email imap pop ftp sftp ldap login mysql sql pg redis rds irc http https proxy key store
    app auth mlab mongo rabbit rabbitmq amqp mqtt wifi wlan vpn ssh su sudo server client keystore truststore bind access
    api service test web host
    """
)
_KEY_BEFORE = vocabulary(
    """
    api access secret private priv auth authentication authorization encryption encrypt encrypted decryption signing sign
    signature master account shared service app application client storage subscription deploy deployment webhook hmac aes
    crypto cipher session ssh consumer admin root vault security jwt cookie ingest integration license licence apikey
    wireguard preshared psk symmetric registration ai functions function server host secure fernet sas openai anthropic
    stripe sendgrid twilio mailgun datadog algolia mapbox heroku maps google aws azure gcp firebase supabase cloudflare s3
    pagerduty grafana newrelic gemini cohere groq mistral huggingface hf github gitlab rails secretkey base recaptcha write
    ngc nvidia sonar nexus jenkins npm pypi
    """
)
_KEY_JOINED = frozenset(f"{w}key" for w in _KEY_BEFORE) | {
    "psk",
    "apikey",
    "accesskey",
    "secretkey",
    "appkey",
    "authkey",
    "privkey",
}
_NOT_BEFORE = vocabulary(
    """
    public publishable primary foreign sort partition row unique cache next page continuation sub stop eos bos pad unk cls
    sep mask prompt completion max min num count total input output special first last prev previous string number forgot
    forgotten reset change show hide toggle has is use uses using need needs require requires invalid wrong incorrect
    missing no without mock fake dummy example sample placeholder bad expected cursor sync pagination generate validate
    verify check get set update create delete remove hash hashed_ stored per stream allow deny disable enable compare
    test_invalid lookup find parse read load fetch save old_ pub syntax lex parser char unexpected
    """
)
_NEUTRAL_AFTER = vocabulary(
    """
    value val str string data base64 b64 encoded enc encrypted cipher ciphertext plain plaintext text hash hashed digest
    current old new again confirm confirmation repeat dev develop development prod production staging stage test qa local
    live sandbox default primary secondary main backup master slave base md5 sha sha256 sha512 bcrypt raw clear user admin
    root db content contents literal v x y a b
    """
)
_NEUTRAL_AFTER_TOKEN = _NEUTRAL_AFTER - {"type", "text", "x", "y", "a", "b", "current", "content", "contents"}


@lru_cache(8192)
def sense(name: str) -> Sense | None:
    """What a field of this name holds, or None when it is nothing private."""
    parts = words(name)
    if not parts:
        low = name.lower()
        return "password" if low in _PASSWORD else None
    parts = tuple(p for p in parts if not p.isdigit()) or parts
    for at in range(len(parts) - 1, -1, -1):
        found = _one(parts, at)
        if found is not None:
            before, after = parts[:at], parts[at + 1 :]
            if not _NOT_BEFORE.isdisjoint(before[-2:]):
                return "maybe" if found == "key" and {"public", "publishable"}.isdisjoint(before) else None
            if parts[at] == "secret" and after == ("id",):
                return "secret"  # HashiCorp Vault's AppRole secret
            neutral = _NEUTRAL_AFTER_TOKEN if found in ("token", "key") else _NEUTRAL_AFTER
            return found if all(w in neutral for w in after) else None
    low = name.lower()
    return (
        "password" if any(p in low for p in ("пароль", "密码", "密碼", "パスワード", "비밀번호", "contraseña", "hasło")) else None
    )


def _one(parts: tuple[str, ...], at: int) -> Sense | None:
    word, before = parts[at], parts[at - 1] if at else ""
    if word in ("passphrase", "mnemonic") or (word == "phrase" and before in ("seed", "pass", "recovery", "secret")):
        return "phrase"
    if word in _PASSWORD or word == "psk" or word.endswith(_PASS_SUFFIX) or (word == "word" and before == "pass"):
        return "password"
    if word in ("pass", "pw"):
        return "password" if len(parts) == 1 or before in _PASS_PREFIX or len(parts) == 2 else None
    if (
        word.endswith(("pass", "pwd", "pw"))
        and word[: -4 if word.endswith("pass") else -3 if word.endswith("pwd") else -2] in _PASS_PREFIX
    ):
        return "password"
    if word.endswith("secret") or word in ("salt", "pepper", "credential", "credentials"):
        return "secret"
    if word == "token" or (word.endswith("token") and word[:-5] not in _NOT_BEFORE):
        return "token"
    if word == "tokens" and before in ("access", "auth", "api", "refresh", "bearer", "secret"):
        return "token"
    if word in ("bearer", "auth", "jwt") and (len(parts) == 1 or word != "bearer"):
        return "token"
    if word == "pat" and before in (
        "personal",
        "access",
        "github",
        "gitlab",
        "gh",
        "gl",
        "azure",
        "ado",
        "devops",
        "databricks",
        "airtable",
    ):
        return "token"
    if word in ("key", "keys") and before in ("secret", "private", "encryption", "signing", "master"):
        return "secret"
    if word in ("key", "keys"):
        return "key" if before in _KEY_BEFORE else "maybe"
    if word in _KEY_JOINED:
        return "key"
    return None
