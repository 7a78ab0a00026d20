"""Addresses that no country's post office prints but that people send: web forms that put a foreign street into their own order,
military mail, post boxes, crossings, and places named by what is near them.

Military mail: USPS Publication 28, section 225 (PSC, UNIT, CMR with BOX; APO, FPO, DPO with AA, AE, AP).
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from figures import digits

if TYPE_CHECKING:
    from world import World

UNITS = (
    "Apt {}", "Apt. {}", "apt {}", "Suite {}", "Ste {}", "Ste. {}", "Unit {}", "#{}", "Flat {}", "Room {}", "Floor {}", "Apartment {}", "Bldg {}",
    "Lot {}", "Office {}", "Door {}", "House {}",
)  # fmt: skip
REGIONS = (
    "NSW", "VIC", "QLD", "ON", "QC", "BC", "AB", "SP", "RJ", "MG", "TX", "CA", "NY", "FL", "IL", "WA", "ZH", "BE", "VD", "GE", "MI", "RM",
    "TO", "NA", "BY", "NW", "HE", "NO", "ST", "UT", "NH", "ZE", "AG", "KA", "MH", "TN", "VA", "SO", "LA", "OU", "HO",
)  # fmt: skip
"""Of many countries: what stands between a town and its code in a form."""


def unit(rng: Random) -> str:
    """A flat, a suite, a floor."""
    number = rng.choice([str(rng.randint(1, 60)), f"{rng.randint(1, 999):03d}", f"{rng.randint(1, 40)}{rng.choice('ABCD')}"])
    return rng.choice(UNITS).format(number)


def military(rng: Random) -> list[str]:
    """American forces and embassies abroad: two lines."""
    first = rng.choice(
        [
            f"PSC {digits('####', rng)}, Box {digits('####', rng)}",
            f"PSC {digits('###', rng)} Box {digits('###', rng)}",
            f"Unit {digits('####', rng)} Box {digits('####', rng)}",
            f"UNIT {digits('#####', rng)}, BOX {digits('##', rng)}",
            f"CMR {digits('###', rng)}, Box {digits('###', rng)}",
        ]
    )
    return [
        first,
        f"{rng.choice(['APO', 'FPO', 'DPO'])}{rng.choice([' ', ', '])}{rng.choice(['AE', 'AP', 'AA'])} {digits('#####', rng)}",
    ]


def ship(rng: Random, world: World) -> list[str]:
    name = world.names.draw(rng, "").last
    return [
        f"{rng.choice(['USS', 'USNS', 'USCGC', 'USNV', 'HMS'])} {name}",
        f"FPO {rng.choice(['AE', 'AP', 'AA'])} {digits('#####', rng)}",
    ]


def crossing(rng: Random, one: str, other: str) -> str:
    """Two streets that meet."""
    return rng.choice(
        [
            f"the corner of {one} and {other}",
            f"corner of {one} & {other}",
            f"{one} and {other}",
            f"{one} & {other}",
            f"{one}, corner {other}",
            f"{one} / {other}",
        ]
    )


def mixed(rng: Random, line: str, city: str, country: str) -> list[str]:
    """A street of anywhere in the order of one form: number or street first, a unit, the town, its region, country and code."""
    if rng.random() < 0.5:
        line = f"{rng.randint(1, 99999)} {line}"
    lines = [line]
    if rng.random() < 0.55:
        flat = unit(rng)
        lines = [f"{line} {flat}"] if rng.random() < 0.5 else [line, flat] if rng.random() < 0.8 else [flat, line]
    town = city.upper() if rng.random() < 0.25 else city
    code = digits(rng.choice(["#####", "#####", "####", "######", "### ##", "##-###", "@## #@@"]), rng)
    roll = rng.random()
    if roll < 0.3:
        return [*lines, town, f"{country} {code}"]
    if roll < 0.45:
        return [*lines, f"{town}, {rng.choice(REGIONS)} {code}"]
    if roll < 0.6:
        return [*lines, town, f"{rng.choice(REGIONS)} {code}"]
    if roll < 0.7:
        return [*lines, f"{town} {code}", country]
    if roll < 0.8:
        return [*lines, f"{code} {town}"]
    if roll < 0.88:
        return [*lines, town, code, country]
    if roll < 0.94:
        return [*lines, town, code]
    return [*lines, town]
