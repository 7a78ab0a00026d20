"""Build localrouter/scrub/rules/secrets.json from the published rule sets of gitleaks, kingfisher and noseyparker.

    python packaging/build_secret_rules.py DATA [--negatives DIR ...]

DATA holds `secrets_gitleaks/gitleaks.toml`, `secrets_kingfisher/rules/*.yml`, `secrets_noseyparker/rules/*.yml`, each with its LICENSE,
which is copied beside the rules. Only data is taken: id, keywords, pattern, entropy; never code, and never what calls a host to
try a key out.

A rule is kept when (1) it names what it finds by a prefix or by a service, so it is not one of the generic kind (those are our
parsers' work), (2) its pattern compiles with `regex`, (3) a literal of three characters and more must stand in every match,
so that the prefilter can skip it, (4) it finds each of its own examples when it searches only the window around that literal,
(5) it does not run away on hard text, (6) it finds nothing in the negatives: lock files and installed packages. What was dropped
is counted by reason.
"""

from __future__ import annotations

import argparse
import collections
import json
import re
import shutil
import tomllib
import warnings
from pathlib import Path
from typing import Any

import regex

OUT = Path(__file__).resolve().parent.parent / "localrouter" / "scrub" / "rules"
GENERIC = re.compile(
    r"(?i)generic|credentials? (?:in )?(?:url|uri)|netrc|htpasswd|md5|hash|pem|private key|jwt|json web token|curl|http (?:basic|bearer)|basic auth|"
    r"kubernetes.secret|odbc|jdbc|connection string|\bftp\b|\buri\b|django|wireguard|wp-config|password assignment|react app|rails|openvpn|postgres url"
)
IDENTITY = re.compile(
    r"(?i)\b(?:client|account|product|application|app|organi[sz]ation|org|bot|tenant|customer|project|subscription) ?id\b|domain|\bhost\b|\busername\b|\bemail\b|instance url|org name|account name|public key|identifier|site key|arn\b|bucket|publishable|endpoint"
)
GENERIC_IDS = re.compile(
    r"^(?:generic-|curl-auth|kubernetes-secret|private-key|jwt|pkcs12|hashicorp-tf-password|nuget-config|.*client-id$|.*consumer-key$|.*(?:app|account|application)-id$|.*publishable.*|.*short-lived.*)"
)
ABOUT = (
    "Built by packaging/build_secret_rules.py from the rule data of gitleaks (MIT, commit b58d3f1), kingfisher (Apache-2.0, ee7c0db) and noseyparker "
    "(Apache-2.0, 2e6e7f3); licences beside this file. Changed: selected, flags and comments of the patterns rewritten for Python, words and windows derived, types ours."
)
HEAD_FLAGS = re.compile(r"\(\?([ixsmu]+)\)")
POSIX = {
    "[:alnum:]": "a-zA-Z0-9",
    "[:alpha:]": "a-zA-Z",
    "[:digit:]": "0-9",
    "[:xdigit:]": "0-9a-fA-F",
    "[:upper:]": "A-Z",
    "[:lower:]": "a-z",
    "[:space:]": r"\s",
    "[:word:]": r"\w",
    "[:punct:]": r"!-/:-@\[-`{-~",
}
COMMON = frozenset(
    [
        "key",
        "api",
        "token",
        "secret",
        "access",
        "auth",
        "client",
        "private",
        "pass",
        "password",
        "app",
        "http",
        "https",
        "www",
        "com",
        "the",
        "service",
        "account",
        "bearer",
        "basic",
        "value",
        "sig",
        "user",
        "name",
        "data",
        "test",
        "live",
    ]
)


def flatten(pattern: str) -> tuple[str, bool]:
    """A Rust or Go pattern as one that `re` parses: comments and blanks of x-mode out, flags to scopes, POSIX classes written out.
    Returns (pattern, whether all of it ignores case)."""
    pattern = re.sub(r"\(\?#[^)]*\)", "", pattern)
    for name, chars in POSIX.items():
        pattern = pattern.replace(name, chars)
    pattern = (
        pattern.replace(r"\z", r"\Z").replace("[[", "[\\[")
        if "[[" in pattern and "[:" not in pattern
        else pattern.replace(r"\z", r"\Z")
    )
    verbose = bool(re.match(r"\s*(?:\(\?[ixsm]+\)\s*)*\(\?[ism]*x[ism]*\)|\s*\(\?[ism]*x[ism]*\)", pattern))
    if verbose:
        pattern = _unverbose(pattern)
    ignore = dots = False
    out, at = [], 0
    depth_case = False
    for m in HEAD_FLAGS.finditer(pattern):
        out.append(pattern[at : m.start()])
        at = m.end()
        dots |= "s" in m[1]
        if "i" in m[1]:
            if "".join(out).strip():
                depth_case = True
            ignore = True
    out.append(pattern[at:])
    pattern = "".join(out)
    del depth_case  # a flag set in the middle is taken to hold for the whole: the rule finds a little more, never less
    if dots:
        pattern = f"(?s:{pattern})"
    return pattern, ignore


def _unverbose(pattern: str) -> str:
    out: list[str] = []
    at, inside = 0, False
    while at < len(pattern):
        c = pattern[at]
        if c == "\\":
            out.append(pattern[at : at + 2])
            at += 2
            continue
        if inside:
            inside = c != "]" or out[-1] == "[" or out[-2:] == ["[", "^"]
        elif c == "[":
            inside = True
        elif c.isspace():
            at += 1
            continue
        elif c == "#":
            while at < len(pattern) and pattern[at] != "\n":
                at += 1
            continue
        out.append(c)
        at += 1
    return "".join(out)


def literals(parsed: Any) -> tuple[set[str], int, int] | None:
    """(lower-case strings of which one stands in every match, most characters before it, most characters after its start)."""
    best: tuple[set[str], int, int] | None = None
    sizes = [_width(item) for item in parsed]
    run, began = "", 0

    def offer(found: set[str], first: int) -> None:
        nonlocal best
        if not found or min(map(len, found)) < 3 or any(w in COMMON for w in found):
            return
        if best is None or _worth(found) > _worth(best[0]):
            best = (found, sum(sizes[:first]), sum(sizes[first:]))

    for i, (op, av) in enumerate(parsed):
        name = str(op)
        if name == "LITERAL" and av < 0x250:
            if not run:
                began = i
            run += chr(av).lower()
            continue
        if (
            name == "IN"
            and run
            and len(av) == 2
            and all(str(o) == "LITERAL" for o, _ in av)
            and len({chr(v).lower() for _, v in av}) == 1
        ):
            run += chr(av[0][1]).lower()
            continue
        offer({run} if run else set(), began)
        heads = _heads(op, av) if run else None
        if heads:
            offer({run + head for head in heads}, began)  # `gl(?:pat|dt)-`: the parser takes the common start out
        run = ""
        inner: tuple[set[str], int, int] | None = None
        if name == "SUBPATTERN":
            inner = literals(av[3])
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and av[0] >= 1:
            inner = literals(av[2])
        elif name == "ATOMIC_GROUP":
            inner = literals(av)
        elif name == "BRANCH":
            options = [literals(branch) for branch in av[1]]
            if all(options):
                full = [o for o in options if o]
                inner = ({w for o in full for w in o[0]}, max(o[1] for o in full), 0)
        if inner is not None:
            words, before, _ = inner
            if (
                words
                and min(map(len, words)) >= 3
                and not any(w in COMMON for w in words)
                and (best is None or _worth(words) > _worth(best[0]))
            ):
                best = (words, sum(sizes[:i]) + before, sum(sizes[i:]))
    offer({run} if run else set(), began)
    return best


def _heads(op: Any, av: Any) -> set[str] | None:
    """How the branches of a group begin, each with at least one literal; None when one does not."""
    if str(op) == "SUBPATTERN":
        inner = list(av[3])
        return _heads(*inner[0]) if inner and str(inner[0][0]) == "BRANCH" else None
    if str(op) != "BRANCH":
        return None
    out: set[str] = set()
    for branch in av[1]:
        head = ""
        for inner_op, inner_av in branch:
            if str(inner_op) != "LITERAL":
                break
            head += chr(inner_av).lower()
        if not head:
            return None
        out.add(head)
    return out


def _worth(words: set[str]) -> float:
    return min(len(w) for w in words) - 0.2 * len(words) + (2 if any(not c.isalnum() for w in words for c in w) else 0)


def _width(item: Any) -> int:
    return min(int(re._parser.SubPattern(re._parser.State(), [item]).getwidth()[1]), 4096)  # type: ignore[attr-defined]


def read(data: Path) -> list[dict[str, Any]]:
    """Every rule of the three sets in one form."""
    import yaml  # a build-time need only

    rules: list[dict[str, Any]] = []
    for row in tomllib.loads((data / "secrets_gitleaks/gitleaks.toml").read_text())["rules"]:
        if "regex" in row:
            rules.append(
                {
                    "id": row["id"],
                    "name": row["description"].split(",")[0],
                    "short": row["id"],
                    "pattern": row["regex"],
                    "entropy": row.get("entropy", 0.0),
                    "keywords": row.get("keywords", []),
                    "examples": [],
                    "source": "gitleaks",
                    "group": row.get("secretGroup", 0),
                }
            )
    for source in ("noseyparker", "kingfisher"):
        for path in sorted((data / f"secrets_{source}/rules").glob("*.yml")):
            for row in yaml.safe_load(path.read_text())["rules"]:
                rules.append(
                    {
                        "id": row["id"],
                        "name": row["name"],
                        "short": row["id"],
                        "pattern": row["pattern"],
                        "entropy": row.get("min_entropy") or 0.0,
                        "keywords": [],
                        "examples": row.get("examples", []),
                        "source": source,
                        "group": 0,
                        "hidden": row.get("visible") is False,
                        "vague": (
                            not {"generic", "fuzzy", "identifier", "hashed"}.isdisjoint(row.get("categories", []))
                            and source == "noseyparker"
                            and "generic" in row.get("categories", [])
                        )
                        or "identifier" in row.get("categories", [])
                        or "hashed" in row.get("categories", []),
                        "low": row.get("confidence") == "low",
                    }
                )
    return rules


def type_of(name: str) -> str:
    """Our type (core/kinds.py) by what the rule says it finds."""
    low = name.lower().replace("1password", "")
    if "password" in low:
        return "PASSWORD"
    if "token" in low or "webhook" in low or "pat" in low.split():
        return "TOKEN"
    return "API_KEY" if "key" in low else "SECRET"


def build(data: Path, negatives: list[str]) -> tuple[list[list[Any]], collections.Counter[str], dict[str, str]]:
    dropped: collections.Counter[str] = collections.Counter()
    why: dict[str, str] = {}
    kept: list[list[Any]] = []
    seen: set[str] = set()
    ids: collections.Counter[str] = collections.Counter()
    lows = [n.lower() for n in negatives]
    for rule in read(data):
        reason = ""
        row: list[Any] | None = None
        if (
            rule.get("hidden")
            or rule.get("vague")
            or rule.get("low")
            or GENERIC.search(rule["name"])
            or GENERIC_IDS.match(rule["id"])
            or IDENTITY.search(rule["name"])
        ):
            reason = "generic or an identifier"
        else:
            try:
                row, reason = compiled(rule)
            except TimeoutError:
                row, reason = None, "runs away"
        if row is not None:
            if row[2] in seen:
                reason, row = "the same pattern twice", None
            else:
                reason = runs_away(row) or noisy(row, negatives, lows)
        if reason or row is None:
            dropped[reason] += 1
            why[f"{rule['source']}:{rule['id']}"] = reason
            continue
        seen.add(row[2])
        ids[row[0]] += 1
        if ids[row[0]] > 1:
            row[0] += f"#{ids[row[0]]}"  # the sources use some ids twice
        kept.append(row)
    return kept, dropped, why


def compiled(rule: dict[str, Any]) -> tuple[list[Any] | None, str]:
    """One row of the file, or why there is none. Row: id, type, pattern, group, entropy, words, before, after."""
    pattern, ignore = flatten(rule["pattern"])
    if ignore:
        pattern = f"(?i:{pattern})"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = literals(re._parser.parse(pattern))  # type: ignore[attr-defined]
        machine = regex.compile(pattern)
    except (re.error, regex.error, RecursionError) as exc:
        return None, f"does not compile ({exc})"
    words = found[0] if found else set()
    before, after = (min(found[1], 200), min(found[2], 4096)) if found else (200, 4096)
    keywords = {w.lower() for w in rule["keywords"] if len(w) >= 3 and w.lower() not in COMMON}
    complete = keywords and len(keywords) == len(rule["keywords"])
    if not words and not complete:
        return None, "no literal for the prefilter"
    if complete and (not words or min(map(len, keywords)) > min(map(len, words))):
        width = min(int(re._parser.parse(pattern).getwidth()[1]), 4096)  # type: ignore[attr-defined]
        words, before, after = keywords, min(width, 200), width
    if len(words) > 24:
        return None, "no literal for the prefilter"
    group = rule["group"] or (1 if machine.groups else 0)
    row = [
        f"{rule['source']}:{rule['id']}",
        type_of(rule["name"]),
        pattern,
        group if machine.groups <= 1 else -1,
        float(rule["entropy"]),
        sorted(words),
        before,
        after,
    ]
    missed = [e for e in rule["examples"] if not search(row, machine, e, e.lower()) and machine.search(e)]
    return (None, "its window misses its example") if missed else (row, "")


def search(row: list[Any], machine: Any, text: str, low: str) -> bool:
    for word in row[5]:
        at = low.find(word)
        while at >= 0:
            if machine.search(text, max(0, at - row[6]), min(len(text), at + row[7] + 2), timeout=5):
                return True
            at = low.find(word, at + 1)
    return False


def runs_away(row: list[Any]) -> str:
    """A rule must stay fast on 2 KB made to be hard for it: its own word again and again, and runs of what often stands behind it."""
    machine = regex.compile(row[2])
    word = row[5][0]
    for tail in ("a", "A1", "a.", "a-", "key ", " ", "=", "a1b2/", "\n", "'\"", word):
        text = (word + tail * 2000)[:2000]
        try:
            machine.search(text, 0, len(text), timeout=0.1)
        except TimeoutError:
            return "runs away"
    return ""


def noisy(row: list[Any], negatives: list[str], lows: list[str]) -> str:
    machine = regex.compile(row[2])
    for text, low in zip(negatives, lows, strict=True):
        if any(w in low for w in row[5]) and search(row, machine, text, low):
            return "finds something in the negatives"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--negatives", type=Path, action="append", default=[], help="folders of text that holds no secret")
    parser.add_argument("--why", action="store_true", help="say of each rule why it was dropped")
    given = parser.parse_args()
    texts = [
        p.read_text(errors="replace")
        for d in given.negatives
        for p in sorted(d.rglob("*"))
        if p.is_file()
        and p.suffix
        in (
            ".py",
            ".js",
            ".ts",
            ".json",
            ".yaml",
            ".lock",
            ".sum",
            ".toml",
            ".md",
            ".rst",
            ".txt",
            ".css",
            ".html",
            ".h",
            ".c",
            ".cfg",
            ".pyi",
        )
    ]
    rows, dropped, why = build(given.data, [t for t in texts if len(t) < 2_000_000])
    OUT.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(r, ensure_ascii=True, separators=(",", ":")) for r in rows)
    (OUT / "secrets.json").write_text(
        '{"about":'
        + json.dumps(ABOUT)
        + ',\n"columns":["id","type","pattern","group","entropy","words","before","after"],"rules":[\n'
        + lines
        + "\n]}\n"
    )
    for source in ("gitleaks", "kingfisher", "noseyparker"):
        shutil.copy(given.data / f"secrets_{source}" / "LICENSE", OUT / f"LICENSE.{source}")
    print(
        f"kept {len(rows)}; words {len({w for r in rows for w in r[5]})}; from {collections.Counter(r[0].split(':')[0] for r in rows)}"
    )
    for reason, n in dropped.most_common():
        print(f"dropped {n}: {reason}")
    if given.why:
        for name, reason in sorted(why.items()):
            print(f"  {name}: {reason}")


if __name__ == "__main__":
    main()
