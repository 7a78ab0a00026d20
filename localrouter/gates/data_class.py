"""Data class: where a request may go for what it holds. Hints never loosen it; only the recipe does."""

from __future__ import annotations

from localrouter.core.decide import Candidate, Drop, View
from localrouter.core.recipe import Only

NAME, ORDER = "data_class", 10


def _unmet(only: Only, candidate: Candidate, view: View) -> str:
    host = view.standing.catalogue.hosts[candidate.model.host] if candidate.model else None
    if host is None:
        return ""
    if only.region is not None and host.region not in only.region:
        return f"its region is {host.region or 'not stated'}, the recipe wants {' or '.join(only.region)}"
    if only.retention_days_max is not None and (host.retention_days is None or host.retention_days > only.retention_days_max):
        kept = "not stated" if host.retention_days is None else f"{host.retention_days} days"
        return f"its retention is {kept}, the recipe allows {only.retention_days_max} days"
    if only.trains_on_data is False and host.trains_on_data is not False:
        return "it does not state that it never trains on data"
    return ""


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    """Drop a hosted candidate that the rule of any class present forbids."""
    refuse_do = f"Change [classes] in the recipe '{view.recipe.name}' if this may leave."
    for name in view.signals.classes:
        rule = view.recipe.rule(name)
        if rule.request == "refuse":
            return Drop("privacy", f"The recipe '{view.recipe.name}' refuses requests that hold {name} data.", refuse_do)
    if candidate.lane == "local":
        return candidate
    if view.signals.keep_local and view.recipe.private_keys != "hosted":
        return Drop("privacy", "The request holds a private key, and those stay on this machine.", refuse_do)
    for name in view.signals.classes:
        rule = view.recipe.rule(name)
        if name == "unreadable":
            parts = ", ".join(view.signals.unread)
            if rule.request != "hosted":
                return Drop(
                    "unreadable",
                    f"The request has parts that cannot be read before they leave ({parts}).",
                    'Allow them with [classes.unreadable] request = "hosted" in the recipe.',
                )
            continue
        if rule.request == "local":
            return Drop("privacy", f"The recipe '{view.recipe.name}' keeps {name} data on this machine.", refuse_do)
        if rule.only is not None and (unmet := _unmet(rule.only, candidate, view)):
            return Drop("privacy", f"The request holds {name} data, which may not go to {candidate.id}: {unmet}.", refuse_do)
    return candidate
