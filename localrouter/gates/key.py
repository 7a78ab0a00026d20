"""Key: a host without a key is not asked, so that a missing key costs no round trip."""

from __future__ import annotations

from localrouter.core.decide import Candidate, Drop, View

NAME, ORDER = "key", 40


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    if candidate.model is None or candidate.model.host in view.standing.keys:
        return candidate
    host = view.standing.catalogue.hosts[candidate.model.host]
    if view.standing.keyring_waiting and host.key_env:
        return Drop(
            "no_key", f"The key of {host.name} may be in your keyring, which has not answered yet.", "Unlock it and ask again."
        )
    env = f", or set {host.key_env} before `localrouter up`" if host.key_env else ""
    return Drop(
        "no_key",
        f"There is no key for {host.name} at this origin, {host.origin}.",
        f"Store one with `localrouter keys set {host.name}`{env}.",
    )
