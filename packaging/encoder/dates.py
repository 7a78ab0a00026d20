"""Calendar dates, times and ages, in the many forms people write them, some in other languages than English."""

from __future__ import annotations

import datetime as dt
from random import Random

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
ABROAD = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember", "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre", "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro", "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia", "sv": "januari februari mars april maj juni juli augusti september oktober november december", "tr": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
}  # fmt: skip


def day(rng: Random, birth: bool = False) -> dt.date:
    start = dt.date(1935, 1, 1) if birth else dt.date(1998, 1, 1)
    return start + dt.timedelta(days=rng.randrange(27000 if birth else 10600))


def date(rng: Random, lang: str = "en", d: dt.date | None = None) -> str:
    """One calendar date in one of many written forms."""
    d = d or day(rng)
    if lang in ABROAD and rng.random() < 0.6:
        m = ABROAD[lang].split()[d.month - 1]
        return {"de": f"{d.day}. {m} {d.year}", "es": f"{d.day} de {m} de {d.year}", "pt": f"{d.day} de {m} de {d.year}"}.get(
            lang, f"{d.day} {m} {d.year}"
        )
    if lang == "de" or (lang != "en" and rng.random() < 0.5):
        return rng.choice(
            [
                f"{d.day:02d}.{d.month:02d}.{d.year}",
                f"{d.day}.{d.month}.{d.year}",
                f"{d.day:02d}/{d.month:02d}/{d.year}",
                f"{d.day:02d}-{d.month:02d}-{d.year}",
            ]
        )
    m, short, n, yy = MONTHS[d.month - 1], MONTHS[d.month - 1][:3], d.day, d.year % 100
    th = "th" if 10 < n < 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return rng.choice([
        f"{m} {n}, {d.year}", f"{m} {n}, {d.year}", f"{n} {m} {d.year}", f"{short} {n}, {d.year}", f"{n} {short} {d.year}", f"{d.isoformat()}", f"{d.isoformat()}", f"{d.month}/{n}/{d.year}", f"{d.month:02d}/{n:02d}/{d.year}", f"{n:02d}/{d.month:02d}/{d.year}",
        f"{d.month}/{n}/{yy:02d}", f"{n:02d}.{d.month:02d}.{d.year}", f"{n:02d}-{d.month:02d}-{d.year}", f"{d.year}/{d.month:02d}/{n:02d}", f"{n}-{short}-{d.year}", f"{n:02d}-{short.upper()}-{yy:02d}", f"{m} {n}", f"{m} {n}{th}", f"{n}{th} {m}", f"{n}{th} of {m}", f"{n}{th} of {m} {d.year}", f"{m} {n}{th}, {d.year}",
        f"{short} {n}", f"{n} {short}", f"{DAYS[d.weekday()]}, {m} {n}", f"{DAYS[d.weekday()][:3]} {short} {n}", f"{DAYS[d.weekday()]} {n} {m}", f"{d.month}/{n}", f"{m} {d.year}", f"{short} {d.year}", f"{DAYS[d.weekday()]}, {m} {n}, {d.year}", f"{d.year}-{d.month:02d}", f"{short}-{yy:02d}",
        f"{d:%Y%m%d}",
    ])  # fmt: skip


def birth(rng: Random, lang: str = "en") -> str:
    d = day(rng, birth=True)
    if lang != "en":
        return date(rng, lang, d)
    m, short = MONTHS[d.month - 1], MONTHS[d.month - 1][:3]
    return rng.choice(
        [
            d.isoformat(),
            d.isoformat(),
            f"{d.month:02d}/{d.day:02d}/{d.year}",
            f"{d.day:02d}/{d.month:02d}/{d.year}",
            f"{m} {d.day}, {d.year}",
            f"{d.day} {m} {d.year}",
            f"{d.day} {short} {d.year}",
            f"{d.day:02d}.{d.month:02d}.{d.year}",
            f"{d.month}/{d.day}/{d.year % 100:02d}",
            f"{short} {d.day}, {d.year}",
            f"{d.day}-{short}-{d.year}",
            f"{d.day:02d}-{d.month:02d}-{d.year}",
            f"{d:%Y%m%d}",
        ]
    )


def clock(rng: Random) -> str:
    h, m = rng.randrange(24), rng.choice([0, 0, 15, 30, 45, rng.randrange(60)])
    h12, half = h % 12 or 12, rng.choice(["am", "pm", "AM", "PM", " a.m.", " p.m.", " AM", " PM"])
    return rng.choice(
        [
            f"{h:02d}:{m:02d}",
            f"{h12}:{m:02d}{half}",
            f"{h12}{half}",
            f"{h}:{m:02d}",
            f"{h12} o'clock",
            f"{h12}:{m:02d}",
            f"{h:02d}:{m:02d}:{rng.randrange(60):02d}",
            f"{h}h{m:02d}",
        ]
    )


COUNT = ["two", "three", "four", "five", "six", "ten", "a few", "2", "3", "5", "10", "30", "45", "90", "several", "a couple of"]
SEASONS = ["spring", "summer", "autumn", "winter"]


def relative(rng: Random) -> str:
    n, unit = rng.choice(COUNT), rng.choice(["minutes", "hours", "days", "weeks", "months", "years"])
    d, mo = rng.choice(DAYS), rng.choice(MONTHS)
    return rng.choice([
        "today", "today", "yesterday", "yesterday", "tomorrow", "tomorrow", "tonight", "this morning", "this afternoon", "last night", "last week", "next week", "this week", "last month", "next month", "last year", "next year", "this year", "tomorrow morning", "tomorrow afternoon", "yesterday evening",
        "today", "yesterday", "tomorrow", "last week", "next week", d, f"on {d}"[3:],
        f"next {d}", f"last {d}", f"this {d}", d, d, f"{d} morning", f"{d} afternoon", f"{d} night", f"{n} {unit} ago", f"{n} {unit} ago", f"last {mo}", f"next {mo}", "the day after tomorrow", "the day before yesterday", f"this {rng.choice(SEASONS)}", f"last {rng.choice(SEASONS)}", f"{rng.choice(SEASONS)} {rng.randint(1990, 2027)}", "this weekend", "last weekend", "an hour ago", f"Q{rng.randint(1, 4)} {rng.randint(2015, 2027)}", f"early {mo}", f"late {mo}", f"the {rng.choice([19, 20])}{rng.randrange(10)}0s", f"{rng.choice(['Christmas', 'Easter', 'Thanksgiving', 'New Year', 'Labor Day', 'Ramadan', 'Diwali'])}", f"{d} at {rng.randint(1, 12)}{rng.choice(['pm', 'am', ' pm'])}", f"{d[:3]} {clock(rng)}",
    ])  # fmt: skip


def stamp(rng: Random) -> str:
    d = day(rng)
    h, m, s, ms = rng.randrange(24), rng.randrange(60), rng.randrange(60), rng.randrange(1000)
    short = MONTHS[d.month - 1][:3]
    return rng.choice(
        [
            f"{d} {h:02d}:{m:02d}:{s:02d}",
            f"{d}T{h:02d}:{m:02d}:{s:02d}Z",
            f"{d}T{h:02d}:{m:02d}:{s:02d}.{ms:03d}Z",
            f"{d} {h:02d}:{m:02d}:{s:02d},{ms:03d}",
            f"{d}T{h:02d}:{m:02d}:{s:02d}+0{rng.randrange(4)}:00",
            f"{short} {d.day:2d} {h:02d}:{m:02d}:{s:02d}",
            f"{h:02d}:{m:02d}:{s:02d}.{ms:03d}",
            f"{h:02d}:{m:02d}:{s:02d}",
            f"{d.day:02d}/{short}/{d.year}:{h:02d}:{m:02d}:{s:02d} +0{rng.randrange(3)}00",
            f"{DAYS[d.weekday()][:3]} {short} {d.day} {h:02d}:{m:02d}:{s:02d} {d.year} +0{rng.randrange(3)}00",
            f"{DAYS[d.weekday()][:3]}, {d.day:02d} {short} {d.year} {h:02d}:{m:02d}:{s:02d} +0{rng.randrange(3)}00",
            f"{d:%y}{d.month:02d}{d.day:02d} {h:02d}:{m:02d}:{s:02d}",
        ]
    )


TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ONES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]


def in_words(n: int) -> str:
    """A number under 100 in English words."""
    if n < 10:
        return ONES[n - 1] if n else "zero"
    if n < 20:
        return TEENS[n - 10]
    return TENS[n // 10 - 2] + (f"-{ONES[n % 10 - 1]}" if n % 10 else "")


AFTER_AGE = (
    " years old", " years old", " years old", "-year-old", "-year-old", " year old", " y/o", " y.o.", " years of age", " yr old", " yrs old", " yrs",
    " years", "-years-old", " y o", " yo",
)  # fmt: skip


def age(rng: Random) -> tuple[str, str]:
    """A person's age: the number, which is what is labelled, and the words after it."""
    n = rng.choice([rng.randint(1, 99), rng.randint(18, 70), rng.randint(18, 70), rng.randint(18, 70)])
    rest = rng.choice(AFTER_AGE)
    return (in_words(n) if rng.random() < 0.12 and rest[1] == "y" and "/" not in rest else str(n)), rest
