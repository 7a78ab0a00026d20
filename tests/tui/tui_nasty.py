"""Strings that have broken terminals and Textual programs, or lied to the people before them."""

from __future__ import annotations

NASTY = (
    "[/", "[/]", "\\[/", "[bold]", "[/bold]", "[red on blue]x", "[link=https://evil.example]safe[/link]", "[@click=app.quit]x[/]",
    "[@click='app.bell()']press[/]", "[[", "]]", "[]", "[ ]", "[a=b", "[$primary]x", "[#ff0000", "[not closed", "[/not open]",
    "\\", "\\\\[bold]", "$", "$primary", "{x}", "%s", "&amp;", ":smile:", ":warning:", "`", "'\"", "",
    "\x1b[2J", "\x1b[31mred", "\x1b]52;c;aGVsbG8=\x07", "\x1b]8;;https://evil.example\x1b\\text\x1b]8;;\x1b\\", "\x1b]0;title\x07",
    "\x1bP+q544e\x1b\\", "\x1b[?1049l", "\x1b[6n", "\x1bc", "\x9b2J", "\x9d52;c;x\x9c", "\x90q\x9c", "\x00", "\x07\x07", "\x08\x08\x08rm -rf",
    "a\rb", "a\nb", "a\r\nb", "\t\t\tx", "\x0b\x0c", "\x7f", "\x85next", "\u2028line\u2029", "\u202egnp.exe", "\u2066x\u2069", "\u200b\u200d\ufeff",
    "\U000e0041\U000e0042", "\ufe0f\ufe0f", "x\U000e0101", "\u00adsoft", "\ud800", "\udfff\ud83d", "\ue000", "\uffff", "\U0010ffff",
    "e" + "\u0301" * 300, "\u0e33\u0e33", "\u1100" * 5, "\u0627\u0644\u0639\u0631\u0628", "\u05e9\u05dc\u05d5\u05dd", "家族" * 90, "👨\u200d👩\u200d👧\u200d👦", "⚠\ufe0f", "\U0001f1e9\U0001f1ea",
    "x" * 5000, "\n" * 300, " " * 300, "A_" * 200, "API_KEY_4JRXVB[/]", "\u3000", "\u00a0", "\ufffd", "０１",
)  # fmt: skip
