"""What was found in a request, in plain English: the kinds of core/kinds.py as people call them. Counts and kinds, never values (law 8)."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: dict[str, tuple[str, str]] = {
    "OWN_USER": ("your user name", "mentions of your user name"),
    "OWN_HOST": ("this machine's name", "mentions of this machine's name"),
    "OWN_NAME": ("your own name", "mentions of your own name"),
    "OWN_EMAIL": ("your own e-mail address", "mentions of your own e-mail address"),
    "HOST": ("a machine's name", "names of machines"),
    "PERSON": ("a person's name", "names of persons"),
    "USERNAME": ("a user name", "user names"),
    "ORG": ("an organisation's name", "names of organisations"),
    "LOCATION": ("a place", "places"),
    "ADDRESS": ("a postal address", "postal addresses"),
    "EMAIL": ("an e-mail address", "e-mail addresses"),
    "PHONE": ("a phone number", "phone numbers"),
    "IP": ("a network address", "network addresses"),
    "MAC": ("a device's address", "addresses of devices"),
    "WALLET": ("a wallet's address", "addresses of wallets"),
    "CUSTOM": ("a word of your own list", "words of your own list"),
    "CARD": ("a card number", "card numbers"),
    "IBAN": ("a bank account number (IBAN)", "bank account numbers (IBAN)"),
    "SSN": ("a social security number", "social security numbers"),
    "BANK_ACCOUNT": ("a bank account number", "bank account numbers"),
    "ID": ("an identity number", "identity numbers"),
    "HEALTH_ID": ("a health insurance number", "health insurance numbers"),
    "DATE_OF_BIRTH": ("a date of birth", "dates of birth"),
    "DATE": ("a date", "dates"),
    "AGE": ("an age", "ages"),
    "NRP": ("a nationality or group", "nationalities or groups"),
    "TITLE": ("a form of address", "forms of address"),
    "SECRET": ("a secret", "secrets"),
    "API_KEY": ("an API key", "API keys"),
    "PASSWORD": ("a password", "passwords"),
    "TOKEN": ("an access token", "access tokens"),
    "JWT": ("a signed access token", "signed access tokens"),
    "PRIVATE_KEY": ("a private key", "private keys"),
}
"""(one, several) of each kind."""
_PLACES = {name: at for at, name in enumerate(WORDS)}
_OTHER = ("another private value", "other private values")


def listed(findings: Mapping[str, int]) -> str:
    """`2 e-mail addresses, a person's name`, in the order of the kinds; "" for none. A kind that nobody knows is a private value."""
    parts = []
    for name, n in sorted(findings.items(), key=lambda item: (_PLACES.get(item[0], len(WORDS)), item[0])):
        one, several = WORDS.get(name, _OTHER)
        if n:
            parts.append(one if n == 1 else f"{n} {several}")
    return ", ".join(parts)
