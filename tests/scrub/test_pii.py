"""Structured PII: what is found, exactly where, and what only looks like it. Each detector alone, so that a failure names it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from cpu import least

from localrouter.scrub import detectors
from localrouter.scrub.detectors import (
    _threshold,
    account,
    address,
    birth,
    card,
    email,
    home_path,
    host,
    iban,
    ip,
    mac,
    phone,
    ssn,
    wallet,
)
from localrouter.scrub.detectors._digits import luhn

BY_NAME = {d.NAME: d for d in (account, address, birth, card, email, home_path, host, iban, ip, mac, phone, ssn, wallet)}


@pytest.fixture(autouse=True)
def defaults() -> Iterator[None]:
    """Settings are the process's; no test leaves its own behind."""
    yield
    _threshold.configure({})


def values(name: str, text: str, context: str = "") -> list[str]:
    return [text[f.start : f.end] for f in sorted(BY_NAME[name].find(text, context))]


FOUND = [
    # e-mail
    ("email", "write to jane.roe+news@mail.corp-x.co.uk.", "jane.roe+news@mail.corp-x.co.uk"),
    ("email", "email=jane@roe.org&x=1", "jane@roe.org"),
    ("email", "user 'jane@roe.org' is", "jane@roe.org"),
    ("email", "o'brien@roe.ie wrote", "o'brien@roe.ie"),
    ("email", '"jane roe"@roe.org', '"jane roe"@roe.org'),
    ("email", "müller@bücher.de", "müller@bücher.de"),
    ("email", "联系 用户@例子.公司", "用户@例子.公司"),
    ("email", "jane [at] roe [dot] org", "jane [at] roe [dot] org"),
    ("email", "jane(at)roe.org", "jane(at)roe.org"),
    ("email", "mail me: jane at roe dot org", "jane at roe dot org"),
    ("email", "see jane\\@roe.org in markdown", "jane\\@roe.org"),
    ("email", "jane&#64;roe.org", "jane&#64;roe.org"),
    ("email", "rsync jane@box.corp.internal:/x", "jane@box.corp.internal"),
    ("email", "1234+jane@users.noreply.github.com", "1234+jane@users.noreply.github.com"),
    ("email", "mail: jane@roe.nosuchzone", "jane@roe.nosuchzone"),
    # cards
    ("card", "4539 1488 0343 6467", "4539 1488 0343 6467"),
    ("card", "pay 4539-1488-0343-6467 now", "4539-1488-0343-6467"),
    ("card", "4539\u20111488\u20110343\u20116467", "4539\u20111488\u20110343\u20116467"),
    ("card", "2221000000000009", "2221000000000009"),
    ("card", "3782 822463 10005", "3782 822463 10005"),
    ("card", "my card 6304000000000000 expires", "6304000000000000"),
    ("card", "card 4539 - 1488 - 0343 - 6467", "4539 - 1488 - 0343 - 6467"),
    ("card", "my card is 4 5 3 9 1 4 8 8 0 3 4 3 6 4 6 7", "4 5 3 9 1 4 8 8 0 3 4 3 6 4 6 7"),
    # IBAN
    ("iban", "IBAN DE89 3704 0044 0532 0130 00 BIC COBADEFF", "DE89 3704 0044 0532 0130 00"),
    ("iban", "gb29nwbk60161331926819", "gb29nwbk60161331926819"),
    ("iban", "NO93 8601 1117 947,", "NO93 8601 1117 947"),
    ("iban", "UA213223130000026007233566001", "UA213223130000026007233566001"),
    # US numbers
    ("ssn", "536-90-4399", "536-90-4399"),
    ("ssn", "SSN 536904399", "536904399"),
    ("ssn", "social security number: 536 90 4399", "536 90 4399"),
    ("ssn", "SSN: 536 - 90 - 4399", "536 - 90 - 4399"),
    ("ssn", "SSN: 5 3 6 9 0 4 3 9 9", "5 3 6 9 0 4 3 9 9"),
    ("ssn", "my SSN is 000-12-3456", "000-12-3456"),
    ("ssn", "ITIN 912-70-1234", "912-70-1234"),
    # addresses of machines
    ("ip", "ip=10.42.17.9:8080", "10.42.17.9"),
    ("ip", "http://172.20.1.7/x", "172.20.1.7"),
    ("ip", "range 10.0.0.12-10.0.0.20", "10.0.0.12"),
    ("ip", "net 10.20.30.0/24", "10.20.30.0"),
    ("ip", "[2a02:8108:9640::17]:443", "2a02:8108:9640::17"),
    ("ip", "inet6 fe80::1ff:fe23:4567:890a%eth0", "fe80::1ff:fe23:4567:890a"),
    ("ip", "::ffff:93.184.216.34 in", "::ffff:93.184.216.34"),
    ("ip", "server 4.20.1.3 is up", "4.20.1.3"),
    ("mac", "ether 3c:22:fb:9a:10:4e up", "3c:22:fb:9a:10:4e"),
    ("mac", "3C-22-FB-9A-10-4E", "3C-22-FB-9A-10-4E"),
    ("mac", "3c22.fb9a.104e", "3c22.fb9a.104e"),
    # phones
    ("phone", "+49 (0)30 901820", "+49 (0)30 901820"),
    ("phone", "+1 415 555 0132 ext. 12", "+1 415 555 0132 ext. 12"),
    ("phone", "(415) 555-0132", "(415) 555-0132"),
    ("phone", "415-555-0132x77", "415-555-0132x77"),
    ("phone", "020 7946 0958", "020 7946 0958"),
    ("phone", "06 12 34 56 78", "06 12 34 56 78"),
    ("phone", "06.12.34.56.78", "06.12.34.56.78"),
    ("phone", "Telefon 0171-1234567", "0171-1234567"),
    ("phone", "電話: 03-1234-5678", "03-1234-5678"),
    ("phone", '"mobile_phone": "9876543210"', "9876543210"),
    ("phone", "tel:+14155550132", "+14155550132"),
    ("phone", "0049 30 901820", "0049 30 901820"),
    ("phone", "Desk: 555 0132 / Fax: 555 0199", "555 0132"),
    # dates of birth
    ("birth", "DOB: 1984-03-03", "1984-03-03"),
    ("birth", "she was born on March 3rd, 1984", "March 3rd, 1984"),
    ("birth", "geboren am 3. März 1984", "3. März 1984"),
    ("birth", "fecha de nacimiento: 3 de marzo de 1984", "3 de marzo de 1984"),
    ("birth", "生年月日: 1984年3月3日", "1984年3月3日"),
    # Bitcoin's first block and BIP-173's own sample
    ("wallet", "to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("wallet", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
    ("wallet", "my wallet 0x52908400098527886E0F7030069857D2E4169EE7", "0x52908400098527886E0F7030069857D2E4169EE7"),
    # homes
    ("home_path", "/home/mkowalska/x.py:4", "mkowalska"),
    ("home_path", "/var/home/mkowalska/x", "mkowalska"),
    ("home_path", "C:\\Users\\Jane Roe\\Desktop", "Jane Roe"),
    ("home_path", '{"p": "C:\\\\Users\\\\jane.roe\\\\x"}', "jane.roe"),
    ("home_path", "c:/users/jane/x", "jane"),
    ("home_path", "/mnt/c/Users/jane/x", "jane"),
    ("home_path", "file:///home/jane/x", "jane"),
    ("home_path", "path=%2Fhome%2Fjane%2Fx", "jane"),
    ("home_path", "\\/Users\\/jane\\/x", "jane"),
    ("home_path", "cp a ~mkowalska/b", "mkowalska"),
    ("home_path", ".claude/projects/-home-mkowalska-src", "mkowalska"),
    ("home_path", "vscode-remote://wsl+ubuntu/home/jane/x", "jane"),
    # streets
    ("address", "at 742 Evergreen Terrace, Springfield, IL 62704.", "742 Evergreen Terrace, Springfield, IL 62704"),
    ("address", "221B Baker St", "221B Baker St"),
    ("address", "12 Baker Street, London NW1 6XE", "12 Baker Street, London NW1 6XE"),
    ("address", "45 Elm Drive, Apt 4B", "45 Elm Drive, Apt 4B"),
    ("address", "Hauptstraße 12a, 10115 Berlin", "Hauptstraße 12a, 10115 Berlin"),
    ("address", "12 rue de la Paix, 75002 Paris", "12 rue de la Paix, 75002 Paris"),
    ("address", "14 Rue des Lilas, 69003 Lyon. Phone: +33", "14 Rue des Lilas, 69003 Lyon"),
    ("address", "Hauptstraße 5, 10115 Berlin Tel 030", "Hauptstraße 5, 10115 Berlin"),
    ("address", "9 Elm Street, St. Louis, MO 63101. Thanks", "9 Elm Street, St. Louis, MO 63101"),
    ("address", "Calle Mayor 5, 28013 Madrid", "Calle Mayor 5, 28013 Madrid"),
    ("address", "東京都渋谷区神南1-19-11", "東京都渋谷区神南1-19-11"),
    ("address", "P.O. Box 1234, Austin, TX 78701", "P.O. Box 1234, Austin, TX 78701"),
    ("address", "zip code: 94103", "94103"),
    # hosts
    ("host", "db-7.corp.internal is down", "db-7.corp.internal"),
    ("host", "http://grafana.internal/d", "grafana.internal"),
    ("host", "ssh vault.corp.acme.com", "vault.corp.acme.com"),
    ("host", "from Janes-MacBook-Pro.local", "Janes-MacBook-Pro.local"),
    ("host", "DESKTOP-4F7K2QL joined", "DESKTOP-4F7K2QL"),
    ("host", "ip-10-0-3-7.ec2.internal", "ip-10-0-3-7.ec2.internal"),
    # accounts
    ("account", "Accepted publickey for mkowalska from 10.0.0.5", "mkowalska"),
    ("account", "pam_unix: session opened for user mkowalska by", "mkowalska"),
    ("account", "drwxr-xr-x 2 mkowalska staff 4096 Jan 1 x", "mkowalska"),
    ("account", '"username": "mkowalska"', "mkowalska"),
    ("account", "uhaul_username = 'mk046613'", "mk046613"),
    ("account", "uid=1000(mkowalska) gid=1000(mkowalska) groups=27(sudo)", "mkowalska"),
    ("account", "mkowalska  1234  0.0  0.1 12345 6789 ?  Ss 10:00 0:00 -bash", "mkowalska"),
    ("account", "mkowalska:x:1000:1000:Marta Kowalska,,,:/home/mk:/bin/bash", "Marta Kowalska"),
    ("account", "clone https://mkowalska@git.roe.org/x", "mkowalska"),
    ("account", "username: m.kowalska", "m.kowalska"),
]


@pytest.mark.parametrize(("name", "text", "value"), FOUND, ids=[f"{n}-{v[:24]}" for n, _, v in FOUND])
def test_found(name: str, text: str, value: str) -> None:
    assert value in values(name, text)


LEFT = [
    ("email", "git@github.com:org/repo.git"),
    ("email", "react@18.2.0 and lodash@4.17.21.tgz"),
    ("email", "icon@2x.png getty@tty1.service"),
    ("email", "@pytest.fixture\ndef a(b): return x @ y.T"),
    ("email", "grad = a@w.sum(axis=0)"),
    ("email", "noreply@github.com u7kq4x@pii.invalid"),
    ("email", "look at this. Dot products are at the end. It is at home. No"),
    ("email", "meet at example dot"),
    ("email", "    deprecated: 'support by contacting me@roe.org'"),
    ("card", "4539148803436468"),
    ("card", "1718000000000000 5105105105105100123"),
    ("card", "550e8400-e29b-41d4-a716-446655440000"),
    ("card", "0.4539148803436467 is a number"),
    ("card", "0000000000000000"),
    ("card", "4 5 3 9 1 4 8 8 0 3 4 3 6 4 6 7 and 1 2 3 4 5 6 7 8 9 1 0 1 1 1 2 1 3"),
    ("iban", "DE89 3704 0044 0532 0130 01"),
    ("iban", "commit ab12cdef34ab12cdef34ab12cdef34"),
    ("ssn", "000-12-3456 666-12-3456 536-00-4399 536-90-0000 078-05-1120"),
    ("ssn", "order 536904399 of 2024"),
    ("ssn", "1-536-90-4399-2"),
    ("ip", "version 10.4.17.9 and Chrome/120.0.0.0 and v1.2.3.4"),
    ("ip", "127.0.0.1 0.0.0.0 8.8.8.8 192.0.2.7 198.18.3.4 255.255.255.0 10.0.0.0/8 ::1 :: 2001:db8::1"),
    ("ip", "1.3.6.1.4.1.311 name-1.2.3.4.tar.gz pkg@1.2.3.4 2.4.0.1"),
    ("ip", 'std::vec a::b::c bad::face x[1::2] 10:11:12 AssemblyVersion("1.0.0.0")'),
    ("mac", "00:00:00:00:00:00 ff:ff:ff:ff:ff:ff 01:00:5e:00:00:fb 10:11:12"),
    ("mac", "aa:bb:cc:dd:ee:ff:00:11 sha1 fingerprint"),
    ("phone", "epoch 1718000000 id 9876543210 2024-01-02 10:11:12"),
    ("phone", "v0.0.1-20240102150405-abcdef012345"),
    ("phone", "3.14159265358979 1,234,567.89 100 200 300"),
    ("phone", "@@ -1718000000 +1718000123 @@\n+1718000000\n"),
    ("phone", "550e8400-e29b-41d4-a716-446655440000 10.42.17.9 8080"),
    ("phone", "invoice 415-555-0132-77 order no. 020 7946 0958"),
    ("birth", "released 1984-03-03, Berlin"),
    ("birth", "the date of the meeting is 1984-03-03"),
    (
        "wallet",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdp contract 0x52908400098527886E0F7030069857D2E4169EE7",
    ),
    ("home_path", "/home/runner/work /Users/Shared /home/user ~/src https://x.org/home/index.html /users/7 a~b ~10"),
    ("home_path", "GET https://api.x.org/Users/list"),
    ("address", "Step 1 Open Road; 4 Closed Loop, 3 Random Walk, 100 Meter Dash Way"),
    ("address", "Via Python 3, String 5, port 8080 Street View, 2024 Road Map, capped at 30000 ms"),
    ("host", "threading.local() self.local org.acme.internal.Foo .env.local host.docker.internal"),
    ("host", "from acme.internal import x"),
    ("account", "username = request.user.name; user: hello there; login(user)"),
    ("account", "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin uid=0(root) db_username = 'postgres'"),
    ("account", "Get the token if user is logged in. User hints, user provides"),
    ("account", "root@localhost:~# -rw-r--r-- 1 root root 12 Jan 1 x"),
]


@pytest.mark.parametrize(("name", "text"), LEFT, ids=[f"{n}-{t[:24]}" for n, t in LEFT])
def test_left_alone(name: str, text: str) -> None:
    assert not values(name, text)


def test_a_json_key_is_a_cue() -> None:
    assert values("phone", "9876543210", "customer.phoneNumber") == ["9876543210"]
    assert values("phone", "9876543210", "customer.id") == values("phone", "9876543210", "phone.id") == []
    assert values("phone", "9876543210", "phone.value") == ["9876543210"]
    assert values("birth", "1984-03-03", "patient.birth_date") == ["1984-03-03"]
    assert values("ssn", "536904399", "employee.ssn") == ["536904399"]
    assert values("account", "mkowalska", "actor.login") == ["mkowalska"]


def test_cues_are_whole_words() -> None:
    """`lic` in `public`, `tel` in `hotel` and `card` in `discard` are none."""
    assert values("phone", "hotel 9876543210") == []
    assert values("ssn", "classn 536904399") == []


def test_a_threshold_moves_a_type() -> None:
    text = "ring 020 7946 0958"
    assert values("phone", text)
    _threshold.configure({"thresholds": {"PHONE": 0.95}})
    assert not values("phone", text)
    _threshold.configure({"thresholds": {"PHONE": 0.2}})
    assert values("phone", "id is 555 0132")
    with pytest.raises(ValueError, match="PHONE"):
        _threshold.configure({"thresholds": {"PHONE": 2}})


def test_numbers_without_their_check_digit_are_no_cards() -> None:
    chance = random.Random(7)
    wrong = 0
    while wrong < 300:
        number = f"4{chance.randrange(10**15):015}"
        if not luhn(number):
            wrong += 1
            assert not values("card", f"card {number}")


def test_ssh_and_prompts_name_a_user_and_a_machine() -> None:
    text = "mkowalska@buildbox:~/src$ ssh jpark@db7"
    assert [(f.type, text[f.start : f.end]) for f in sorted(account.find(text, ""))] == [
        ("USERNAME", "mkowalska"),
        ("HOST", "buildbox"),
        ("USERNAME", "jpark"),
        ("HOST", "db7"),
    ]


@pytest.mark.parametrize(
    "flood",
    [
        "::::",
        "0123456789",
        "a@",
        "a@a.",
        "1.",
        "+1 ",
        " at ",
        "/home/",
        "~a",
        "(1",
        "Aa ",
        "1 A ",
        "A B St ",
        "a.b-",
        "born 1",
        '"',
        "<a@b",
    ],
)
def test_a_flood_costs_its_size(flood: str) -> None:
    """Eight times the text, at most some twenty times the work; quadratic would be sixty-four."""
    mine = [d for d in detectors.all_detectors() if d.NAME in {*BY_NAME, "people", "mail_people", "national", "access_log"}]
    texts = [flood * (size // len(flood)) for size in (20_000, 160_000)]
    times = [least(lambda text=text: [detector.find(text, "") for detector in mine]) for text in texts]
    assert times[1] < max(times[0], 0.02) * 24, times
