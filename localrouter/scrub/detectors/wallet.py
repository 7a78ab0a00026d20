"""Addresses of wallets: Bitcoin's by their checksums, so a shape alone is none; Ethereum's behind a cue, since contracts have the same shape.

Base58Check (BIP-13), Bech32 and Bech32m (BIP-173, BIP-350). Presidio's CryptoRecognizer checks the same; loading it costs 68 MB and 0.6 s, and
any hash that begins like an address would load it.
"""

from __future__ import annotations

import hashlib
import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._context import Cues

NAME = "wallet"
_BASE58 = re.compile(r"[13](?<![\w/+=-][13])[1-9A-HJ-NP-Za-km-z]{25,34}(?![\w/+=])")
_BECH32 = re.compile(r"bc1(?<![\w/+=-]bc1)[02-9ac-hj-np-z]{11,71}(?![\w/+=])")
_ETHER = re.compile(r"0x(?<![\w/+=-]0x)[0-9a-fA-F]{40}(?!\w)")
_ETHER_CUES = Cues(
    "wallet, wallets, ethereum, eth, metamask, ledger, payout, payee, beneficiary, send to, 钱包, кошелёк, кошелек"
)
_58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def find(text: str, context: str) -> list[Finding]:
    out = [Finding(m.start(), m.end(), "WALLET", 0.95, NAME) for m in _BASE58.finditer(text) if _base58(m[0])]
    if "bc1" in text:
        out += [Finding(m.start(), m.end(), "WALLET", 0.95, NAME) for m in _BECH32.finditer(text) if _bech32(m[0])]
    if "0x" in text:
        out += [
            Finding(m.start(), m.end(), "WALLET", 0.7, NAME)
            for m in _ETHER.finditer(text)
            if _ETHER_CUES.near(text, m.start(), m.end(), context, before=40, after=0)
        ]
    return out


def _base58(value: str) -> bool:
    number = 0
    for char in value:
        number = number * 58 + _58.index(char)
    if number.bit_length() > 200:
        return False
    raw = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def _bech32(value: str) -> bool:
    check = 1
    # The prefix `bc` spread out as BIP-173 says, then the data.
    for item in [3, 3, 0, 2, 3, *(_32.index(c) for c in value[3:])]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ item
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check in (1, 0x2BC830A3)
