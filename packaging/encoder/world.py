"""One side's pools of names, places and words.

Places: world_cities (GeoNames through datasets/world-cities, CC BY 4.0) and the lists of `forms/words.tsv`, written from
general knowledge.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path
from random import Random

import organisations
from figures import digits
from forms.grammar import held_out
from names import Names, latin, plain

HERE = Path(__file__).parent


def words(side: str) -> dict[str, list[str]]:
    """The word lists of `forms/words.tsv`, one side of them; a list marked `*` is not split (closed classes)."""
    out: dict[str, list[str]] = {}
    for line in (HERE / "forms" / "words.tsv").read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition("\t")
        items = [w.strip() for w in rest.split(",") if w.strip()]
        if name.endswith("*"):
            out.setdefault(name[:-1], []).extend(items)
        else:
            out.setdefault(name, []).extend(w for w in items if held_out("word " + w.lower()) is (side == "valid"))
    return out


def cities(data: Path | None, side: str) -> dict[str, list[tuple[str, str]]]:
    """World cities of one side: country -> (city, region)."""
    out: dict[str, list[tuple[str, str]]] = defaultdict(list)
    if data is None or not (data / "world_cities").is_dir():
        return out
    path = next((data / "world_cities").rglob("world-cities.csv"))
    with path.open(encoding="utf-8", newline="") as f:
        for row in csv.DictReader(f):
            if len(row["name"]) > 2 and held_out("city " + row["name"].lower()) is (side == "valid"):
                out[row["country"]].append((row["name"], row["subcountry"]))
    return out


class World:
    """One side's pools: names, cities, words. Built once, then scenes draw from it."""

    def __init__(self, data: Path | None, side: str) -> None:
        self.side = side
        self.names = Names(data, side)
        self.words = words(side)
        self.cities = cities(data, side)
        self.known = [c for c in self.words["city"] if latin(c)]
        self.all_cities = [c for group in self.cities.values() for c, _ in group] or self.words["city"]

    def domain(self, rng: Random) -> str:
        w, roll = self.words, rng.random()
        stem = (
            organisations.startup(rng).lower()
            if roll < 0.4
            else rng.choice(w["stem"]).lower()
            + rng.choice(
                [
                    "",
                    "",
                    "-" + rng.choice(w["trade"]).split()[0].lower(),
                    rng.choice(["labs", "hq", "corp", "group", "soft", "shop"]),
                ]
            )
        )
        return re.sub("[^a-z0-9-]", "", plain(stem)) + rng.choice(
            [
                ".com",
                ".com",
                ".com",
                ".com",
                ".org",
                ".net",
                ".io",
                ".co.uk",
                ".de",
                ".fr",
                ".example",
                ".ai",
                ".dev",
                ".co",
                ".edu",
                ".gov",
                ".info",
                ".biz",
                ".nl",
                ".se",
                ".ca",
                ".com.au",
                ".us",
                ".in",
                ".es",
                ".it",
                ".pl",
                ".ch",
                ".app",
            ]
        )

    def host(self, rng: Random) -> str:
        n, w = (
            rng.randint(1, 30),
            rng.choice(
                [
                    "db",
                    "web",
                    "api",
                    "cache",
                    "redis",
                    "pg",
                    "mail",
                    "build",
                    "ci",
                    "vpn",
                    "gw",
                    "k8s-node",
                    "worker",
                    "es",
                    "kafka",
                    "nas",
                    "proxy",
                    "auth",
                    "gitlab",
                    "jump",
                    "prod-app",
                    "stage",
                    "billing",
                    "payments",
                    "ldap",
                    "srv",
                    "node",
                    "web-prod",
                    "db-primary",
                    "backup",
                ]
            ),
        )
        zone = rng.choice(
            [
                "corp.internal",
                "internal",
                "corp.local",
                "local",
                "lan",
                "svc.cluster.local",
                "prod.internal",
                "int.example.net",
                "intra",
                "home.arpa",
            ]
        )
        return rng.choice(
            [
                f"{w}-{n:02d}.{zone}",
                f"{w}{n}.{zone}",
                f"{w}.{self.domain(rng)}",
                f"{w}-{n}",
                f"{w}.prod.{self.domain(rng)}",
                f"{w}-{n}.eu-west-1.{self.domain(rng)}",
                f"ip-10-{n}-{n + 3}-{n * 2}.ec2.internal",
                f"{w}{n:02d}.{rng.choice(['ber', 'nyc', 'lon', 'fra', 'sgp'])}{rng.randint(1, 3)}.{self.domain(rng)}",
                f"DESKTOP-{digits('@@##@@#', rng)}",
                f"{w}.{zone}",
            ]
        )
