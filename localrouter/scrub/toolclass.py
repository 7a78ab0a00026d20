"""What a tool does with its arguments, by its name. An unlisted name is "unknown", and gets nothing restored."""

from __future__ import annotations

import json
import re
from typing import Literal

ToolClass = Literal["edit", "shell", "local", "network", "unknown"]

_NAMES: dict[ToolClass, str] = {
    "edit": "write edit multiedit notebookedit applypatch strreplaceeditor strreplacebasededittool strreplace writefile "
    "writetofile editfile createfile insertedit insertcontent replaceinfile searchreplace searchandreplace "
    "applydiff newfile createnewfile editnotebook editexistingfile singlefindandreplace insertatcursor "
    "insert updatefile overwritefile appendfile replace replacestringinfile multireplacestringinfile inserteditintofile patch",
    "shell": "bash shell exec execcommand runterminalcmd runcommand executecommand runshellcommand terminal runinterminal "
    "runterminalcommand localshell shellcommand writestdin powershell bashtool cmd sh zsh computerterminal unifiedexec "
    "containerexec executebash runbash",
    "local": "read readfile readfiles readmanyfiles grep glob ls list listdir listdirectory listfiles "
    "filesearch grepsearch codebasesearch searchfiles findfiles view notebookread grepfiles globfilesearch openfile cat find "
    "searchfilecontent listcodedefinitionnames readnotebook semanticsearch readlints todowrite viewfile viewimage",
    "network": "webfetch fetch httprequest curl websearch urlfetch fetchurl browser browseraction openurl wget http search "
    "browse googlewebsearch fetchwebpage webfetchtool navigate download sendemail sendmail",
}
_CLASS: dict[str, ToolClass] = {word: cls for cls, words in _NAMES.items() for word in words.split()}


def tool_class(name: str) -> ToolClass:
    """The class of a tool. A server prefix (`mcp__x__write_file`) is not trusted: such a tool may send what it is given."""
    return _CLASS.get(re.sub(r"[_\-. ]", "", name).lower(), "unknown") if "__" not in name else "unknown"


_NETWORK = re.compile(
    r"://|/dev/(?:tcp|udp)|\b(?:curl|wget|ssh|scp|sftp|rsync|nc|ncat|netcat|telnet|ftp|https?|httpie|xh|aria2c|dig|nslookup|host|ping6?|"
    r"socat|traceroute|whois|openssl|push|pull|clone|fetch|remote|publish|upload|pip3?|npm|npx|yarn|pnpm|gh|glab|aws|gcloud|gsutil|az|kubectl|"
    r"helm|docker|podman|mail|mailx|mutt|sendmail|iwr|irm|invoke-webrequest|invoke-restmethod|requests|urllib\d?|httpx|aiohttp|axios|"
    r"sockets?|smtplib|net|www|webhook|psql|mysql|redis-cli|mongosh?|base64|xxd|eval|lynx|w3m|open|xdg-open|start|mosquitto_pub)\b",
    re.I,
)


def reaches_network(arguments: str) -> bool:
    """Whether a command could reach a network. Quotes and backslashes are ignored: `cu''rl` is curl."""
    try:
        words = json.dumps(json.loads(arguments), ensure_ascii=False)
    except ValueError:
        words = arguments
        if arguments.lstrip()[:1] in ("{", "["):
            return True
    return bool(_NETWORK.search(words) or _NETWORK.search(re.sub(r"[\"'\\^`]", "", words)))
