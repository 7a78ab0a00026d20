"""A key belongs to one origin: 10,000 changed origins get none (threat T7)."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localrouter.config.catalogue import load_catalogue
from localrouter.core.catalogue import Host
from localrouter.keys import provider_keys
from localrouter.keys.binding import bound, credential_is_for, variable_is_for
from localrouter.keys.credentials import name_of

OWN = "https://api.openai.com/v1"
OPENAI = load_catalogue().hosts["openai"]

SAME = (OWN, OWN + "/", "HTTPS://API.OpenAI.com/v1", "https://api.openai.com:443/v1")
OTHER = (
    "http://api.openai.com/v1",
    "https://api.openai.com.evil.example/v1",
    "https://api.openai.com./v1",
    "https://api.openai.com:444/v1",
    "https://api.openai.com:0443/v1",
    "https://api.openai.com/v1/../x",
    "https://api.openai.com/V1",
    "https://api.openai.com//v1",
    "https://api.openai.com",
    "https://user@api.openai.com/v1",
    "https://api.openai.com@evil.example/v1",
    "https://api.openai.com\\@evil.example/v1",
    "https://evil.example/v1?https://api.openai.com/v1",
    "https://evil.example/v1#https://api.openai.com/v1",
    "https://api.openai.com/v1\n",
    "https://api.openai.com\t/v1",
    " https://api.openai.com/v1",
    "https://api.openai。com/v1",
    "https://аpi.openai.com/v1",
    "https://xn--pi-7kc.openai.com/v1",
    "https:/api.openai.com/v1",
    "//api.openai.com/v1",
    "https://api%2eopenai.com/v1",
    "",
)


@pytest.mark.parametrize("origin", SAME)
def test_the_same_origin_written_otherwise(origin: str) -> None:
    assert bound(origin) == "localrouter:" + OWN


@pytest.mark.parametrize("origin", OTHER)
def test_another_origin(origin: str) -> None:
    host = replace(OPENAI, origin=origin)
    assert bound(origin) != bound(OWN) and not variable_is_for(host) and not credential_is_for(host)


def test_only_https_and_loopback_have_a_key() -> None:
    assert bound("http://127.0.0.1:9/v1") == "localrouter:http://127.0.0.1:9/v1"
    assert bound("http://[::1]:9") == "localrouter:http://[::1]:9" and bound("http://localhost") is not None
    for origin in (
        "http://127.0.0.1.evil.example",
        "http://10.0.0.1/v1",
        "http://0x7f.1/",
        "ftp://127.0.0.1",
        "http://2130706433",
    ):
        assert bound(origin) is None


def test_every_shipped_host_has_its_own_variable_and_a_credential_name() -> None:
    for host in load_catalogue().hosts.values():
        assert variable_is_for(host) and credential_is_for(host) and name_of(host) == f"localrouter-{host.name}"


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "..", ".hidden", "a\x00b", ""])
def test_a_host_name_is_no_path(name: str) -> None:
    assert name_of(Host(name=name, origin=OWN, key_env="X")) == ""


@pytest.fixture
def _with_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-" + "everywhere")


@pytest.mark.usefixtures("_with_key")
def test_ten_thousand_changed_origins() -> None:
    """One to three edits of the origin; whatever still names the same origin is known to, all else gets no key from any place."""
    draw = random.Random(7)
    alphabet = "abcdefghijklmnopqrstuvwxyzAPIOENV0123456789.:/@\\?#%[]- \t\n\u3002\u0430\u200b~_;,"
    key = provider_keys.from_environment("OPENAI_API_KEY")
    assert key is not None
    stored_name, tried = bound(OWN), 0
    while tried < 10_000:
        text = OWN
        for _ in range(draw.randint(1, 3)):
            at = draw.randrange(len(text) + 1)
            text = (
                text[:at] + draw.choice(["", *alphabet, "..", "//", "evil.example", "user:pw@"]) + text[at + draw.randint(0, 2) :]
            )
        name = bound(text)
        host = replace(OPENAI, origin=text)
        same = text.lower().replace(":443/", "/").rstrip("/") == OWN and text.split("/", 3)[-1].rstrip("/") == "v1"
        if same:
            continue
        tried += 1
        assert name != stored_name, text
        rest = provider_keys.Beside({}, {stored_name or "": key}, file_chosen=True)
        assert provider_keys.find(host, {OWN: key}, rest) is None, text


@given(st.text())
@settings(max_examples=500, deadline=None)
def test_any_text_is_an_origin_or_none(text: str) -> None:
    name = bound(text)
    assert name is None or (name.isascii() and name.startswith(("localrouter:https://", "localrouter:http://")))
