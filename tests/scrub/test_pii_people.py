"""People where the text says so: headers, greetings, signatures, fields; and the user's own identity and lists."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localrouter.scrub import allowlist, detectors
from localrouter.scrub.detectors import identity, lists, mail_people, people


@pytest.fixture(autouse=True)
def nobody() -> Iterator[None]:
    yield
    identity.configure({})
    lists.configure({})


def names(text: str, context: str = "") -> set[str]:
    found = [*mail_people.find(text, context), *people.find(text, context)]
    assert all(f.type == "PERSON" for f in found)
    return {text[f.start : f.end] for f in found}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Author: Jane Roe <jane@roe.org>", "Jane Roe"),
        ("Author: Jane Roe\nDate: today", "Jane Roe"),
        ("author Jane Roe <jane@roe.org> 1718000000 +0200", "Jane Roe"),
        ("    Signed-off-by: jane roe <jane@roe.org>", "jane roe"),
        ("Co-authored-by: Øystein Bø <o@bo.no>", "Øystein Bø"),
        ('From: "Roe, Jane" <jane@roe.org>', "Roe, Jane"),
        ("To: Max Roe <m@roe.org>, Jane Roe <j@roe.org>", "Jane Roe"),
        ("3f2a9c1d (Jane Roe 2024-01-02 10:00:00 +0200 12) x = 1", "Jane Roe"),
        (" -- María López <m@lopez.es>  Mon, 01 Jan 2024", "María López"),
        ('"author": "Jane Roe <jane@roe.org>"', "Jane Roe"),
        ('authors = ["Jane Roe <jane@roe.org>"]', "Jane Roe"),
        (" * @author Jane Roe", "Jane Roe"),
        ("please ask Jane Roe <jane@roe.org> about it", "Jane Roe"),
        ("Dear Jane,", "Jane"),
        ("Hi Anna Lopez,", "Anna Lopez"),
        ("Kind regards,\nJane Roe\n", "Jane Roe"),
        ("Viele Grüße\n\nJürgen Müller", "Jürgen Müller"),
        ("My name is Jane and", "Jane"),
        ("ich heiße Jürgen Müller", "Jürgen Müller"),
        ("меня зовут Иван Петров", "Иван Петров"),
        ("Mr. O'Neill called", "O'Neill"),
        ("our customer Jane van der Berg asked", "Jane van der Berg"),
        ("first_name: Jane", "Jane"),
        ("Full Name: Jane Roe\nDOB: 1984-03-03", "Jane Roe"),
        ('{"name": "Jane Roe", "email": "x"}', "Jane Roe"),
        ("姓名: 王伟 电话 13800138000", "王伟"),
    ],
)
def test_found(text: str, name: str) -> None:
    assert name in names(text)


@pytest.mark.parametrize(
    "text",
    [
        "Co-authored-by: dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>",
        "Linux Kernel Mailing List <linux-kernel@vger.kernel.org>",
        "GitHub <noreply@github.com>",
        "Author: The Project Authors",
        '{"name": "Read File", "description": "Reads a file"}',
        "def f(first_name: String, last_name: String) -> None",
        "last_name=models.CharField(max_length=10)",
        "Hello World!",
        "Hi Everyone,",
        "I'm Using Python",
        "class Jordan(Victoria): pass",
        "std::vector<int> a; x < y && a@b > 2",
    ],
)
def test_left_alone(text: str) -> None:
    assert not names(text)


def test_json_keys_name_people() -> None:
    assert names("Jane Roe", "customer.name") == {"Jane Roe"}
    assert names("Jane", "user.first_name") == {"Jane"}
    assert not names("Read File", "tools.0.name")


def own(text: str) -> list[tuple[str, str]]:
    return [(f.type, text[f.start : f.end]) for f in sorted(identity.find(text, ""))]


def test_own_identity_in_its_forms() -> None:
    identity.configure(
        {
            "identity": {
                "user": "zaphodb",
                "host": "heartofgold\nheartofgold.sirius.net",
                "name": "Zaphod Beeble",
                "email": "zb@president.galaxy\nz@work.org",
            }
        }
    )
    text = "zaphodb@heartofgold:~$ git log --author='Zaphod Beeble' z@work.org zbeeble ZAPHOD heartofgold.sirius.net ZB@president.galaxy"
    assert own(text) == [
        ("OWN_USER", "zaphodb"),
        ("OWN_HOST", "heartofgold"),
        ("OWN_NAME", "Zaphod Beeble"),
        ("OWN_EMAIL", "z@work.org"),
        ("OWN_NAME", "zbeeble"),
        ("OWN_NAME", "ZAPHOD"),
        ("OWN_HOST", "heartofgold.sirius.net"),
        ("OWN_EMAIL", "ZB@president.galaxy"),
    ]
    assert not own("zaphodbx heartofgolden")
    identity.configure({})
    assert not own(text)


def test_a_login_that_is_a_word_is_looked_for_where_logins_stand() -> None:
    identity.configure({"identity": {"user": "max", "host": "main"}})
    assert own("max@box /srv/max/x") == [("OWN_USER", "max"), ("OWN_USER", "max")]
    assert not own("y = max(a, b); the max of main")


def test_deny_list() -> None:
    lists.configure({"deny": ["Project Falcon", "ORG:Acme Rockets", "SECRET:/acme-[0-9]{4}/", r"/ticket (\d{3})/"]})
    text = "PROJECT FALCON at Acme Rockets: acme-1234, ticket 777; Project Falcons"
    assert sorted((f.type, text[f.start : f.end]) for f in lists.find(text, "")) == [
        ("CUSTOM", "777"),
        ("CUSTOM", "PROJECT FALCON"),
        ("ORG", "Acme Rockets"),
        ("SECRET", "acme-1234"),
    ]


def test_an_expression_that_runs_away_gives_no_verdict() -> None:
    lists.configure({"deny": ["/(a|aa)+$/"]})
    with pytest.raises(TimeoutError):
        lists.find("a" * 200 + "!", "")


def test_a_broken_expression_is_refused_and_the_old_lists_stay() -> None:
    lists.configure({"deny": ["Falcon"], "allow": ["Eagle"]})
    for wrong in ({"deny": ["/(/"]}, {"allow": ["/(/"]}):
        with pytest.raises(ValueError, match="no regular expression"):
            lists.configure(wrong)
    assert lists.find("Falcon", "") and allowlist.allowed("eagle")


def test_allow_list() -> None:
    assert not allowlist.allowed("jane@roe.org")
    allowlist.configure(["Jane@Roe.org", r"/.*@acme\.org/", "/(a|aa)+$/"])
    try:
        assert allowlist.allowed(" jane@roe.org ") and allowlist.allowed("x@acme.org")
        assert not allowlist.allowed("x@acme.org.evil") and not allowlist.allowed("xjane@roe.org")
        assert not allowlist.allowed("a" * 200 + "!"), "an expression that runs away frees nothing"
    finally:
        allowlist.configure([])


def test_allowed_values_are_dropped_by_the_scan() -> None:
    text = "write to jane@roe.org or max@roe.org"
    detectors.configure({"allow": ["jane@roe.org"]})
    try:
        assert {text[f.start : f.end] for f in detectors.find(text)} == {"max@roe.org"}
    finally:
        detectors.configure({})
