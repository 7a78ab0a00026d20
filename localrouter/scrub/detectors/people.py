"""People where the text itself says so: git headers, mail headers, greetings, `name:` fields. Conservative by design: the
encoder will find the rest, and until then a missed name is a stated limit."""

from __future__ import annotations

import re

from localrouter.core.findings import Finding

NAME = "people"
_WORD = r"[A-ZÀ-ÖØ-Þ][\w'’.-]*[\w]"
_FULL = rf"{_WORD}(?: (?:(?:van|von|de|der|den|la|le|di|da|del|bin|al) ){{0,2}}{_WORD}){{1,3}}"
# Each pattern behind words that it needs: most text has none of them, and looking for a word is far cheaper.
_PATTERNS = (
    (("author:", "commit:", "committer:", "from:", "to:", "cc:", "-by:"), re.compile(rf"(?m)^\s*(?:Author|Commit|Committer|From|To|Cc|Reported-by|Co-authored-by|Signed-off-by|Reviewed-by|Tested-by):\s+[\"']?({_FULL}|[\w.-]+ [\w.-]+)[\"']?\s*<")),
    (("my name is", "i am", "i'm", "this is", "contact", "customer", "client", "patient", "employee", "user", "colleague", "mr", "ms", "dr"), re.compile(rf"\b(?:my name is|I am|I'm|this is|contact|customer|client|patient|employee|user|colleague|Mr\.?|Mrs\.?|Ms\.?|Dr\.?) ({_FULL})")),
    (("dear ", "hi ", "hello "), re.compile(rf"(?m)\b(?:Dear|Hi|Hello) ({_FULL})\s*[,!\n]")),
    (("regards", "thanks", "cheers", "sincerely", "best"), re.compile(rf"(?im)(?:regards|thanks|cheers|sincerely|best),?\s*\n+\s*(?-i:({_FULL}))\s*$")),
    (("name", "assignee", "reporter", "cardholder"), re.compile(rf"(?i)[\"']?(?:full_?name|customer_?name|display_?name|employee_?name|patient_?name|contact_?name|assignee|reporter|cardholder)[\"']?\s*[:=]\s*[\"']?(?-i:({_FULL}))")),
    (("name",), re.compile(rf"[\"']name[\"']\s*:\s*[\"']({_FULL})[\"']")),
)  # fmt: skip
_STOP = frozenset(["the", "this", "that", "your", "our", "node", "visual", "github", "google", "microsoft", "amazon", "open"])


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    low = text.lower()
    for words, pattern in _PATTERNS:
        if not any(word in low for word in words):
            continue
        for m in pattern.finditer(text):
            if m[1].split()[0].lower() not in _STOP:
                out.append(Finding(m.start(1), m.end(1), "PERSON", 0.7, NAME))
    if re.search(r"(?i)(full|customer|display|employee|contact)_?name|assignee|reporter", context) and re.fullmatch(_FULL, text):
        out.append(Finding(0, len(text), "PERSON", 0.8, NAME))
    return out
