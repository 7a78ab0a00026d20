"""National numbers: behind their names everywhere, alone only in an active pack and with a valid check digit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localrouter.scrub.detectors import national
from localrouter.scrub.detectors._check_digits import CHECKS


@pytest.fixture(autouse=True)
def no_packs() -> Iterator[None]:
    yield
    national.configure({})


def found(text: str, context: str = "") -> list[tuple[str, str]]:
    return sorted({(f.type, text[f.start : f.end]) for f in national.find(text, context)})


# Sample numbers that the authorities or the recognizers' own documentation publish; they belong to nobody.
NAMED = [
    ("NHS number 943 476 5919", "HEALTH_ID", "943 476 5919"),
    ("NINO: AB 12 34 56 C", "ID", "AB 12 34 56 C"),
    ("Steuer-ID 86 095 742 719", "ID", "86 095 742 719"),
    ("numéro de sécurité sociale 2 55 08 14 168 025 38", "ID", "2 55 08 14 168 025 38"),
    ("codice fiscale RSSMRA85T10A562S", "ID", "RSSMRA85T10A562S"),
    ("DNI 12345678Z", "ID", "12345678Z"),
    ("NIE: X1234567L", "ID", "X1234567L"),
    ("BSN 111222333", "ID", "111222333"),
    ("PESEL 44051401359", "ID", "44051401359"),
    ("AHV 756.9217.0769.85", "ID", "756.9217.0769.85"),
    ("personnummer 811228-9874", "ID", "811228-9874"),
    ("CPF 111.444.777-35", "ID", "111.444.777-35"),
    ("CNPJ 11.222.333/0001-81", "ID", "11.222.333/0001-81"),
    ("Aadhaar 2341 2341 2346", "ID", "2341 2341 2346"),
    ("PAN card ABCPE1234F", "ID", "ABCPE1234F"),
    ("social insurance number 046 454 286", "ID", "046 454 286"),
    ("TFN 123 456 782", "ID", "123 456 782"),
    ("マイナンバー 1234-5678-9018", "ID", "1234-5678-9018"),
    ("身份证号 11010519491231002X", "ID", "11010519491231002X"),
    ("주민등록번호 900101-1234567", "ID", "900101-1234567"),
    ("NRIC S1234567D", "ID", "S1234567D"),
    ("passport number X1234567", "ID", "X1234567"),
    ("driver's license D123-4567-8901", "ID", "D123-4567-8901"),
    ("MRN: 12345678", "HEALTH_ID", "12345678"),
    ("account number 12345678", "BANK_ACCOUNT", "12345678"),
    ("sort code 12-34-56", "BANK_ACCOUNT", "12-34-56"),
    ("routing number 021000021", "BANK_ACCOUNT", "021000021"),
    ("my insurance number is AB 12 34 56 C", "ID", "AB 12 34 56 C"),
    ("licence plate WA 12345, VIN unknown", "ID", "WA 12345"),
    ("number plate AB12 CDE", "ID", "AB12 CDE"),
    ("Kennzeichen B-MW 1234", "ID", "B-MW 1234"),
    ("plate number KA 01 AB 1234", "ID", "KA 01 AB 1234"),
    ("matrícula 1234 BCD", "ID", "1234 BCD"),
    ("immatriculation AB-123-CD", "ID", "AB-123-CD"),
    ("VIN 1HGCM82633A004352", "ID", "1HGCM82633A004352"),
]


@pytest.mark.parametrize(("text", "kind", "value"), NAMED, ids=[t[:18] for t, _, _ in NAMED])
def test_behind_its_name(text: str, kind: str, value: str) -> None:
    assert (kind, value) in found(text)


@pytest.mark.parametrize("text", ["the number plate is on page 12 of A4", "number plate of 12 cars"])
def test_words_beside_a_plate_are_none(text: str) -> None:
    assert found(text) == []


def test_a_name_is_enough_even_with_a_mistyped_check_digit() -> None:
    assert found("NHS number 943 476 5918") == [("HEALTH_ID", "943 476 5918")]
    assert found("943 476 5918", "patient.nhs_number") == [("HEALTH_ID", "943 476 5918")]


def test_a_short_name_is_a_word_too_and_needs_the_check_digit() -> None:
    assert found("SIN 046 454 286") == [("ID", "046 454 286")]
    assert not found("sin 046 454 287")


@pytest.mark.parametrize(
    ("pack", "value"),
    [("br", "111.444.777-35"), ("it", "RSSMRA85T10A562S"), ("cn", "11010519491231002X"), ("gb", "943 476 5919")],
)
def test_alone_only_in_an_active_pack(pack: str, value: str) -> None:
    assert not found(f"row {value} end")
    national.configure({"packs": [pack]})
    assert [v for _, v in found(f"row {value} end")] == [value]
    broken = value[:-1] + ("X" if value[-1] != "X" else "1")
    assert not found(f"row {broken} end")


def test_an_unknown_pack_is_named() -> None:
    with pytest.raises(ValueError, match="no pack xx"):
        national.configure({"packs": ["xx"]})


@pytest.mark.parametrize(
    "text",
    [
        "version 2024.10.12 in account settings",
        "the routing of 12 packets",
        "sort by code 123456",
        "def passport(n): return n",
        "using 123456789 bytes",
    ],
)
def test_left_alone(text: str) -> None:
    assert not found(text)


CHECKED = {
    "nir": "255081416802538",
    "bsn": "111222333",
    "cpf": "11144477735",
    "cnpj": "11222333000181",
    "my_number": "123456789018",
    "resident_id": "11010519491231002X",
    "ahv": "7569217076985",
    "nif_pt": "123456789",
    "national_be": "85073003328",
    "curp": "HEGG560427MVZRRL04",
    "sg": "S1234567D",
    "sin": "046454286",
    "imei": "490154203237518",
    "vin": "1HGCM82633A004352",
}


def test_every_check_digit_holds_for_a_sample_and_for_no_neighbour() -> None:
    assert CHECKED.keys() == CHECKS.keys()
    for name, value in CHECKED.items():
        assert CHECKS[name](value), name
        at = next(i for i in range(len(value) - 1, -1, -1) if value[i].isdigit())
        others = [value[:at] + d + value[at + 1 :] for d in "0123456789" if d != value[at]]
        assert not any(CHECKS[name](o) for o in others), name
        assert not CHECKS[name]("") and not CHECKS[name]("x" * 18), name
