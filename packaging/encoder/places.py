"""Towns, countries, regions and landmarks."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from world import World

COUNTRIES = {
    "en": ["United States", "United States", "United Kingdom", "Canada", "Australia", "Ireland", "New Zealand"], "de": ["Germany", "Austria", "Switzerland"], "fr": ["France", "Belgium"], "es": ["Spain", "Mexico", "Argentina", "Colombia", "Chile"], "it": ["Italy"], "pt": ["Portugal", "Brazil"],
    "nl": ["Netherlands", "Belgium"], "pl": ["Poland"], "nordic": ["Sweden", "Norway", "Denmark", "Finland"], "in": ["India"], "ja": ["Japan"], "zh": ["China"], "tr": ["Turkey"],
}  # fmt: skip
STATES = {"AL": "35", "AK": "99", "AZ": "85", "AR": "72", "CA": "9", "CO": "80", "CT": "06", "FL": "33", "GA": "30", "HI": "96", "IA": "50", "ID": "83", "IL": "60", "IN": "46", "KS": "66", "KY": "40", "LA": "70", "MA": "02", "MD": "21", "ME": "04", "MI": "48", "MN": "55", "MO": "63", "MS": "39", "MT": "59", "NC": "27", "ND": "58", "NE": "68", "NH": "03", "NJ": "07", "NM": "87", "NV": "89", "NY": "1", "OH": "44", "OK": "73", "OR": "97", "PA": "19", "RI": "02", "SC": "29", "SD": "57", "TN": "37", "TX": "7", "UT": "84", "VA": "22", "VT": "05", "WA": "98", "WI": "53", "WV": "25", "WY": "82", "DC": "200"}  # fmt: skip


def city(rng: Random, world: World, home: str = "") -> str:
    """A town: half of the time a well-known one, else any place of the world list."""
    roll = rng.random()
    if roll < 0.5 or not world.cities:
        return rng.choice(world.words["city"])
    if roll < 0.75 and home in COUNTRIES:
        group = world.cities.get(rng.choice(COUNTRIES[home]))
        if group:
            return rng.choice(group)[0]
    return rng.choice(world.all_cities)


def city_state(rng: Random, world: World, home: str) -> list[tuple[str, str]]:
    """A town and its state or country: two places with a comma between them."""
    if world.cities and rng.random() < 0.6:
        country = rng.choice(
            COUNTRIES.get(home, COUNTRIES["en"]) if rng.random() < 0.7 else [c for c, g in world.cities.items() if len(g) > 20]
        )
        if world.cities.get(country):
            name, region = rng.choice(world.cities[country])
            return [(name, "LOCATION"), (", ", ""), (region if region and rng.random() < 0.6 else country, "LOCATION")]
    tail = rng.choice([rng.choice(list(STATES)), rng.choice(world.words["state"]), rng.choice(world.words["country"])])
    return [(city(rng, world, home), "LOCATION"), (", ", ""), (tail, "LOCATION")]


def landmark(rng: Random, world: World) -> str:
    w = world.words
    c = city(rng, world)
    return rng.choice(
        [
            rng.choice(w["landmark"]),
            rng.choice(w["landmark"]),
            rng.choice(w["landmark"]),
            f"{c} Airport",
            f"Lake {rng.choice(w['streetname'])}",
            f"Mount {rng.choice(w['streetname'])}",
            f"{rng.choice(w['streetname'])} Park",
            f"{rng.choice(w['streetname'])} River",
            f"{c} Bridge",
            f"{rng.choice(w['streetname'])} Beach",
            f"Port of {c}",
            f"{rng.choice(w['streetname'])} Square",
            f"{c} Central Station",
            f"{rng.choice(w['streetname'])} Valley",
        ]
    )


LEVEL = [
    "Senior",
    "Junior",
    "Assistant",
    "Chief",
    "Deputy",
    "Lead",
    "Associate",
    "Head",
    "Principal",
    "Acting",
    "Regional",
    "Staff",
    "Vice",
]
FIELD = ["Sales", "Exhibition", "Media Relations", "Customer Service", "Human Resources", "Marketing", "Finance", "Operations", "Quality", "Purchasing", "IT", "Legal", "Research", "Data", "Network", "Systems", "Safety", "Logistics", "Warehouse", "Claims", "Payroll", "Tax", "Credit", "Food", "Candy", "Soil", "Forest", "Marine", "Textile", "Solar", "Glass", "Water", "Gas", "Boiler", "Crane", "Elevator", "Tree", "Roof", "Tile", "Carpet", "Dental", "Surgical", "Medical", "Cardiovascular", "Speech", "Art", "Music", "Voice", "Costume", "Film", "Radio", "Travel", "Tour", "Fitness", "Athletic", "Child care", "School", "Reading", "Math", "Court", "Parole", "Fraud", "Fire", "Postal", "Rail", "Aircraft", "Auto", "Bicycle"]  # fmt: skip
ROLE = ["Manager", "Director", "Officer", "Engineer", "Analyst", "Specialist", "Coordinator", "Consultant", "Technician", "Assistant", "Clerk", "Supervisor", "Inspector", "Scientist", "Installer", "Operator", "Repairer", "Trainer", "Instructor", "Examiner", "Planner", "Administrator", "Representative", "Adviser", "Worker", "Distributor", "Setter", "Attendant", "Therapist", "Teacher"]  # fmt: skip


def post(rng: Random, world: World) -> str:
    """What stands under a name in a signature: an office or a trade, mostly one that no list has."""
    roll = rng.random()
    if roll < 0.4:
        return rng.choice(world.words["job"]).capitalize()
    text = f"{rng.choice(FIELD)} {rng.choice(ROLE)}"
    if roll < 0.6:
        text = f"{rng.choice(LEVEL)} {text}"
    return text.capitalize() if rng.random() < 0.4 else text
