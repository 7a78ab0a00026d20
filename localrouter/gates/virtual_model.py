"""Virtual model: who asks for `localrouter/local` or `localrouter/private` is answered where that name says, or not at all.

core/virtual.py says what each name means. The name can only take targets away: the rules of the data classes are asked as well.
"""

from __future__ import annotations

from localrouter.core.plan import Candidate, Drop, View
from localrouter.core.virtual import adds_local, refused

NAME, ORDER = "virtual_model", 12


def applies(view: View) -> bool:
    return adds_local(view.ask.model)


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    zone = candidate.zone(view.standing.catalogue)
    why = refused(view.ask.model, zone, view.signals.data_class, view.signals.keep_local)
    if not why:
        return candidate
    return Drop("privacy", why, "Ask for localrouter/auto to let the recipe choose.")
