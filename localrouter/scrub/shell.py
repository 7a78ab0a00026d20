"""Could a shell command reach a network? When in doubt, yes: then no private value is put into it.

Law: what hides a command counts as much as the command: quotes and backslashes within words (`cu''rl`), expansions, globs and code in
the place of a command, encoders, inline programs that look names up. A local script that calls out is not seen; that is for the tools
gate.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_TOOLS = """curl wget ssh scp sftp rsync nc ncat netcat telnet ftp tftp lftp http https httpie xh aria2c axel dig drill nslookup resolvectl getent
    ping ping6 hping3 fping socat traceroute tracepath mtr nmap whois openssl
    git-remote gh glab aws gcloud gsutil az doctl kubectl oc helm docker podman
    skopeo buildah nerdctl mailx mutt sendmail msmtp swaks iwr irm invoke-webrequest invoke-restmethod start-bitstransfer bitsadmin certutil
    test-netconnection resolve-dnsname urllib urllib2 urllib3 httpx aiohttp axios smtplib ftplib imaplib telnetlib paramiko webhook
    psql mysql mysqldump mongosh mongo redis-cli kcat lynx w3m links elinks xdg-open mosquitto_pub websocat wscat grpcurl ngrok cloudflared
    rclone restic s3cmd smbclient sshfs sshpass pscp plink mosh svn ipfs heroku flyctl vercel netlify firebase twine
    base64 base32 xxd uuencode uudecode fromhex atob btoa __import__ importlib xmlhttprequest websocket sendbeacon lwp-request wget2
    pip pip2 pip3 pipx uv npm npx yarn pnpm bun deno cargo gem composer torsocks proxychains"""
_WORDS = """host open start net mail push pull clone fetch remote ls-remote submodule publish upload requests socket sockets eval rev www source
    ftpget at batch crontab"""
_NETWORK = re.compile(
    r"://|/dev/(?:tcp|udp)|\bnet/tcp|\bnet\.(?:webclient|sockets|http)|(?<![\w\\\"'])\\\\[\w.\-]+\\"
    rf"|(?<![\w-])(?:{'|'.join(map(re.escape, _TOOLS.split()))})(?![\w-])"
    rf"|(?<![\w./\-=])(?:{'|'.join(map(re.escape, _WORDS.split()))})(?![\w/\-=]|\.\w)"
    r"|\b(?:import|require|use|from)\b[^\n;]{0,60}\b(?:requests|sockets?|http|https|net|dns|dgram|smtp|ssl|io::socket|lwp)\b",
    re.I,
)
_COMMAND = r"(?:^|[;&|(\n{!]|\b(?:then|do|else|exec|sudo|env|command|nohup|time|xargs|builtin)\s)[ \t]{0,64}(?:\w{1,64}=\S{0,256}[ \t]{1,16}){0,8}"
_HIDDEN = re.compile(
    _COMMAND
    + r"(?:[\"']?\$[\w{(@*'\"]|`|\S{0,100}/\S{0,100}[?*\[]|[A-Za-z]{0,24}\[[A-Za-z]\][A-Za-z]{0,24}(?:\s|$)|\.[ \t])"
    + r"|\\x[0-9a-fA-F]{2}|\\u00[0-9a-fA-F]{2}|\\[0-7]{3}|<\(|\bchr\(|\bexec\(|\bgetattr\(|\bfromcharcode\b",
    re.I,
)
_EXPANSION = re.compile(r"\$(?:\{[^}]{0,256}\}|\w+|[@*#?!\-])")


def reaches_network(arguments: str) -> bool:
    """Whether the command in a shell tool's arguments (JSON text, or the command itself) could reach a network."""
    try:
        command = "\n".join(_strings(json.loads(arguments)))
    except (ValueError, RecursionError):
        if arguments.lstrip()[:1] in ("{", "["):
            return True
        command = arguments
    bare = re.sub(r"\\\n|[\"'\\^`]", "", command)
    return bool(
        _NETWORK.search(command) or _NETWORK.search(bare) or _NETWORK.search(_EXPANSION.sub("", bare)) or _HIDDEN.search(command)
    )


def _strings(tree: Any) -> Iterator[str]:
    """Each text of the arguments; a list of words is one command."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, list):
        if all(isinstance(x, str) for x in tree):
            yield " ".join(tree)
            yield from tree[2:]  # `bash -lc COMMAND`
        else:
            for item in tree:
                yield from _strings(item)
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from _strings(item)
