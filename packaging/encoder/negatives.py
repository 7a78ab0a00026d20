"""Larger texts without anybody in them, which line templates cannot make: lock files, number tables, minified code, word salad.

They are added to the grammar as forms, from templates put together by code (one idea a function).
"""

from __future__ import annotations

from forms.grammar import Form, Grammar, parse

LOCKS = (
    '    "node_modules/«package»": {\n      "version": "«ver»",\n      "resolved": "registry/«package»-«ver».tgz",\n      "integrity": "sha512-«b64»=="\n    },',
    '[[package]]\nname = "«package»"\nversion = "«ver»"\nchecksum = "«sha»«sha»"\ndependencies = [\n "«package»",\n "«package»",\n]',
    '«package»@^«ver»:\n  version «ver»\n  integrity sha512-«b64»\n  dependencies:\n    «package» "^«ver»"',
    "«package»==«ver» \\\n    --hash=sha256:«sha»«sha»",
    "  «package» (~> «ver»)\n    «package» (>= «ver»)",
    "/«package»@«ver»:\n    resolution: {integrity: sha512-«b64»}\n    dev: ‹true|false›",
)
TABLES = (
    "«n»,«dec»,«dec»,«nn»", "«n»\t«dec»\t«nn»\t‹yes|no›", "| «noun» | «dec» | «n» |", "«noun»=«n» «noun»=«dec» «noun»=«nn»", "«noun»: «pct» («n»/«nn»)", "[«n», «n», «nn», «n»],", "«hex» «hex» «hex» «noun»",
    "‹Mon|Tue|Wed|Thu|Fri›Total,«n»,«n»,«n»", "{\"«noun»\": «n», \"«noun»\": [«dec», «dec»]},", "«noun»_«noun»{«noun»=\"«adjective»\"} «dec»",
)  # fmt: skip
DENSE = (
    "!function(e,t){var n=«n»,r=e.«noun»;return t.«verb»(r,n),r.«ident»||(r.«ident»=«hex»)}(«noun»,«noun»);", ".«noun»{margin:0 «n»px}.«noun»-«noun»{color:#«sha»;padding:«n»em}", "«b64»", "data:image/png;base64,«b64»«b64»", "sha256:«sha»«sha»", "\\u00e9\\u00e8\\x«n»\\n", "0x«sha» «hex» «hex» |..«noun»..|",
)  # fmt: skip


def add(grammar: Grammar) -> None:
    """Add the forms `lock`, `numbers` and `dense` to a grammar: each line repeated, each time with its own values."""
    for name, weight, lines, least, most in (
        ("lock", 0.8, LOCKS, 1, 5),
        ("numbers", 0.8, TABLES, 2, 9),
        ("dense", 0.5, DENSE, 1, 4),
    ):
        form = Form(name, weight, "en")
        for line in lines:
            for count in range(least, most + 1):
                (form.valid if (count + len(line)) % 7 == 0 else form.train).append(parse("\n".join([line] * count)))
        grammar.forms[name] = form
