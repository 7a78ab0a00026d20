"""Data class: a class that the recipe refuses, or a private key where it refuses those, is answered by nobody, not even here. Hints never
loosen it; only the recipe does.
"""

from __future__ import annotations

from localrouter.core.decide import Candidate, Drop, View

NAME, ORDER = "data_class", 10


def applies(view: View) -> bool:
    """Whether some class that the request holds is refused."""
    if view.signals.keep_local and view.recipe.private_keys == "refuse":
        return True
    return any(view.recipe.rule(name).request == "refuse" for name in view.signals.present)


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    """Drop every candidate where the rule of a class present says `refuse`."""
    if view.signals.keep_local and view.recipe.private_keys == "refuse":
        why = f"The recipe '{view.recipe.name}' refuses requests that hold a private key."
        return Drop("privacy", why, "Take the key out of the request, or set private_keys in the recipe.")
    for name in view.signals.present:
        if view.recipe.rule(name).request == "refuse":
            return Drop(
                "privacy",
                f"The recipe '{view.recipe.name}' refuses requests that hold {name} data.",
                f"Change [classes] in the recipe '{view.recipe.name}' if this may be answered.",
            )
    return candidate
