"""The colours: few, muted, on a dark ground, so that the tokens are what stands out."""

from __future__ import annotations

from textual.theme import Theme

INK = "#c9ced8"
SOFT = "#8a92a0"
FAINT = "#69727f"
ACCENT = "#8ab0dc"
GOOD = "#8fbb84"
WARN = "#d9b263"
BAD = "#e27f7f"
COOL = "#79b4bd"
GROUND = "#15181d"
RAISED = "#1c2027"
CHOSEN = "#2a3442"

LANES = {"local": GOOD, "hosted": COOL}
"""Any other lane is a request that was refused."""

THEME = Theme(
    name="localrouter",
    primary=ACCENT,
    secondary=COOL,
    accent=ACCENT,
    success=GOOD,
    warning=WARN,
    error=BAD,
    foreground=INK,
    background=GROUND,
    surface=GROUND,
    panel=RAISED,
    dark=True,
    variables={
        "soft": SOFT,
        "faint": FAINT,
        "chosen": CHOSEN,
        "footer-background": RAISED,
        "footer-foreground": SOFT,
        "footer-key-foreground": ACCENT,
        "footer-description-foreground": SOFT,
        "border": FAINT,
        "scrollbar": "#39414d",
        "scrollbar-background": GROUND,
        "scrollbar-corner-color": GROUND,
        "scrollbar-hover": "#4a5362",
        "scrollbar-active": ACCENT,
        "scrollbar-background-hover": GROUND,
        "scrollbar-background-active": GROUND,
    },
)
