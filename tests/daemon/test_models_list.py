"""One path, three personalities, as the vendors' own SDKs read them."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any, ClassVar

import anthropic
import openai
import pytest
from conftest import BUSY_S, Daemon

from localrouter.core.catalogue import Catalogue, Model
from localrouter.core.recipe import Recipe
from localrouter.daemon.models_list import Offer, alias, named, offers


def get(daemon: Daemon, path: str, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    try:
        sent = {k.replace("_", "-"): v for k, v in headers.items()}
        if not {"authorization", "x-api-key", "x-goog-api-key"} & set(sent):
            sent["authorization"] = f"Bearer {daemon.client}"
        connection.request("GET", path, headers=sent)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.fixture
def claude(daemon: Daemon) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=f"http://127.0.0.1:{daemon.port}", api_key=daemon.client, max_retries=0) as made:
        yield made


def test_openai_reads_its_list_and_one_model(daemon: Daemon) -> None:
    with openai.OpenAI(base_url=daemon.base, api_key=daemon.client, max_retries=0) as client:
        found = {m.id: m for m in client.models.list()}
        one = client.models.retrieve("rehearsal/rehearsal-1")
        assert one == found["rehearsal/rehearsal-1"]
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("nobody/knows-it")
    fields = one.model_dump()
    assert fields["context_length"] == fields["context_window"] == fields["max_model_len"] == fields["meta"]["n_ctx"] == 400_000
    assert fields["max_output_tokens"] == 2048 and "tools" in fields["capabilities"] and "tools" in fields["supported_parameters"]
    # What the recipe chooses from decides what "auto" can do.
    auto = found["localrouter/auto"].model_dump()
    assert auto["context_length"] == 400_000 and "tools" in auto["capabilities"]


def test_the_upstream_name_alone_names_a_model_too(daemon: Daemon) -> None:
    assert get(daemon, "/v1/models/rehearsal-1")[1]["id"] == "rehearsal/rehearsal-1"


def test_anthropic_reads_its_list_in_pages(daemon: Daemon, claude: anthropic.Anthropic) -> None:
    page = claude.models.list(limit=3)
    assert len(page.data) == 3 and page.has_more and page.first_id == page.data[0].id and page.last_id == page.data[-1].id
    names = [m.id for m in page]  # the SDK turns the pages
    whole = claude.models.list(limit=1000)
    assert names == [m.id for m in whole.data] and not whole.has_more and len(set(names)) == len(names)
    back = claude.models.list(limit=2, before_id=names[4])
    assert [m.id for m in back.data] == names[2:4]
    one = claude.models.retrieve(names[0])
    assert one.capabilities is not None and one.capabilities.thinking.types.disabled.supported
    assert one.lifecycle == "active" and one.type == "model" and one.created_at.year == 1970


def test_every_name_in_that_list_passes_the_filter_of_claude_code(claude: anthropic.Anthropic) -> None:
    names = [m.id for m in claude.models.list(limit=1000).data]
    assert all("claude" in n or "anthropic" in n for n in names)
    assert "claude-localrouter-auto" in names and "claude-rehearsal-rehearsal-1" in names


def test_a_model_is_found_by_its_own_name_too(claude: anthropic.Anthropic) -> None:
    model = claude.models.retrieve("rehearsal/rehearsal-1")
    assert model.id == "rehearsal/rehearsal-1" and model.max_input_tokens == 400_000 and model.max_tokens == 2048
    with pytest.raises(anthropic.NotFoundError):
        claude.models.retrieve("nobody/knows-it")


def test_a_wrong_page_is_a_400(daemon: Daemon, claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError):
        claude.models.list(after_id="nobody")
    for limit in ("0", "-1", "1001", "x", "%C2%B2", "9" * 5000):
        assert get(daemon, f"/v1/models?limit={limit}", anthropic_version="2023-06-01")[0] in (400, 431), limit


def test_gemini_reads_its_list(daemon: Daemon) -> None:
    for path, headers in (("/v1/models", {"x_goog_api_key": daemon.client}), ("/v1beta/models", {})):
        status, tree = get(daemon, path, **headers)
        assert status == 200
        item = next(m for m in tree["models"] if m["name"] == "models/rehearsal/rehearsal-1")
        assert item["inputTokenLimit"] == 400_000 and item["outputTokenLimit"] == 2048
        # No path of Gemini's generates here yet, and none is claimed.
        assert item["supportedGenerationMethods"] == []
    status, tree = get(daemon, "/v1/models?pageSize=2", x_goog_api_key=daemon.client)
    seen = tree["models"]
    while "nextPageToken" in tree:
        tree = get(daemon, f"/v1/models?pageSize=50&pageToken={tree['nextPageToken']}", x_goog_api_key=daemon.client)[1]
        seen += tree["models"]
    assert len(seen) == len({m["name"] for m in seen}) > 20
    assert get(daemon, "/v1/models/rehearsal/rehearsal-1", x_goog_api_key=daemon.client)[1]["displayName"] == "rehearsal-1"
    assert get(daemon, "/v1/models?pageToken=x", x_goog_api_key=daemon.client)[0] == 400


class Lane:
    available, name, context = True, "Qwen3-8B", 32_768
    targets: ClassVar[dict[str, int]] = {}


class Bare:
    """The parts of the services that a list is made of."""

    local = Lane()

    def __init__(self, targets: list[str]) -> None:
        def model(name: str, context: int, **more: bool) -> Model:
            return Model(f"h/{name}", "h", name, None, context, 1000, **more)

        models = (
            model("small", 8000, tools=True),
            model("big", 200_000, vision=True),
            model("claude-x", 1000),
            model("idle", 10**6),
        )
        self.catalogue = Catalogue("t", {}, {m.id: m for m in models})
        self.recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": targets}]})


def test_auto_can_what_the_recipes_own_targets_can() -> None:
    auto = offers(Bare(["h/small", "h/big"]))[0]  # type: ignore[arg-type]  # what a list reads
    assert (auto.id, auto.context, auto.tools, auto.vision, auto.reasoning) == ("localrouter/auto", 200_000, True, True, False)
    assert offers(Bare(["h/*"]))[0].context == 10**6  # type: ignore[arg-type]  # as above


def test_the_names_that_are_no_model_promise_what_their_targets_can() -> None:
    s: Any = Bare(["h/small", "h/big"])
    found = {o.id: o for o in offers(s)}
    assert list(found)[:5] == [f"localrouter/{w}" for w in ("auto", "local", "private", "cheap", "best")]
    assert (found["localrouter/local"].context, found["localrouter/local"].vision) == (32_768, False)
    assert found["localrouter/private"].context == 32_768, "what holds something private has no more than that"
    assert found["localrouter/cheap"].context == found["localrouter/best"].context == 200_000

    class Nothing(Lane):
        available = False

    s.local = Nothing()
    found = {o.id: o for o in offers(s)}
    assert found["localrouter/local"].context == 0 and not found["localrouter/local"].tools
    assert found["localrouter/private"].context == 200_000


def test_the_five_names_in_all_three_personalities(daemon: Daemon) -> None:
    names = [f"localrouter/{w}" for w in ("auto", "local", "private", "cheap", "best")]
    plain = {m["id"]: m for m in get(daemon, "/v1/models")[1]["data"]}
    assert set(names) <= set(plain) and plain["localrouter/cheap"]["context_length"] == 400_000
    shown = get(daemon, "/v1/models?limit=1000", anthropic_version="2023-06-01", x_api_key=daemon.client)[1]["data"]
    claude = {m["id"]: m for m in shown}
    for name in names:
        item = claude["claude-" + name.replace("/", "-")]
        assert item["max_input_tokens"] in (400_000, None) and name in item["display_name"]
    gemini = {m["baseModelId"]: m for m in get(daemon, "/v1beta/models", x_goog_api_key=daemon.client)[1]["models"]}
    assert set(names) <= set(gemini) and gemini["localrouter/best"]["inputTokenLimit"] == 400_000


def test_an_alias_means_its_model_and_a_real_name_means_itself() -> None:
    s: Any = Bare(["h/small"])
    for offer in offers(s):
        if "claude" not in offer.id:
            assert named(s, alias(offer)) == offer.id
    assert alias(Offer("local:chat", "Qwen3-8B", "localrouter")) == "claude-local-qwen3-8b"
    for own in ("claude-x", "h/claude-x", "claude-nobody", "gpt-5", "localrouter/auto"):
        assert named(s, own) == own
