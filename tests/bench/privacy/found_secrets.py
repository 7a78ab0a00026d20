"""Secrets found in public sets: leaky-repo, fake-leaks, lock files, installed code. `python tests/bench/privacy/found_secrets.py DATA`.

(Not called `secrets.py`: in a folder on the path that name hides the standard library's.)

What is measured is what the product does: each file is cut into segments, each segment goes through all detectors, and a file or a line is
found when a finding of the class `secret` lies in it. Paths and file names are not shown to the detectors.

- leaky-repo counts, for each file of its `secrets.csv`, the lines with risk and the lines that inform (hosts, users); its published figures
  are the sum over files of min(lines found, risk + informative), out of 175. `risk` is the same sum for risk alone: the secrets proper.
  Files that the stored snapshot lacks are left out of our total and named.
- fake-leaks: positive is a file under `valid/`, negative one under `invalid/` or `benign/`. Some negatives are so by their path or by a
  comment alone (`ignore-*`, `noqa`, a real key under /usr/bin): these stay in, and count against us.
- The halves are by the MD5 of the path: rules and stop lists were written while looking at half 0 only.
"""

from __future__ import annotations

import csv
import hashlib
import re
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.append(str(HERE))
if str(HERE.parents[2]) not in sys.path:
    sys.path.append(str(HERE.parents[2]))

from rows import Row  # noqa: E402  # after the path

from localrouter.core.findings import Finding  # noqa: E402
from localrouter.core.kinds import kind  # noqa: E402
from localrouter.scrub import detectors  # noqa: E402
from localrouter.scrub.segments import segments  # noqa: E402

OURS = frozenset(
    [
        "assignment",
        "bare_token",
        "basic_auth",
        "cloud_pair",
        "command_line",
        "connection_string",
        "credential_files",
        "jwt",
        "kubernetes_secret",
        "login_call",
        "name_value",
        "password_hash",
        "pem",
        "secret_column",
        "secret_rules",
        "sql_password",
        "url_password",
    ]
)
"""The detectors whose time is measured here."""


def secrets_of(text: str) -> list[Finding]:
    """Findings of class `secret`, in the file's offsets."""
    out: list[Finding] = []
    for start, end in segments(text):
        for f in detectors.find(text[start:end], ""):
            if kind(f.type).data_class == "secret":
                out.append(Finding(f.start + start, f.end + start, f.type, f.score, f.detector))
    return out


def lines_of(text: str, findings: list[Finding]) -> set[int]:
    """The lines on which findings start: a key block is one."""
    return {text.count("\n", 0, f.start) for f in findings}


def half(name: str) -> int:
    return hashlib.md5(name.encode(), usedforsecurity=False).digest()[0] & 1


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def leaky(data: Path) -> list[Row]:
    base = data / "secrets_leaky_repo"
    rows = [
        r
        for r in csv.reader((base / ".leaky-meta" / "secrets.csv").read_text().splitlines())
        if len(r) == 3 and not r[0].startswith("#")
    ]
    totals = {0: [0, 0, 0, 0], 1: [0, 0, 0, 0]}
    missing: list[str] = []
    for name, risk, informs in rows:
        path = base / name
        if not path.is_file():
            missing.append(f"{name} ({int(risk) + int(informs)})")
            continue
        text = text_of(path)
        n = len(lines_of(text, secrets_of(text)))
        t = totals[half(name)]
        t[0] += min(n, int(risk))
        t[1] += int(risk)
        t[2] += min(n, int(risk) + int(informs))
        t[3] += int(risk) + int(informs)
    found, risks, counted, of = (totals[0][i] + totals[1][i] for i in range(4))
    halves = " / ".join(f"{t[0]} of {t[1]}" for t in totals.values())
    return [
        Row("leaky-repo, risk", "", ">= 85 %", f"{found / risks:.1%} ({found} of {risks})", found / risks >= 0.85, f"halves {halves}; not in the snapshot: {', '.join(missing)}"),
        Row("leaky-repo, its own count", "gitleaks 127 of 175, detect-secrets 41, TruffleHog 40", "", f"{counted / of:.1%} ({counted} of {of})", None, "hosts and user names count there; they are no secrets here"),
    ]  # fmt: skip


NOT_BY_CONTENT = re.compile(
    r"/ignore-|ignored-by-config|libssh-so/|libgnutls-so/|yarn-release/|marked-noqa|htpasswd\.(?:adoc|md|ya?ml)$|some-htpasswd-file"
)
"""Negatives of fake-leaks whose bytes are those of its positives: the path says so, or a comment that asks to be passed over, or the
configuration of that repository. A prompt has no path, and such comments are not honoured."""


def fake(data: Path) -> list[Row]:
    base = data / "secrets_fake_leaks"
    rates = {0: [0, 0, 0, 0], 1: [0, 0, 0, 0]}  # found, positives, hit, negatives
    by_path = [0, 0]  # hit, negatives
    for path in sorted(base.rglob("*")):
        name = str(path.relative_to(base))
        at = 0 if "/valid/" in name else 2 if "/invalid/" in name or "/benign/" in name else -1
        if at < 0 or not path.is_file():
            continue
        r = rates[half(name)]
        hit = bool(secrets_of(text_of(path)))
        r[at] += hit
        r[at + 1] += 1
        if at == 2 and NOT_BY_CONTENT.search(name):
            by_path[0] += hit
            by_path[1] += 1
    both = [rates[0][i] + rates[1][i] for i in range(4)]
    halves = " / ".join(f"{_f1(r):.3f}" for r in rates.values())
    hits = " / ".join(f"{r[2]} of {r[3]}" for r in rates.values())
    rest = [both[0], both[1], both[2] - by_path[0], both[3] - by_path[1]]
    return [
        Row("fake-leaks, F1 by file", "gitleaks rules 0.624, detect-secrets 0.519", ">= 0.85", f"{_f1(both):.3f}", _f1(both) >= 0.85, f"halves {halves}; found {both[0]} of {both[1]}"),
        Row("fake-leaks, negatives hit", "", "<= 10 %", f"{both[2] / both[3]:.1%}", both[2] <= 0.1 * both[3], f"halves {hits}"),
        Row("fake-leaks, F1 without negatives that only a path or a comment makes so", "", "", f"{_f1(rest):.3f}", None, f"negatives hit {rest[2]} of {rest[3]}"),
    ]  # fmt: skip


def _f1(r: list[int]) -> float:
    return 2 * r[0] / (r[0] + r[2] + r[1])


def locks(data: Path) -> list[Row]:
    base = data / "hard_negatives"
    n = lines = 0
    for path in sorted(base.iterdir()):
        if path.is_file() and path.name != "SOURCE.txt":
            text = text_of(path)
            n += len(secrets_of(text))
            lines += text.count("\n")
    return [Row("lock files, secrets", "detect-secrets 1 100 to 4 200 in 40 KB", "0", str(n), n == 0, f"{lines} lines")]


def installed(limit: int = 1_000_000) -> str:
    """A megabyte of the source of installed packages, spread over them: at most 30 KB of one file."""
    base = Path(next(p for p in sys.path if p.endswith("site-packages")))
    files = sorted(
        base.glob("*/**/*.py"), key=lambda p: hashlib.md5(str(p.relative_to(base)).encode(), usedforsecurity=False).digest()
    )
    out, size = [], 0
    for path in files:
        text = text_of(path)[:30_000]
        out.append(text)
        size += len(text)
        if size >= limit:
            break
    return "".join(out)


def code(_: Path) -> list[Row]:
    text = installed()
    found = secrets_of(text)
    per = len(found) * 1000 / text.count("\n")
    return [
        Row(
            "installed code, secrets per 1 000 lines",
            "",
            "<= 0.5",
            f"{per:.2f}",
            per <= 0.5,
            f"{len(found)} in {text.count(chr(10))} lines",
        )
    ]


def speed(data: Path) -> list[Row]:
    """CPU time of the secret detectors alone, without views and without the others."""
    own = [d for d in detectors.all_detectors() if d.NAME in OURS]
    lock = "".join(text_of(p) for p in sorted((data / "hard_negatives").iterdir()) if p.is_file())[:1_000_000]
    out = []
    for name, text in (("code", installed()), ("lock files", lock)):
        pieces = [text[a:b] for a, b in segments(text)]
        for d in own:  # compiles what the text needs
            d.find(text[:50_000], "")
        began = time.process_time()
        for piece in pieces:
            for d in own:
                d.find(piece, "")
        rate = len(text) / (time.process_time() - began) / 1e6
        out.append(Row(f"secret detectors, {name}", "", ">= 2 MB/s", f"{rate:.1f} MB/s", rate >= 2, "one core, CPU time"))
    return out


def measure(data: Path) -> list[Row]:
    """All rows. Raises FileNotFoundError when a set is missing."""
    return [*leaky(data), *fake(data), *locks(data), *code(data), *speed(data)]


if __name__ == "__main__":
    for row in measure(Path(sys.argv[1])):
        print(f"{row.name}: {row.value} (goal {row.goal or '-'}; {row.note})")
