"""Check digits of national numbers that Presidio has no recognizer for. Each takes the value as written and says whether it holds.

Sources beside each. A wrong length or a letter where none belongs is False, never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from localrouter.scrub.detectors._digits import digits, luhn


def _weighted(number: str, weights: Sequence[int]) -> int:
    return sum(int(d) * w for d, w in zip(number, weights, strict=False))


def nir(value: str) -> bool:
    """France, numéro de sécurité sociale: key = 97 - number mod 97; Corsica 2A is 19, 2B is 18 (INSEE)."""
    plain = "".join(c for c in value.upper() if c.isalnum()).replace("2A", "19", 1).replace("2B", "18", 1)
    return plain.isdigit() and len(plain) == 15 and 97 - int(plain[:13]) % 97 == int(plain[13:])


def bsn(value: str) -> bool:
    """Netherlands, burgerservicenummer: the eleven test with -1 for the last digit (Rijksoverheid)."""
    number = digits(value).zfill(9)
    return len(number) == 9 and int(number) > 0 and _weighted(number, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def cpf(value: str) -> bool:
    """Brazil, cadastro de pessoas físicas: two digits mod 11 (Receita Federal)."""
    number = digits(value)
    return len(number) == 11 and len(set(number)) > 1 and all(_mod11(number, n) == int(number[n]) for n in (9, 10))


def _mod11(number: str, size: int) -> int:
    rest = _weighted(number, range(size + 1, 1, -1)) % 11
    return 0 if rest < 2 else 11 - rest


def cnpj(value: str) -> bool:
    """Brazil, cadastro nacional da pessoa jurídica: two digits mod 11, weights from 2 to 9 and again (Receita Federal)."""
    number = digits(value)
    if len(number) != 14 or len(set(number)) == 1:
        return False
    for size in (12, 13):
        weights = [2 + (size - 1 - at) % 8 for at in range(size)]
        rest = _weighted(number, weights) % 11
        if int(number[size]) != (0 if rest < 2 else 11 - rest):
            return False
    return True


def my_number(value: str) -> bool:
    """Japan, individual number: mod 11 over eleven digits (Ministerial Ordinance 85 of 2014, article 5)."""
    number = digits(value)
    if len(number) != 12 or len(set(number)) == 1:
        return False
    rest = sum(int(number[10 - n]) * (n + 2 if n < 6 else n - 4) for n in range(11)) % 11
    return int(number[11]) == (0 if rest <= 1 else 11 - rest)


def resident_id(value: str) -> bool:
    """China, resident identity card: a birth date inside, ISO 7064 MOD 11-2 at the end (GB 11643-1999)."""
    plain = "".join(c for c in value.upper() if c.isalnum())
    if len(plain) != 18 or not plain[:17].isdigit() or not _day(plain[6:14]):
        return False
    total = sum(int(d) * (2 ** (17 - at) % 11) for at, d in enumerate(plain[:17]))
    return "10X98765432"[total % 11] == plain[17]


def ahv(value: str) -> bool:
    """Switzerland, AHV number: 756 and an EAN-13 check digit (Central Compensation Office)."""
    number = digits(value)
    if len(number) != 13 or not number.startswith("756"):
        return False
    return (10 - _weighted(number[:12], (1, 3) * 6) % 10) % 10 == int(number[12])


def nif_pt(value: str) -> bool:
    """Portugal, número de identificação fiscal: mod 11, weights 9 to 2 (Autoridade Tributária)."""
    number = digits(value)
    if len(number) != 9 or number[0] not in "1235689":
        return False
    rest = 11 - _weighted(number[:8], range(9, 1, -1)) % 11
    return int(number[8]) == (0 if rest > 9 else rest)


def national_be(value: str) -> bool:
    """Belgium, rijksregisternummer: 97 - first nine mod 97, with a 2 in front from 2000 on (IBZ)."""
    number = digits(value)
    if len(number) != 11:
        return False
    return any(97 - int(lead + number[:9]) % 97 == int(number[9:]) for lead in ("", "2"))


def curp(value: str) -> bool:
    """Mexico, CURP: a check digit over 37 letters (RENAPO)."""
    plain, order = value.upper().strip(), "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
    if len(plain) != 18 or any(c not in order for c in plain):
        return False
    total = sum(order.index(c) * (18 - at) for at, c in enumerate(plain[:17]))
    return str((10 - total % 10) % 10) == plain[17]


def sg(value: str) -> bool:
    """Singapore, NRIC and FIN: weights 2 7 6 5 4 3 2 and a letter (ICA; the algorithm is public, not published)."""
    plain = value.upper().strip()
    if len(plain) != 9 or not plain[1:8].isdigit():
        return False
    total = _weighted(plain[1:8], (2, 7, 6, 5, 4, 3, 2)) + (4 if plain[0] in "TG" else 3 if plain[0] == "M" else 0)
    letters = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}.get(plain[0])
    if letters is None:
        return False
    at = total % 11
    return letters[10 - at if plain[0] == "M" else at] == plain[8]


def sin(value: str) -> bool:
    """Canada, social insurance number: Luhn; none begins with 8, those with 0 are samples (Service Canada)."""
    number = digits(value)
    return len(number) == 9 and number[0] != "8" and luhn(number)


def imei(value: str) -> bool:
    """Device identity: Luhn over 15 digits (3GPP TS 23.003 annex B)."""
    number = digits(value)
    return len(number) == 15 and len(set(number)) > 2 and luhn(number)


def vin(value: str) -> bool:
    """Vehicle identification number, North American check digit in place nine (49 CFR 565.15)."""
    plain = value.upper()
    table = dict(
        zip(
            "ABCDEFGHJKLMNPRSTUVWXYZ0123456789",
            (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9, *range(10)),
            strict=True,
        )
    )
    if len(plain) != 17 or any(c not in table for c in plain):
        return False
    rest = sum(table[c] * w for c, w in zip(plain, (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2), strict=True)) % 11
    return plain[8] == ("X" if rest == 10 else str(rest))


def _day(text: str) -> bool:
    try:
        return 1900 <= date(int(text[:4]), int(text[4:6]), int(text[6:])).year <= 2100
    except ValueError:
        return False


CHECKS: dict[str, Callable[[str], bool]] = {
    f.__name__: f for f in (nir, bsn, cpf, cnpj, my_number, resident_id, ahv, nif_pt, national_be, curp, sg, sin, imei, vin)
}
