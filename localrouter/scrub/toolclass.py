"""What a tool does with its arguments, by its name. An unlisted name is "unknown", and gets nothing restored unless the recipe declares it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

ToolClass = Literal["edit", "shell", "local", "network", "unknown"]

_NAMES: dict[ToolClass, str] = {
    "edit": "write edit multiedit notebookedit applypatch strreplaceeditor strreplacebasededittool strreplace writefile "
    "writetofile editfile createfile insertedit insertcontent replaceinfile searchreplace searchandreplace "
    "applydiff newfile createnewfile editnotebook editexistingfile singlefindandreplace insertatcursor "
    "insert create editor updatefile overwritefile appendfile replace replacestringinfile multireplacestringinfile "
    "inserteditintofile patch",
    "shell": "bash shell exec execcommand runterminalcmd runcommand runcommands executecommand runshellcommand terminal runinterminal "
    "runterminalcommand localshell shellcommand writestdin powershell bashtool cmd sh zsh computerterminal unifiedexec "
    "containerexec executebash runbash",
    "local": "read readfile readfiles readmanyfiles grep glob ls list listdir listdirectory listfiles "
    "filesearch grepsearch codebasesearch searchcodebase searchfiles findfiles view notebookread grepfiles globfilesearch openfile "
    "cat find searchfilecontent listcodedefinitionnames readnotebook semanticsearch readlints todowrite viewfile viewimage "
    # what only the person sees: the last answer (smolagents, Pydantic AI, Claude Code, Cline, Roo), the form of an answer (Vercel's AI SDK,
    # LiteLLM), a plan, a question
    "finalanswer finalresult structuredoutput attemptcompletion submitandexit json jsontoolcall exitplanmode updateplan "
    "askuserquestion askfollowupquestion askquestion requestuserinput",
    "network": "webfetch fetch httprequest curl websearch urlfetch fetchurl browser browseraction openurl wget http search "
    "browse googlewebsearch fetchwebpage fetchwebcontent webfetchtool navigate download sendemail sendmail",
}
_CLASS: dict[str, ToolClass] = {word: cls for cls, words in _NAMES.items() for word in words.split()}


def tool_class(name: str, own: Sequence[str] = ()) -> ToolClass:
    """The class of a tool. A server prefix (`mcp__x__write_file`) is not trusted: such a tool may send what it is given. `own`: patterns (fnmatch, in
    any case) of names that the user declares local (a recipe's `local_tools`); what is known to send stays what it is."""
    known = _CLASS.get(re.sub(r"[_\-. ]", "", name).lower(), "unknown") if "__" not in name else "unknown"
    if known == "unknown" and any(fnmatchcase(name.lower(), pattern.lower()) for pattern in own):
        return "local"
    return known
