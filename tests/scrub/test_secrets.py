"""Secrets: what is found, exactly which characters of it, and what looks like one and is none.

Values are drawn at run time from a fixed seed, so that no scanner of this repository finds a key in it.
"""

from __future__ import annotations

import base64
import json
import random
import string

import pytest
from cpu import least
from hypothesis import given, settings
from hypothesis import strategies as st

from localrouter.core.kinds import kind
from localrouter.scrub import detectors
from localrouter.scrub.detectors import (
    assignment,
    bare_token,
    basic_auth,
    cloud_pair,
    command_line,
    connection_string,
    credential_files,
    jwt,
    kubernetes_secret,
    login_call,
    name_value,
    password_hash,
    pem,
    secret_column,
    secret_rules,
    sql_password,
    url_password,
)

OURS = (
    assignment, bare_token, basic_auth, cloud_pair, command_line, connection_string, credential_files, jwt, kubernetes_secret,
    login_call, name_value, password_hash, pem, secret_column, secret_rules, sql_password, url_password,
)  # fmt: skip
LETTERS = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits
HEX = "0123456789abcdef"
PASSWORDS = ("hunter22", "Summer2019!", "p@ssw0rd", "s3cr3t", "swordfish", "correcthorse", "trustno1", "qwerty", "root1234")


def draw(length: int, alphabet: str = LETTERS, seed: int = 7) -> str:
    """The same random text for the same arguments."""
    return "".join(random.Random(f"{seed}{length}{alphabet}").choices(alphabet, k=length))


def secrets_in(text: str, context: str = "") -> list[str]:
    """Values of class `secret`, after merging, in order."""
    return [text[f.start : f.end] for f in detectors.find(text, context) if kind(f.type).data_class == "secret"]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# ---------------------------------------------------------------------------------------------------------------- passwords


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize(
    "form",
    [
        "DB_PASSWORD=%s\n",
        'export DB_PASSWORD="%s"',
        "[db]\nuser = bob\npassword = %s\nhost = db1\n",
        "db:\n  user: bob\n  password: %s\n",
        '{"user": "bob", "password": "%s"}',
        '{"user":"bob","password":"%s"}',
        "$dbpasswd = '%s';",
        "'password' => '%s',",
        "const password = '%s';",
        'String password = "%s";',
        'master_password = "%s"',
        "spring.datasource.password=%s",
        "ansible_ssh_pass: %s",
        '<c user="x" password="%s"/>',
        "define('DB_PASSWORD', '%s');",
        'username "bob"\npassword "%s"\n',
        "ENV DB_PASSWORD %s",
        "AdminPassword=%s\nPort=1\n",
        'connect(host="x", password="%s")',
        "my password is %s",
    ],
)
def test_a_password_under_its_name(form: str, password: str) -> None:
    assert secrets_in(form.replace("%s", password)) == [password]


@pytest.mark.parametrize("password", ["hunter22", "Summer2019!", "s3cr3t", "swordfish", "trustno1", "root1234"])
@pytest.mark.parametrize(
    "form",
    [
        "<password>%s</password>",
        "<Server><Host>h</Host><Pass>%s</Pass></Server>",
        '<add key="SmtpPassword" value="%s" />',
        '{"name": "DB_PASSWORD", "value": "%s"}',
        "- name: DB_PASSWORD\n  value: %s\n",
        "postgres://app:%s@db:5432/x",
        "redis://:%s@cache:6379/0",
        "machine ftp.acme.com login bob password %s",
        "db1:5432:app:bob:%s",
        "curl -u bob:%s https://acme.com",
        "foo --password=%s",
        "Server=x;Uid=bob;Pwd=%s;",
        "jdbc:oracle:thin:scott/%s@//db:1521/orcl",
        "CREATE USER bob IDENTIFIED BY '%s';",
        "ALTER ROLE bob WITH PASSWORD '%s';",
    ],
)
def test_a_password_by_its_place(form: str, password: str) -> None:
    assert secrets_in(form.replace("%s", password)) == [password]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("mysql -u root -pblueb1rd db", "blueb1rd"),
        ("docker login -u bob -p blueb1rd registry.acme.com", "blueb1rd"),
        ("sshpass -p 'blue b1rd' ssh host", "blue b1rd"),
        ("echo blueb1rd | sudo -S apt update", "blueb1rd"),
        ("psexec \\\\host -u bob -p blueb1rd cmd", "blueb1rd"),
        ("amqp://bob:p@ss%40word@mq/vhost", "p@ss%40word"),
        ("mongodb://bob:pa/ss1@db:27017/x", "pa/ss1"),
        ("Driver={SQL Server};Server=x;Uid=bob;Pwd={a;b}}c1};", "a;b}}c1"),
        ('cred = new NetworkCredential("bob", "blueb1rd9");', "blueb1rd9"),
        ('requests.get(url, auth=("bob", "blueb1rd9"))', "blueb1rd9"),
        ('$db = mysqli_connect("localhost", "root", "blueb1rd", "db");', "blueb1rd"),
        ("the default password is 'blooberry'", "blooberry"),
        ("the password for user 'bob' is \"fr0gs\"", "fr0gs"),
        ("user: bob password: blueb1rd9 and then", "blueb1rd9"),
        ('if user == "bob" and password == "team10":', "team10"),
        ("password: |\n    blueb1rd9\nuser: bob", "blueb1rd9"),
        ("Пароль: гдеЖе77котик", "гдеЖе77котик"),
        ("login: bob / blueb1rd9", "blueb1rd9"),
        ("here are the creds: bob:blueb1rd9 ok", "blueb1rd9"),
        ("password=hunter22&user=bob", "hunter22"),
        ('<property name="hibernate.connection.password">hunter22</property>', "hunter22"),
        ("WIFI: SSID home, password: MyWifi2024!", "MyWifi2024!"),
        ('password: str = "blueb1rd9"', "blueb1rd9"),
        ("let password: string='blueb1rd9';", "blueb1rd9"),
        ("contraseña=gat0negro7\n", "gat0negro7"),
    ],
)
def test_a_password_where_it_stands(text: str, value: str) -> None:
    assert secrets_in(text) == [value]


def test_a_leaf_under_a_key_has_its_key_in_the_context() -> None:
    assert secrets_in("blueb1rd9", "arguments.db.password") == ["blueb1rd9"]
    assert secrets_in("blueb1rd9", "arguments.db.name") == []
    token = draw(40)
    assert secrets_in(token, "headers.apiKey") == [token]


@pytest.mark.parametrize(
    "table",
    [
        "user,password,role\nbob,%s,admin\neve,%s,user\n",
        "| user | password |\n|------|----------|\n| bob | %s |\n| eve | %s |\n",
        "user\tdb_password\nbob\t%s\neve\t%s\n",
        '"user","password"\n"bob, jr","%s"\n"eve","%s"\n',
    ],
)
def test_a_column_of_passwords(table: str) -> None:
    text = table.replace("%s", "hunter22", 1).replace("%s", "Tr0ub4dor&3", 1)
    assert secrets_in(text) == ["hunter22", "Tr0ub4dor&3"]
    assert secrets_in("'PASSWORD',\n'VALID-EVENT2',\n'VALUE_3',\n") == []
    assert secrets_in("user,password_policy\nbob,strict9\n") == []


def test_the_seed_of_a_wallet() -> None:
    seed = "legal winner thank year wave sausage worth useful legal winner thank yellow"
    for text in (f"seed phrase: {seed}", f'mnemonic = "{seed}"', f"my recovery phrase is {seed}"):
        assert secrets_in(text) == [seed]
    assert secrets_in("seed phrase: the words that you wrote down when the wallet was made") == []


def test_hashes_of_passwords() -> None:
    b = "./" + LETTERS
    for value in (
        "$2b$12$" + draw(53, b),
        "$6$" + draw(8, b) + "$" + draw(86, b),
        "$5$" + draw(8, b) + "$" + draw(43, b),
        "$apr1$" + draw(8, b) + "$" + draw(22, b),
        "$1$" + draw(8, b) + "$" + draw(22, b),
        "$argon2id$v=19$m=65536,t=3,p=4$" + draw(22) + "$" + draw(43),
        "{SSHA}" + draw(38),
        "pbkdf2_sha256$260000$" + draw(22) + "$" + draw(43) + "=",
    ):
        assert secrets_in(f"bob:{value}") == [value], value
    # Not hashes of passwords: digests of files.
    for line in (f"{draw(64, HEX)}  dist/app.tar.gz", f"sha256:{draw(64, HEX)}", f"md5 = {draw(32, HEX)}"):
        assert secrets_in(line) == []


# ------------------------------------------------------------------------------------------------------------- keys, tokens


@pytest.mark.parametrize(
    ("kind_", "value"),
    [
        ("API_KEY", "AKIA" + draw(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")),
        ("TOKEN", "ghp_" + draw(36)),
        ("TOKEN", "github_pat_" + draw(22) + "_" + draw(59)),
        ("TOKEN", "glpat-" + draw(20)),
        ("TOKEN", "xoxb-" + draw(12, "123456789") + "-" + draw(13, "123456789") + "-" + draw(24)),
        ("API_KEY", "sk-ant-api03-" + draw(93) + "AA"),
        ("API_KEY", "sk-proj-" + draw(74) + "T3BlbkFJ" + draw(74)),
        ("API_KEY", "AIza" + draw(35)),
        ("TOKEN", "hf_" + draw(34, string.ascii_letters)),
        ("TOKEN", "npm_" + draw(36)),
        ("TOKEN", "pypi-AgEIcHlwaS5vcmc" + draw(70)),
        ("API_KEY", "sk_live_" + draw(24)),
        ("API_KEY", "SG." + draw(22) + "." + draw(43)),
        ("TOKEN", "shpat_" + draw(32, HEX)),
        ("TOKEN", "hvs." + draw(95)),
        ("TOKEN", "sha256~" + draw(43)),
        ("TOKEN", "lr-" + draw(43)),
        ("API_KEY", "gsk_" + draw(52)),
        ("API_KEY", "SK" + draw(32, HEX)),
        ("SECRET", "AGE-SECRET-KEY-1" + draw(58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L")),
    ],
)
def test_a_key_that_says_what_it_is(kind_: str, value: str) -> None:
    for text in (value, f"use {value} for it", f'x("{value}");', f"KEY={value}\n", f"https://acme.com/?k={value}&x=1"):
        found = [(f.type, text[f.start : f.end]) for f in detectors.find(text) if kind(f.type).data_class == "secret"]
        assert [v for _, v in found] == [value], (text, found)
    assert kind_ in {f.type for f in detectors.find(value)}


@pytest.mark.parametrize(
    ("length", "alphabet"), [(32, HEX), (40, HEX), (24, LETTERS), (32, LETTERS), (43, LETTERS + "-_"), (64, LETTERS + "+")]
)
@pytest.mark.parametrize(
    "form",
    [
        "API_KEY=%s\n",
        'api_key: "%s"',
        'token = "%s"',
        "client_secret: %s\n",
        '{"access_token":"%s"}',
        "X-Api-Key: %s",
        "secretKey = '%s';",
        "tool --token %s",
        "my api key is %s",
        "Here is the access token: %s thanks",
        "https://acme.com/x?api_key=%s&y=1",
        'curl -H "Authorization: Bearer %s" https://acme.com',
    ],
)
def test_a_random_value_under_its_name(form: str, length: int, alphabet: str) -> None:
    found = 0
    for seed in range(5):
        value = draw(length, alphabet, seed)
        found += secrets_in(form.replace("%s", value)) in ([value], [value.rstrip("-_+")])
    assert found >= 4, f"{found} of 5"


def test_a_key_alone_on_its_line() -> None:
    value = draw(40)
    assert secrets_in(f"here you go\n{value}\nthanks") == [value]
    assert secrets_in(value) == [value]
    # Many such lines are a block of data.
    block = "\n".join(draw(64, LETTERS + "+/", seed) for seed in range(8))
    assert secrets_in(block) == []


def test_pairs() -> None:
    secret = draw(40, LETTERS + "/+", 3)
    key_id = "AKIA" + draw(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    assert secrets_in(f"{key_id}\n{secret}\n") == [key_id, secret]
    assert secrets_in(f"[default]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n") == [key_id, secret]
    azure = draw(3) + "8Q~" + draw(34, LETTERS + "._-~")[:-1] + "a"
    assert secrets_in(f"tenant x\nazure client secret {azure}\n") == [azure]


def test_docker_and_npm_keep_user_and_password_in_base64() -> None:
    pair = b64("bob:" + draw(16))
    assert secrets_in(json.dumps({"auths": {"quay.io": {"auth": pair}}})) == [pair]
    assert secrets_in(f"//npm.acme.com/:_auth={pair}\n") == [pair]
    assert secrets_in(f"Authorization: Basic {pair}") == [pair]
    assert secrets_in("Authorization: Basic realm=acme") == []
    assert secrets_in("a basic understanding1234 of it") == []


# ------------------------------------------------------------------------------------------------------------ keys in blocks


def block(label: str = "RSA ", seed: int = 1) -> tuple[str, str, str]:
    """(first line, body of 12 lines, last line)."""
    body = "\n".join(draw(64, LETTERS + "+/", seed * 100 + i) for i in range(12))
    return f"-----BEGIN {label}PRIVATE KEY-----", "MII" + body[3:], f"-----END {label}PRIVATE KEY-----"


@pytest.mark.parametrize("label", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "DSA "])
def test_private_keys(label: str) -> None:
    begin, body, end = block(label)
    whole = f"{begin}\n{body}\n{end}"
    forms = (
        whole,
        whole.replace("\n", "\r\n"),
        json.dumps({"private_key": whole}),
        "\n".join("    " + line for line in whole.splitlines()),
        "\n".join("> " + line for line in whole.splitlines()),
        "\n".join(f'"{line}\\n"' for line in whole.splitlines()),
        f"{begin}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,{draw(32, HEX)}\n\n{body}\n{end}",
    )
    for text in forms:
        found = [f for f in pem.find(text, "") if f.type == "PRIVATE_KEY"]
        assert len(found) == 1, text[:200]
        value = text[found[0].start : found[0].end]
        assert value.startswith("-----BEGIN") and value.endswith("-----") and body.splitlines()[5] in value
    cut = f"{begin}\n" + "\n".join(body.splitlines()[:4])
    assert [cut[f.start : f.end] for f in pem.find(cut + "\nand then prose follows here", "")] == [cut]


def test_what_is_public_or_a_sample_is_no_private_key() -> None:
    begin, body, end = block("")
    for text in (
        f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----",
        f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----",
        f"{begin}\n...\n{end}",
        f"{begin}\nYOUR KEY HERE\n{end}",
        f"{begin}\n{'A' * 64}\n{'A' * 64}\n{end}",
        f"-----BEGIN EXAMPLE PRIVATE KEY-----\n{body}\n-----END EXAMPLE PRIVATE KEY-----",
        f"if text.startswith('{begin}'): return load(text)",
        "ssh-rsa " + "AAAAB3NzaC1yc2E" + draw(200) + " bob@acme",
    ):
        assert not any(f.type == "PRIVATE_KEY" for f in detectors.find(text)), text[:80]


def test_other_armours() -> None:
    lines = "\n".join(draw(64, LETTERS + "+/", i) for i in range(6))
    putty = f"PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: k\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 6\n{lines}\nPrivate-MAC: {draw(40, HEX)}\n"
    assert lines.splitlines()[3] in secrets_in(putty)[0] and "AAAA\n" not in secrets_in(putty)[0]
    d, n = draw(43, LETTERS + "-_", 1), draw(86, LETTERS + "-_", 2)
    jwk = json.dumps({"kty": "EC", "crv": "P-256", "x": n[:43], "y": n[43:], "d": d})
    assert [jwk[f.start : f.end] for f in pem.find(jwk, "")] == [d]
    wrapped = b64("\n".join(block()))
    assert secrets_in(f"tls.key: {wrapped}") == [wrapped]
    pgp = f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 2\n\n{lines}\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----"
    assert secrets_in(pgp) == [pgp]


def test_tokens_of_json() -> None:
    def part(tree: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(tree).encode()).decode().rstrip("=")

    token = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': 'bob', 'exp': 1})}.{draw(43, LETTERS + '-_')}"
    for text in (token, f"Authorization: Bearer {token}", f"?jwt={token}&x=1", f'"{token}"'):
        assert secrets_in(text) == [token]
    other = f"{part({'colour': 'red'})}.{part({'sub': 'bob'})}.{draw(20)}"
    assert jwt.find(other, "") == []


# ---------------------------------------------------------------------------------------------------------------- manifests


@pytest.mark.parametrize(
    "field", ["  password: %s", '  password: "%s"', "  .dockercfg: |\n    %s", "  k: %s # now", "  a-b.c: >\n    %s"]
)
@pytest.mark.parametrize("late", [False, True])
def test_a_kubernetes_secret(field: str, late: bool) -> None:
    value = b64("cr3dential-of-" + draw(12))
    head, data = (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ntype: Opaque\n",
        "data:\n" + field.replace("%s", value) + "\n",
    )
    assert secrets_in(data + head if late else head + data) == [value]


def test_kubernetes_values_that_are_none() -> None:
    head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\n"
    for data in (
        "data:\n  password: {{ .Values.password }}\n",
        "data:\n  extra: YmFyCg==\n",
        "stringData:\n  hostname:\n",
        "stringData:\n  key: ${var.KEY}\n",
        "data:\n  id: " + b64("AKIAIOSFODNN7EXAMPLE") + "\n",
    ):
        assert secrets_in(head + data) == [], data
    assert secrets_in("kind: ConfigMap\ndata:\n  motd: " + b64("welcome to the machine") + "\n") == []


# -------------------------------------------------------------------------------------------------------------- none of them


@pytest.mark.parametrize(
    "text",
    [
        "API_KEY=YOUR_API_KEY",
        "api_key: <your key here>",
        "token = 'sk-" + "x" * 40 + "'",
        "password: ${DB_PASSWORD}",
        "password = {{ vault_password }}",
        "PASSWORD=changeme",
        "password: password",
        "secret: my-secret",
        "AWS_ACCESS_KEY_ID=" + "AKIA" + "IOSFODNN7EXAMPLE",
        "ghp_" + "ab" * 18,
        "gho_" + "." * 36,
        "password = os.environ['DB_PASSWORD']",
        "api_key = os.getenv('API_KEY', '')",
        "const token = process.env.TOKEN;",
        "password = getpass.getpass()",
        "self.password = password1",
        "token = parser.next_token()",
        "def login(user: str, password: str = '') -> None: ...",
        "password: string;",
        '"password": {"type": "string", "minLength": 8}',
        '<input type="password" name="password" placeholder="Enter password">',
        '"forgotPassword": "Forgot your password?"',
        "KEY_PASSWORD: ${{ secrets.KEY_PASSWORD }}",
        "passwd=`cat /run/secrets/pw`",
        "secret_file: /run/secrets/db_password",
        "password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256",
        "secret: ENC[AES256_GCM,data:tUf83Ex0oSbDGa8v]",
        "max_tokens=4096, eos_token='</s>'",
        "the password is required and your password is incorrect",
        "primary_key: user_id\nforeign_key = 'accounts.id'",
        "https://user:password@host/x",
        "https://example.com:8080/@scope/pkg",
        "git@github.com:acme/app.git",
        'integrity: "sha512-' + draw(86, LETTERS + "+/") + '=="',
        "golang.org/x/net v0.1.0 h1:" + draw(43, LETTERS + "+/") + "=",
        "commit " + draw(40, HEX),
        "image: acme/app@sha256:" + draw(64, HEX),
        'ETag: "' + draw(32, HEX) + '"',
        "550e8400-e29b-41d4-a716-446655440000 01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "data:image/png;base64," + draw(200, LETTERS + "+/"),
        "!function(e,t){var n=t.token,r=t.key;e.exports=n?r:null}(this,window);",
        "bearerToken: eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXV",
    ],
)
def test_no_secret(text: str) -> None:
    assert secrets_in(text) == []


# Placeholders, look-ups, templates, types, labels and names, as they stand in configuration, code and documentation.
NONE = """
API_KEY=YOUR_API_KEY
OPENAI_API_KEY=sk-xxxx
OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
OPENAI_API_KEY="sk-..."
OPENAI_API_KEY=sk-your-api-key-here
openai.api_key = "sk-YOUR_KEY_HERE_PLEASE_REPLACE_IT"
ANTHROPIC_API_KEY=sk-ant-your-key-here-xxxxxxxxxxxxxxxx
api_key = "<your-api-key>"
password=changeme
password: changeit
PASSWORD=***
DB_PASSWORD=********
token: REPLACE_ME
token: TODO
SECRET_KEY=dummy
SECRET_KEY="your-secret-key-here"
SECRET_KEY = 'django-insecure-change-me-please'
api_key: my-api-key
GITHUB_TOKEN=ghp_your_token_here
GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
STRIPE_KEY=pk_test_xxxxxxxxxxxxxxxxxxxxxxxx
Authorization: Bearer <token>
Authorization: Bearer YOUR_ACCESS_TOKEN
Authorization: Bearer $ACCESS_TOKEN
Authorization: Bearer ${TOKEN}
Authorization: `Bearer ${token}`
headers = {"Authorization": f"Bearer {token}"}
curl -u user:password https://x
curl -u $USER:$PASS https://x
curl -H "X-API-Key: $API_KEY" https://x
password = "{{ db_password }}"
password = "%DB_PASSWORD%"
const key = process.env.API_KEY
password: <%= ENV["DB_PASSWORD"] %>
password: "#{ENV['DB_PASSWORD']}"
@Value("${spring.datasource.password}") private String password;
String password = System.getenv("DB_PASSWORD");
$password = getenv('DB_PASSWORD');
$password = $_POST['password'];
password = config.get("db.password")
'password' => env('DB_PASSWORD', ''),
apiKey: import.meta.env.VITE_API_KEY,
secret: ${{ secrets.MY_SECRET }}
postgres://user:password@localhost:5432/db
postgres://USER:PASS@HOST:PORT/DB
postgresql://${DB_USER}:${DB_PASS}@host/db
mongodb+srv://<username>:<password>@cluster0.mongodb.net
https://user:token@github.com/org/repo
https://x-access-token:${GITHUB_TOKEN}@github.com/o/r
AccountName=x;AccountKey=<key>;EndpointSuffix=core.windows.net
Server=x;Password={0};
Server=x;Uid=u;Pwd=${PWD};
mysql -u root -p$MYSQL_ROOT_PASSWORD
mysql -u root -p db < dump.sql
docker login -u $USER -p $PASS
tool --password $PASSWORD --token <token>
tool --password-file /run/secrets/x
--api-key string   The API key to use
password_hash = hash_password(password)
token = jwt.encode(payload, SECRET_KEY, algorithm="HS256")
def check_password(self, raw_password): return True
if (password.length < 8) throw new Error("Password too short")
labelPassword: "Password", placeholderPassword: "Enter your password"
"password": "string"
"password": null, "token": ""
type: password
name="password" type="password" autocomplete="current-password"
access_token_expire_minutes = 30
tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased")
next_page_token = "CAUQAA"
public_key = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7"
key = f"user:{user_id}:profile"
cache_key = "v1:users:list:page:2"
primaryKey: "userId", sortKey: "createdAt"
keyboard_shortcut = "Ctrl+Shift+P"
secretName: my-app-tls-2024
serviceAccountName: build-bot-v2
passwordPolicy: "min8-upper-lower-digit"
PasswordAuthentication no
password sufficient pam_unix.so sha512 shadow nullok
auth required pam_env.so
secret_key_ref: projects/123/secrets/db/versions/5
kubectl get secret db-creds-v2 -o jsonpath='{.data.password}'
the token bucket algorithm refills 10 tokens per second
In this pass we compute pass2_result = 5
"tokens": {"input": 1234, "output": 567}
token: 0x1F
Token::Identifier => "ident"
"""


@pytest.mark.parametrize("line", NONE.strip().splitlines())
def test_a_line_without_a_secret(line: str) -> None:
    assert secrets_in(line) == []


def test_long_tokens_are_found_whole() -> None:
    value = draw(1500)
    assert secrets_in(f"access_token={value}\n") == [value]
    assert secrets_in(f'{{"access_token": "{value}"}}') == [value]
    assert secrets_in("password: " + b64("blueb1rd") + "\n") == [b64("blueb1rd")]


def test_a_comment_that_asks_scanners_to_look_away_is_not_honoured() -> None:
    value = draw(40)
    for comment in ("# noqa", "# pragma: allowlist secret", "// gitleaks:allow", "# nosec"):
        assert secrets_in(f'api_key = "{value}"  {comment}') == [value]


# -------------------------------------------------------------------------------------------------------------- the machinery


def test_a_rule_that_runs_away_gives_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """It raises; the inspector turns that into no verdict for the whole batch, and nothing leaves."""
    from localrouter.scrub.detectors._prefilter import Words

    slow = secret_rules.Rule("test:slow", "TOKEN", r"(?:a|aa)+$", 0, 0.0, ("aa",), 0, 400, False)
    monkeypatch.setattr(secret_rules, "_rules", lambda: (Words(["aa"]), {"aa": (slow,)}))
    with pytest.raises(TimeoutError):
        detectors.find("a" * 200 + "!", "")


@pytest.mark.parametrize(
    "piece",
    [
        "a", "A1b", "-----BEGIN PRIVATE KEY-----", "password=", 'password = "', "password: ", "<password>", "name: password ", "eyJhbGciOiJIUzI1NiJ9.",
        "a://b:", "--password ", '"kty":"RSA",{', "kind: Secret\ndata:\n", "LS0tLS1CRUdJTi", "$6$", "login(", "(", "\\", '"', "password is ",
        "Cookie: sid=", "AKIA", "sk-", "xox", "Server=a;Password=", "a:1:b:c:", " ", "token ",
    ],
)  # fmt: skip
def test_time_is_linear_in_the_text(piece: str) -> None:
    """Four times the text takes about four times the CPU time, for each detector, on text made to be hard."""
    for detector in OURS:
        texts = [(piece * (size // len(piece) + 1))[:size] for size in (4_000, 16_000)]
        times = [least(lambda text=text, detector=detector: detector.find(text, "")) for text in texts]
        assert times[1] < 0.1 or times[1] < 12 * times[0], (detector.NAME, times)


def test_offsets_hold_when_lower_case_is_longer() -> None:
    value = "ghp_" + draw(36)
    assert secrets_in(f"İstanbul İİİ {value} ß") == [value]


PIECES = [
    "password", "=", ":", '"', "'", "\\", "\n", "  ", "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "://", "@", "#", "eyJhbGciOiJIUzI1NiJ9", ".",
    "kind: Secret\n", "data:\n", "  k: |\n", "{", "}", "<password>", "</password>", "curl -u a:", "Bearer ", "token ", "is ", "${", "é", "İ", "\ud800", "\x00", "|", ",", "&k=",
    "hunter22", "aB3dE5gH7jK9mN1pQ3sT5vW7yZ", "AKIA", "sk-", "Pwd=", ";", "$6$", "machine ", "login ", "define('", "PuTTY-User-Key-File-2: x\n", '"kty":"RSA"',
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=12), max_size=30))
def test_any_text_gets_a_verdict(pieces: list[str]) -> None:
    """No text makes a detector raise, and no finding lies outside its text: an error is a request that stays here."""
    text = "".join(pieces)
    for detector in OURS:
        for f in detector.find(text, "arguments.token"):
            assert 0 <= f.start < f.end <= len(text) and f.detector == detector.NAME


def test_every_finding_is_inside_its_text() -> None:
    text = f"é DB_PASSWORD=hunter22\nhttps://a:b1c2d3@h/ {draw(40)}\n" + "\n".join(block()) + "\npassword is tr0ub4dor"
    rows = [f for d in OURS for f in d.find(text, "")]
    assert len(rows) >= 4
    for f in rows:
        assert 0 <= f.start < f.end <= len(text) and 0 < f.score <= 1 and kind(f.type).data_class == "secret"
