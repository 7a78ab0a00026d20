"""What happened to a request in one paragraph that a manager understands: who answered, why it went there, what failed on the way and what was
done about it, what it cost. Pure: a story in, a text out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from localrouter.core.decide import REFUSALS
from localrouter.core.explaining import about, by_route, chosen, described, reasons, replaces, route_of
from localrouter.core.failures import SAYS
from localrouter.core.money import usd
from localrouter.core.plan import View
from localrouter.core.words import FailureKind

if TYPE_CHECKING:
    from localrouter.daemon.noting import Story

_FAILED = {
    **{status: f"refused {what} ({status})" for status, what in REFUSALS.items()},
    404: "does not have the model (404)",
}
_THEN = {
    "retry_once": "so it was asked once more",
    "repair_once": "so it was told what was wrong and asked again",
    "stop": "and the route stops there",
    "refuse": "so the route refused",
    "clarify": "so the person was asked for what is missing",
    "static": "so the route's own text was the answer",
    "": "and the route has no step left",
}
"""What the route did after a failure; every other step asks another model."""
_ASKED = {
    "next_host_same_model": "so the same model was asked at another host: {}",
    "larger_context": "so {}, which reads more, was asked",
}
_ORDINALS = ("", "first", "second", "third", "fourth", "fifth", "sixth")


def paragraph(story: Story, outcome: str, error: str) -> str:
    """`error`: what the client was told, scanned. What the contract said is scanned too by now."""
    view = _view(story)
    sentences = [*(_decided(story, outcome, view) if view is not None else ())]
    if not sentences and story.plan is not None:
        sentences.append(story.plan.explain)
    sentences += [*_walked(story), *_blamed(story), *_checked(story, error)]
    sentences += story.attempts[-1].get("notes", ()) if story.attempts else ()
    text = " ".join(s for s in sentences if s)
    if error and error not in text:
        text += f" It ended with an error: {error}"
    if outcome == "client_gone":
        text += " The client left before the end."
    return " ".join([text, *_restored(story), *_cost(story, outcome)]).strip()


def _view(story: Story) -> View | None:
    """What was looked at; None where nothing was decided, or no route matched."""
    plan, recipe, standing = story.plan, story.recipe, story.standing
    if plan is None or recipe is None or standing is None:
        return None
    route = next((r for r in recipe.route if r.name == plan.route), None)
    return View(story.ask, story.signals, recipe, standing, route) if route is not None else None


def _decided(story: Story, outcome: str, view: View) -> Iterator[str]:
    plan = story.plan
    assert plan is not None
    yield _lead(story, outcome, view)
    if not story.attempts:
        yield (plan.error.text if plan.error is not None else "")
        return
    first = story.attempts[0]["model"]
    yield from reasons(view, first, plan.weighed, about(view))
    yield chosen(view)


def _lead(story: Story, outcome: str, view: View) -> str:
    """Who answered, and by which route."""
    by, what, tries = by_route(view), described(view.signals), len(story.attempts)
    route = route_of(view)
    took = f"{route[0].upper()}{route[1:]}, took it: {what}."
    hosted = any(a["lane"] == "hosted" for a in story.attempts)
    replaced = hosted and (bool(story.veiled.table) if story.veiled is not None else replaces(view))
    more = "; private values were replaced in all that left this machine" if replaced else ""
    names = list(dict.fromkeys(a["model"] for a in story.attempts))
    end = story.walked[-1]["step"] if story.walked else ""
    if end in ("static", "clarify"):
        said = "Answered with the route's own text" if end == "static" else "Answered with a question to the person"
        return f"{said}, since no model gave an answer{more}. {took}"
    if not tries:
        said = "Given up by its client" if outcome == "client_gone" else "Refused"
        return f"{said}, and nothing left this machine. {took}"
    last = story.attempts[-1]
    if outcome == "done" and tries > 1:
        where = f"{last['model']} on this machine" if last["lane"] == "local" else last["model"]
        turn = f"{_ORDINALS[tries]} try" if tries < len(_ORDINALS) else f"try number {tries}"
        return f"Answered by {where}, at the {turn}{more}. {took}"
    if outcome == "failed":
        return f"Nobody answered: {_and(names)} {'was' if len(names) == 1 else 'were'} asked{more}. {took}"
    if last["lane"] == "local" and not hosted:
        return f"{'Answered' if outcome == 'done' else 'Kept'} on this machine by {last['model']}, and nothing left it. {took}"
    return f"Sent to {_and(names)}{', with private values replaced,' if replaced else ''} {by}: {what}."


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _walked(story: Story) -> Iterator[str]:
    """Each failure, and what the route did about it."""
    before: set[str] = set()
    last = ""
    for step in story.walked:
        who, name, target = step["failed"], step["step"], step["target"]
        says = SAYS[_kind(step)]
        then = _THEN.get(name) or _ASKED.get(name, "so {} was asked").format(target)
        if not who:
            if name:  # a refusal before anybody was asked is told in its own words
                yield f"None of the route's models could be asked first ({says}), {then}."
            continue
        how = "failed again" if who == last else "failed too" if before else "failed first"
        yield f"{'It' if who == last else who} {how}: {says}, {then}."
        before.add(who)
        last = who


def _kind(step: dict[str, str]) -> FailureKind:
    return next(kind for kind in SAYS if kind == step["kind"])


def _blamed(story: Story) -> list[str]:
    """Hosts that refused us: somebody has to mend that."""
    failed = [a for a in story.attempts if a.get("outcome") == "error" and "blames" in a]
    return [f"The host of {a['model']} {_FAILED.get(a['status'], 'refused it')}." for a in failed]


def _checked(story: Story, error: str) -> list[str]:
    """What the contract said of the answer that was given."""
    if not story.checks:
        return []
    last: dict[str, Any] = story.checks[-1]
    if last["held"]:
        return ["The answer keeps what the route promises."]
    why = str(last.get("why", ""))
    if not why or why in error:
        return ["The answer does not keep what the route promises."]
    return [f"The answer does not keep what the route promises: {why}"]


def _restored(story: Story) -> list[str]:
    """What became of placeholders in the answer."""
    back, held = story.restored.get("restored", 0), story.restored.get("withheld", 0)
    out = []
    if back:
        out.append(f"{'One private value was' if back == 1 else f'{back} private values were'} put back into the answer.")
    if held:
        many = "One placeholder was" if held == 1 else f"{held} placeholders were"
        out.append(f"{many} left in it, where the value itself could leak.")
    return out


def _cost(story: Story, outcome: str) -> list[str]:
    """What it cost, and how much of that was for answers that nobody got."""
    if not story.cost:
        return ["It cost nothing."] if story.plan is not None else []
    lost = sum(a.get("cost_micro", 0) for a in story.attempts[:-1]) if outcome == "done" else 0
    guessed = any(a.get("estimated") and a.get("cost_micro") for a in story.attempts)
    text = f"It cost {usd(story.cost)}" + (" (an estimate: a host did not say what it used)" if guessed else "")
    text += f", {usd(lost)} of that for answers that could not be used." if lost else "."
    ran = story.usage.get("tools") or {}
    said = ", ".join(f"{kind.replace('_', ' ')} ({n})" for kind, n in ran.items())
    return [text, f"That includes what its host ran by itself: {said}."] if said else [text]
