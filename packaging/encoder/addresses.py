"""Postal addresses, each country in its own format."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import streets
from figures import digits
from places import COUNTRIES, STATES

if TYPE_CHECKING:
    from world import World


def postcode(rng: Random) -> str:
    return digits(
        rng.choice(
            [
                "#####",
                "#####",
                "#####-####",
                "@#% #@@",
                "@@## #@@",
                "@%@ %@%",
                "#### @@",
                "##-###",
                "### ##",
                "######",
                "###-####",
                "####",
                "#####-###",
            ]
        ),
        rng,
    )


def _name(rng: Random, world: World, home: str) -> str:
    roll = rng.random()
    return (
        rng.choice(world.words["streetname"])
        if roll < 0.55
        else world.names.draw(rng, home).last
        if roll < 0.85
        else rng.choice(world.words["stem"])
    )


def street(rng: Random, world: World, home: str = "", lang: str = "en") -> str:
    """The street line alone, unit included."""
    roll = rng.random()
    own = _parts(rng, world, _country(rng, home, lang))[0]
    if roll < 0.05:
        return streets.crossing(rng, _bare(own), _bare(_parts(rng, world, _country(rng, home, lang))[0]))
    if roll < 0.10:
        return f"{rng.randint(1, 99999)} {_parts(rng, world, _anywhere(rng, world))[0]}"
    if roll < 0.12:
        return streets.military(rng)[0]
    return own


def _bare(line: str) -> str:
    """A street without its first number, mostly."""
    number, _, rest = line.partition(" ")
    return rest if number.isdigit() and len(rest) > 6 else line


def _anywhere(rng: Random, world: World) -> str:
    return rng.choice(
        [c for c, towns in world.cities.items() if len(towns) > 9] or ["United States", "Germany", "France", "Poland"]
    )


def address(rng: Random, world: World, home: str = "", lang: str = "en", sep: str = ", ") -> str:
    """A whole address on one line, or on several with `sep` a line end; the country is named sometimes."""
    country = _country(rng, home, lang)
    roll = rng.random()
    if roll < 0.2:
        place = _anywhere(rng, world)
        own = rng.choice([place, country, _country(rng, "", lang)])
        towns = world.cities.get(place) or [(c, "") for c in world.known]
        lines = streets.mixed(rng, _parts(rng, world, own)[0], rng.choice(towns)[0], place)
    elif roll < 0.25:
        lines = streets.military(rng) if rng.random() < 0.7 else streets.ship(rng, world)
    elif roll < 0.28:
        own = _parts(rng, world, country)
        lines = [streets.crossing(rng, _bare(own[0]), _bare(_parts(rng, world, country)[0])), *own[1:]]
    else:
        lines = _parts(rng, world, country)
    if roll >= 0.28 and rng.random() < 0.22:
        lines.append(
            country
            if rng.random() < 0.7
            else {
                "United States": "USA",
                "United Kingdom": "UK",
                "Germany": "Deutschland",
                "Spain": "España",
                "Italy": "Italia",
                "Japan": "日本",
                "Netherlands": "NL",
            }.get(country, country.upper())
        )
    if sep == ", " and rng.random() < 0.15:
        return " ".join(lines)
    if sep == "\n" and rng.random() < 0.12:
        sep = rng.choice(["\n ", "\n    ", ",\n", " \n", "\r\n"])
    return sep.join(lines)


def _country(rng: Random, home: str, lang: str) -> str:
    roll = rng.random()
    if home in COUNTRIES and (roll < 0.75 or lang != "en"):
        return rng.choice(COUNTRIES[home])
    if roll < 0.6:
        return rng.choice(COUNTRIES["en"])
    return rng.choice(
        [c for group in COUNTRIES.values() for c in group]
        + [
            "Czechia",
            "Hungary",
            "Russia",
            "South Korea",
            "Singapore",
            "South Africa",
            "Israel",
            "Greece",
            "United Arab Emirates",
            "Vietnam",
            "Nigeria",
            "Kenya",
        ]
    )


def _parts(rng: Random, world: World, country: str) -> list[str]:
    def d(pattern: str) -> str:
        return digits(pattern, rng)

    c = rng.choice(world.cities[country] if world.cities.get(country) and rng.random() < 0.8 else world.known)
    c = c if isinstance(c, str) else c[0]
    n = rng.choice([rng.randint(1, 99), rng.randint(1, 999), rng.randint(1000, 19999)])
    low = rng.randint(1, 220)

    def s(culture: str) -> str:
        return _name(rng, world, culture)

    floor, letter, province = rng.randint(1, 9), rng.choice("ABCD"), d("@@")

    if country == "United States":
        suffix = rng.choice(
            [
                "St",
                "St.",
                "Street",
                "Ave",
                "Ave.",
                "Avenue",
                "Rd",
                "Road",
                "Blvd",
                "Boulevard",
                "Dr",
                "Drive",
                "Ln",
                "Lane",
                "Ct",
                "Court",
                "Way",
                "Pl",
                "Place",
                "Ter",
                "Terrace",
                "Cir",
                "Circle",
                "Pkwy",
                "Hwy",
                "Trail",
                "Loop",
                "Square",
            ]
        )
        name = (
            s("en")
            if rng.random() < 0.75
            else rng.choice(
                ["1st", "2nd", "3rd", "5th", "12th", "42nd", "Main", "Oak", "Elm", "Martin Luther King Jr", "Broadway", "Park"]
            )
        )
        line = f"{n} {rng.choice(['', '', '', 'N ', 'S. ', 'West ', 'E ', 'NW '])}{name} {suffix}"
        line += rng.choice(
            [
                "",
                "",
                "",
                "",
                f" Apt {rng.randint(1, 40)}{rng.choice(['', 'A', 'B', 'C'])}",
                f", Apt. {rng.randint(1, 900)}",
                f" #{rng.randint(1, 400)}",
                f", Suite {rng.randint(100, 900)}",
                f" Ste. {rng.randint(1, 90)}",
                f", Unit {rng.randint(1, 60)}",
                f", Floor {rng.randint(1, 30)}",
            ]
        )
        if rng.random() < 0.05:
            line = rng.choice([f"P.O. Box {n}", f"PO Box {n}", f"RR {rng.randint(1, 9)} Box {n}", f"USS {s('en')} FPO"])
        st = rng.choice(list(STATES))
        return [
            line,
            f"{c}, {st} {(STATES[st] + d('#####'))[:5]}" + (d("-####") if rng.random() < 0.1 else "")
            if rng.random() < 0.8
            else f"{c} {st}",
        ]
    if country == "United Kingdom":
        line = (
            rng.choice(
                [
                    "",
                    "",
                    "",
                    f"Flat {rng.randint(1, 40)}, ",
                    f"{rng.choice(world.words['stem'])} House, ",
                    f"Unit {rng.randint(1, 30)}, ",
                ]
            )
            + f"{low}{rng.choice(['', '', 'a', 'b'])} {s('en')} {rng.choice(['Road', 'Street', 'Lane', 'Close', 'Avenue', 'Gardens', 'Crescent', 'Mews', 'Terrace', 'Way', 'Drive', 'Hill', 'Green', 'Rd', 'St'])}"
        )
        return (
            [line, c, d(rng.choice(["@# #@@", "@@# #@@", "@@## #@@", "@## #@@", "@#@ #@@"]))]
            if rng.random() < 0.5
            else [line, f"{c} {d(rng.choice(['@@# #@@', '@@## #@@', '@# #@@']))}"]
        )
    if country == "Canada":
        return [
            f"{n} {s('en')} {rng.choice(['Street', 'Ave', 'Rue', 'Blvd', 'Road', 'Crescent', 'St W'])}{rng.choice(['', '', f' Unit {low}', f', Apt {low}'])}",
            f"{c}, {rng.choice(['ON', 'QC', 'BC', 'AB', 'MB', 'SK', 'NS', 'NB', 'NL'])} {d('@%@ %@%')}",
        ]
    if country == "Australia":
        return [
            f"{rng.choice(['', '', f'{rng.randint(1, 30)}/'])}{low} {s('en')} {rng.choice(['Street', 'St', 'Parade', 'Road', 'Esplanade', 'Terrace', 'Drive', 'Ct'])}",
            f"{c} {rng.choice(['NSW', 'VIC', 'QLD', 'WA', 'SA', 'TAS', 'ACT', 'NT'])} {d('####')}",
        ]
    if country == "Ireland":
        return [
            f"{low} {s('en')} {rng.choice(['Road', 'Park', 'Avenue', 'Quay', 'Terrace'])}",
            c,
            rng.choice(
                [f"Co. {rng.choice(['Cork', 'Kerry', 'Galway', 'Meath', 'Mayo'])}", f"Dublin {rng.randint(1, 24)}", d("@## @@##")]
            ),
        ]
    if country == "New Zealand":
        return [f"{low} {s('en')} {rng.choice(['Road', 'Street', 'Place', 'Terrace'])}", f"{c} {d('####')}"]
    if country in ("Germany", "Austria", "Switzerland"):
        kind = rng.choice(["straße", "str.", "strasse", "weg", "platz", "allee", "gasse", "ring", "ufer"])
        line = rng.choice(
            [
                f"{s('de')}{kind} {low}",
                f"{s('de')}-{kind.capitalize()} {low}",
                f"{rng.choice(['Am', 'An der', 'Auf dem', 'Im'])} {rng.choice(['Markt', 'Hang', 'Mühlbach', 'Kirchplatz', 'Sonnenhang', 'Stadtpark'])} {low}",
                f"{rng.choice(['Haupt', 'Bahnhof', 'Schul', 'Garten', 'Linden', 'Berg', 'Kirch', 'Goethe', 'Schiller'])}{kind} {low}{rng.choice(['', '', 'a', 'b'])}",
            ]
        )
        return [line, f"{d('%####' if country == 'Germany' else '%###')} {c}"]
    if country in ("France", "Belgium"):
        return [
            f"{low}{rng.choice(['', '', ' bis', ' ter'])}{rng.choice([' ', ', '])}{rng.choice(['rue', 'avenue', 'boulevard', 'place', 'chemin', 'impasse', 'allée', 'quai', 'Rue', 'route'])} {rng.choice(['', 'de ', 'du ', 'des ', 'de la ', 'Saint-', 'du Général '])}{s('fr')}",
            f"{d('%####' if country == 'France' else '%###')} {c}",
        ]
    if country == "Spain":
        return [
            f"{rng.choice(['Calle', 'C/', 'Avda.', 'Avenida', 'Plaza', 'Paseo', 'Carrer', 'Camino'])} {rng.choice(['', 'de ', 'del ', 'de la '])}{s('es')}{rng.choice([', ', ' ', ' nº '])}{low}{rng.choice(['', '', f', {floor}º {letter}', f', {floor}-{rng.randint(1, 4)}'])}",
            f"{d('%####')} {c}",
        ]
    if country in ("Mexico", "Argentina", "Colombia", "Chile"):
        line = rng.choice(
            [
                f"Av. {s('es')} {n}",
                f"Calle {s('es')} #{n}",
                f"Carrera {rng.randint(1, 90)} # {rng.randint(1, 90)}-{rng.randint(1, 90)}",
                f"Calle {rng.randint(1, 120)} No. {rng.randint(1, 90)}-{rng.randint(1, 90)}",
                f"Blvd. {s('es')} {n} Int. {rng.randint(1, 30)}",
                f"{s('es')} {n}, Piso {rng.randint(1, 12)}",
            ]
        )
        return [
            line,
            rng.choice([f"Col. {s('es')}, ", f"Colonia {s('es')}, ", "", ""])
            + rng.choice([f"{d('#####')} {c}", f"C.P. {d('#####')}, {c}", c]),
        ]
    if country == "Italy":
        return [
            f"{rng.choice(['Via', 'Via', 'Viale', 'Piazza', 'Corso', 'Largo', 'Vicolo'])} {rng.choice(['', 'della ', 'dei ', 'Giuseppe ', 'San ', 'XX '])}{s('it')}{rng.choice([', ', ' ', ' n. '])}{low}",
            f"{d('#####')} {c}{rng.choice(['', f' ({province})', f' {province}'])}",
        ]
    if country == "Portugal":
        return [
            f"{rng.choice(['Rua', 'Avenida', 'Travessa', 'Largo', 'Av.', 'R.'])} {rng.choice(['', 'da ', 'de ', 'do ', 'dos '])}{s('pt')}{rng.choice([', ', ' ', ' n.º '])}{low}{rng.choice(['', '', f', {floor}º Esq', f', {floor}º Dto'])}",
            f"{d('%###-###')} {c}",
        ]
    if country == "Brazil":
        return [
            f"{rng.choice(['Rua', 'Avenida', 'Av.', 'Alameda', 'R.', 'Travessa'])} {rng.choice(['', 'das ', 'do ', 'Dr. '])}{s('pt')}, {n}{rng.choice(['', '', f', apto {low}', f' - Bloco {letter}'])}",
            f"{rng.choice(['Centro', 'Jardim ' + s('pt'), 'Vila ' + s('pt')])}, {c} - {rng.choice(['SP', 'RJ', 'MG', 'BA', 'PR', 'RS', 'PE', 'CE', 'SC'])}",
            rng.choice([d("#####-###"), "CEP " + d("#####-###")]),
        ]
    if country == "Netherlands":
        return [
            f"{rng.choice([s('nl') + rng.choice(['straat', 'laan', 'weg', 'plein', 'gracht', 'kade', 'singel']), rng.choice(['Kerk', 'Dorps', 'School', 'Prinsen', 'Keizers', 'Molen', 'Wilhelmina']) + rng.choice(['straat', 'laan', 'weg', 'gracht'])])} {low}{rng.choice(['', '', '-II', ' A', 'hs', '-3'])}",
            f"{d('%### @@')} {c}",
        ]
    if country == "Poland":
        return [
            f"{rng.choice(['ul.', 'al.', 'ul.', 'os.', 'pl.', 'Ul.'])} {s('pl')} {low}{rng.choice(['', f'/{rng.randint(1, 90)}', f' m. {rng.randint(1, 60)}'])}",
            f"{d('##-###')} {c}",
        ]
    if country in ("Sweden", "Norway", "Denmark", "Finland"):
        kind = {
            "Sweden": ["gatan", "vägen", "gränd"],
            "Norway": ["gata", "veien", "vegen", "gate"],
            "Denmark": ["gade", "vej", "allé", "stræde"],
            "Finland": ["katu", "tie", "kuja"],
        }[country]
        stem = rng.choice(
            [
                "Stor",
                "Kirke",
                "Skole",
                "Bjørk",
                "Sol",
                "Drottning",
                "Kungs",
                "Norra ",
                "Vester",
                "Øster",
                "Linde",
                "Mannerheimin",
                "Koivu",
                "Sven ",
                s("nordic") + "s",
            ]
        )
        return [
            f"{stem}{rng.choice(kind)} {low}{rng.choice(['', '', ' B', ' lgh 1102', ', 2. tv', ' A 12'])}",
            f"{d({'Sweden': '### ##', 'Finland': '#####'}.get(country, '####'))} {c}",
        ]
    if country == "India":
        return [
            rng.choice(
                [
                    "",
                    f"Flat {rng.randint(1, 40)}{rng.choice('ABCD')}, ",
                    f"{rng.choice(world.words['stem'])} Apartments, ",
                    f"#{n}, ",
                    f"H.No. {low}/{rng.randint(1, 90)}, ",
                    f"Plot No. {low}, ",
                ]
            )
            + rng.choice(
                [
                    "MG Road",
                    "Linking Road",
                    f"{s('in')} Nagar",
                    f"{s('in')} Marg",
                    f"Sector {rng.randint(1, 90)}",
                    f"{rng.randint(1, 20)}th Cross, {s('in')} Layout",
                    f"{s('in')} Street",
                ]
            ),
            f"{c}{rng.choice([' ', ' - ', ', '])}{d('%#####')}{rng.choice(['', ', ' + rng.choice(['Karnataka', 'Maharashtra', 'Tamil Nadu', 'Delhi', 'Kerala', 'Gujarat', 'West Bengal'])])}",
        ]
    if country == "Japan":
        return [
            f"{rng.randint(1, 9)}-{rng.randint(1, 30)}-{rng.randint(1, 30)} {s('ja')}{rng.choice(['-cho', 'machi', ' ', 'dai'])}".strip()
            + rng.choice(["", "", f" #{rng.randint(101, 909)}"]),
            f"{rng.choice(['Shibuya', 'Minato', 'Chiyoda', 'Naka', 'Kita', 'Sumida'])}-ku",
            f"{c} {d('###-####')}",
        ]
    if country == "China":
        return [
            rng.choice(
                [
                    f"No. {low} {s('zh')} {rng.choice(['Road', 'Street', 'Lu', 'Avenue'])}",
                    f"Room {n}, Building {rng.randint(1, 30)}, {low} {s('zh')} Road",
                    f"{low} {s('zh')}{rng.choice(['hua', 'shan', 'ping'])} Rd",
                ]
            ),
            f"{rng.choice(['Pudong', 'Chaoyang', 'Haidian', 'Tianhe', 'Nanshan', 'Jing-an'])} District",
            f"{c} {d('%#####')}",
        ]
    if country == "Turkey":
        return [
            f"{s('tr')} Mah. {rng.choice([s('tr') + ' Sok.', s('tr') + ' Cad.', 'Atatürk Cad.', 'Cumhuriyet Cad.'])} No: {low}{rng.choice(['', f' D: {rng.randint(1, 30)}', f'/{rng.randint(1, 20)}'])}",
            f"{d('%####')} {rng.choice(['Kadıköy', 'Çankaya', 'Beşiktaş', 'Bornova', 'Merkez'])}/{c}",
        ]
    if country == "Czechia":
        return [f"{s('cs')}ova {n}/{rng.randint(1, 60)}", f"{d('### ##')} {c}{rng.choice(['', ' ' + str(rng.randint(1, 10))])}"]
    if country == "Hungary":
        return [f"{s('hu')} {rng.choice(['utca', 'út', 'tér', 'körút', 'u.'])} {low}.", f"{d('%###')} {c}"]
    if country == "Russia":
        return [
            f"{rng.choice(['ul.', 'pr.', 'ulitsa', 'ул.', 'per.'])} {rng.choice(['Lenina', 'Pushkina', 'Mira', 'Sadovaya', 'Gagarina', s('ru') + 'a'])}, {rng.choice(['d. ', ''])}{low}{rng.choice(['', f', kv. {rng.randint(1, 200)}', f', korp. {rng.randint(1, 5)}'])}",
            f"{c}, {d('%#####')}",
        ]
    if country == "South Korea":
        return [
            f"{low} {s('ko')}{rng.choice(['-ro', '-daero', '-gil'])}{rng.choice(['', f' {rng.randint(1, 60)}-gil'])}",
            f"{rng.choice(['Gangnam', 'Mapo', 'Jongno', 'Haeundae', 'Seocho'])}-gu",
            f"{c} {d('#####')}",
        ]
    if country == "Singapore":
        return [
            rng.choice(
                [
                    f"Blk {low} {s('en')} {rng.choice(['Street', 'Avenue', 'Road'])} {rng.randint(1, 90)} #{rng.randint(1, 30):02d}-{rng.randint(1, 400)}",
                    f"{low} {s('zh')} {rng.choice(['Road', 'Lane', 'Walk'])} #{rng.randint(1, 30):02d}-{rng.randint(1, 90):02d}",
                ]
            ),
            f"Singapore {d('######')}",
        ]
    if country == "United Arab Emirates":
        arab = s("ar")
        return [
            f"{rng.choice(['Villa', 'Apartment', 'Office'])} {low}, {rng.choice(['Al Wasl Road', 'Sheikh Zayed Road', arab + ' Street', arab + ' Tower'])}",
            f"{rng.choice(['P.O. Box ' + str(n) + ', ', ''])}{rng.choice(['Dubai', 'Abu Dhabi', 'Sharjah'])}",
        ]
    if country == "Greece":
        return [f"{s('el')} {low}", f"{c} {d('### ##')}"]
    return [
        f"{low} {s('af' if country in ('Nigeria', 'Kenya', 'South Africa') else 'he')} {rng.choice(['Street', 'St', 'Road', 'Avenue', 'Close', 'Crescent'])}",
        f"{c}{rng.choice(['', ' ' + d('####'), ', ' + d('######')])}",
    ]
