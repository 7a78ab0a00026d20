"""A conversation stays with the model that served it; a chore of the client goes to the route for chores."""

from __future__ import annotations

from dataclasses import replace

from localrouter.core.ask import Ask, Hints, Needs
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.decide import Attempt, Candidate, Drop, View, decide
from localrouter.core.money import Price
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing

MODELS = {f"h/{n}": Model(f"h/{n}", "h", n, Price(1, 1), 1000, 100) for n in ("a", "b", "tiny")}
CATALOGUE = Catalogue("t", {"h": Host("h", "https://h.invalid/v1")}, MODELS)
RECIPE = Recipe.model_validate(
    {
        "name": "t",
        "route": [
            {"name": "chores", "match": {"cheap": True}, "try": ["h/tiny", "asked"]},
            {"name": "r", "try": ["asked", "h/a", "h/b", "local:chat"]},
        ],
    }
)
ASK = Ask("openai_chat", {}, (), "localrouter/auto", Needs(), None, 1, 100)
STANDING = Standing(0.0, CATALOGUE, None, keys=frozenset({"h"}), local="local:chat", local_context=4096)


def order(served: str, asked: str = "localrouter/auto", model: str = "localrouter/auto", **signals: bool) -> list[str]:
    standing = replace(STANDING, served=served, served_asked=asked)
    plan = decide(replace(ASK, model=model), Signals(**signals), RECIPE, standing, ())
    return [a.id for a in plan.attempts]


def test_a_later_turn_goes_on_where_it_was() -> None:
    assert order("") == ["h/a", "h/b", "local:chat"]
    assert order("h/b") == ["h/b", "h/a", "local:chat"]
    assert order("h/gone") == ["h/a", "h/b", "local:chat"], "a model that the route does not name is not brought back"


def test_the_reason_is_said() -> None:
    plan = decide(ASK, Signals(), RECIPE, replace(STANDING, served="h/b"), ())
    assert "h/b answered this conversation before, so it goes on." in plan.explain
    assert any(w.model == "h/b" and "it answered this conversation before" in w.why for w in plan.weighed)
    assert "answered this conversation" not in decide(ASK, Signals(), RECIPE, STANDING, ()).explain


def test_the_clients_own_word_goes_first() -> None:
    assert order("h/b", model="h/a")[0] == "h/a", "the user switched"
    assert order("h/b", asked="h/tiny", model="h/a", continues=True)[0] == "h/a", "the user switched in the middle of a tool loop"
    assert order("h/b", asked="h/a", model="h/a")[0] == "h/a", "a new turn asks for what the client named"
    assert order("h/b", asked="h/a", model="h/a", continues=True)[0] == "h/b", "a tool loop goes on where it began"


def test_the_local_model_named_by_the_client_goes_first() -> None:
    assert order("h/b", model="local:chat")[0] == "local:chat", "an engine that failed once is not lost to the conversation"
    assert order("h/b", asked="local:chat", model="local:chat")[0] == "local:chat"
    assert order("h/b", asked="local:chat", model="local:chat", continues=True)[0] == "h/b", "a tool loop goes on where it went"


def test_the_local_model_keeps_only_tool_loops() -> None:
    assert order("local:chat")[0] == "h/a"
    assert order("local:chat", continues=True)[0] == "local:chat"


def test_chores_match_their_route_and_are_not_held() -> None:
    assert order("h/b", cheap=True, model="h/a") == ["h/tiny", "h/a"]
    plan = decide(replace(ASK, hints=Hints(cheap=True)), Signals(cheap=True), RECIPE, STANDING, ())
    assert plan.route == "chores" and "a chore of the client" in plan.explain


class _NoB:
    NAME, ORDER = "no_b", 10

    def check(self, candidate: Candidate, view: View) -> Candidate | Drop:
        return Drop("no", "h/b is out") if candidate.id == "h/b" else candidate


def test_a_gate_still_drops_it() -> None:
    plan = decide(ASK, Signals(), RECIPE, replace(STANDING, served="h/b"), (_NoB(),))
    assert [a.id for a in plan.attempts] == ["h/a", "local:chat"]
    assert "goes on" not in plan.explain
    assert isinstance(plan.attempts[0], Attempt)


def test_a_host_may_be_called_local_something() -> None:
    model = Model("localai/llama", "localai", "llama", Price(1, 1), 1000, 100)
    host = Host("localai", "https://localai.invalid/v1")
    catalogue = Catalogue("t", {**CATALOGUE.hosts, "localai": host}, {**MODELS, model.id: model})
    standing = replace(STANDING, catalogue=catalogue, keys=frozenset({"h", "localai"}))
    plan = decide(replace(ASK, model="localai/llama"), Signals(), RECIPE, standing, ())
    assert plan.attempts[0].id == "localai/llama"
    plan = decide(replace(ASK, model="localfoo"), Signals(), RECIPE, standing, ())
    assert plan.attempts[0].id == "h/a", "a name that nobody knows is no model of this machine"
