"""Residency: what the request holds goes only to hosts that state the terms that the recipe wants: region, retention, training.

A term that a host does not state counts as not met. Nothing is asked of what runs on this machine. Where no host meets the terms, the recipe's
`otherwise` says what happens: `local` (the local lane, which stands at the end of every such route, core/candidates.py), or `refuse`.
"""

from __future__ import annotations

from localrouter.core.catalogue import Host
from localrouter.core.decide import Candidate, Drop, View
from localrouter.core.kinds import DataClass
from localrouter.core.recipe import Only

NAME, ORDER = "residency", 13
HOSTS = "residency of hosts"


def unmet(only: Only, host: Host) -> str:
    """The first term that a host does not meet, in words that follow a colon; "" where it meets all."""
    if only.region is not None and host.region not in only.region:
        return f"its region is {host.region or 'not stated'}, the recipe wants {' or '.join(only.region)}"
    if only.retention_days_max is not None and (host.retention_days is None or host.retention_days > only.retention_days_max):
        kept = "not stated" if host.retention_days is None else f"{host.retention_days} days"
        return f"its retention is {kept}, the recipe allows {only.retention_days_max} days"
    if only.trains_on_data is False and host.trains_on_data is not False:
        return "it does not state that it never trains on data"
    return ""


def applies(view: View) -> bool:
    """Whether a class that the request holds has terms."""
    return bool(_terms(view))


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    """Drop a candidate whose host does not meet the terms of any class present."""
    model, name = candidate.model, view.recipe.name
    if model is None or candidate.zone(view.standing.catalogue) == "machine":
        refusing = next((n for n, _, otherwise in _terms(view) if otherwise == "refuse"), None)
        if refusing is None:
            return candidate
        why = f"The recipe '{name}' has {refusing} data answered by hosts of its terms or by nobody."
        return Drop("privacy", why, f'Set otherwise = "local" in [classes.{refusing}] if this machine may answer.')
    hosts: dict[str, tuple[DataClass, str] | None] = view.memo.setdefault(HOSTS, {})
    if model.host not in hosts:
        host = view.standing.catalogue.hosts[model.host]
        hosts[model.host] = next(((n, why) for n, only, _ in _terms(view) if (why := unmet(only, host))), None)
    failed = hosts[model.host]
    if failed is None:
        return candidate
    return Drop(
        "privacy",
        f"The request holds {failed[0]} data, which may not go to {candidate.id}: {failed[1]}.",
        f"Change [classes] in the recipe '{name}' if this may leave.",
    )


def _terms(view: View) -> list[tuple[DataClass, Only, str]]:
    found: list[tuple[DataClass, Only, str]] | None = view.memo.get(NAME)
    if found is None:
        rules = [(name, view.recipe.rule(name)) for name in view.signals.present]
        found = view.memo[NAME] = [
            (name, r.only, r.otherwise) for name, r in rules if r.only is not None and r.request != "local"
        ]
    return found
