"""Virtual model: who asks for `localrouter/local` or `localrouter/private` is answered where that name says, or not at all.

core/virtual.py says what each name means. The name can only take targets away: the rules of the data classes are asked as well.
"""

from __future__ import annotations

from localrouter.core.decide import Candidate, Drop, View
from localrouter.core.virtual import refused

NAME, ORDER = "virtual_model", 12


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    if candidate.model is None:
        return candidate
    host = view.standing.catalogue.hosts.get(candidate.model.host)
    why = refused(view.ask.model, host.zone if host else "hosted", view.signals.data_class, view.signals.keep_local)
    if not why:
        return candidate
    return Drop("privacy", f"{candidate.id} is left out: {why}.", "Ask for localrouter/auto to let the recipe choose.")
