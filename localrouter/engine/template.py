"""A model's chat template: messages and tools in, a prompt in pieces out.

Laws: text of a message never becomes a control token (see `template_guard`). A plain conversation never fails: what the template does
not take is folded into what it takes (see `template_messages`), and a template that fails at that is replaced by the default of the
model's control tokens. The same messages give the same prompt, whatever came before: prefixes stay.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from jinja2 import meta

from localrouter.engine.families import Family, Raw, family_for, head
from localrouter.engine.template_bounds import TooMuch, tojson
from localrouter.engine.template_defaults import default_template
from localrouter.engine.template_guard import Guard, Marks, Span
from localrouter.engine.template_messages import BadMessages, Message, Takes, canonical, fold, offered
from localrouter.engine.template_sandbox import MAX_SECONDS, Refused, Sandbox

__all__ = ["BadMessages", "ChatTemplate", "Span"]

_OPENERS = {"<think>": "\n\n</think>\n\n", "[THINK]": "[/THINK]", "<|channel>thought": "\n<channel|>"}
"""What opens reasoning at a prompt's end, and what closes it at once."""
_PROBE_SECONDS = 1.0
_USER, _SYSTEM, _SAID, _MORE = "probeuser", "probesystem", "probesaid", "probemore"
_TOOL, _VALUE, _RESULT = "probetool", "probevalue", "proberesult"
_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": _TOOL,
            "description": "probe",
            "parameters": {
                "type": "object",
                "properties": {"text": {"type": "string", "description": "probe"}},
                "required": ["text"],
            },
        },
    }
]


class ChatTemplate:
    """`source`: GGUF's `tokenizer.chat_template`, None without one. `bos`, `eos`: the tokens' texts. `controls`: the texts of all tokens
    that no message may write (GGUF's control and user-defined tokens). `architecture`, `name`: as in GGUF, for models without a template."""

    def __init__(
        self, source: str | None, *, bos: str, eos: str, controls: Collection[str], architecture: str = "", name: str = ""
    ) -> None:
        self._bos, self._eos = bos, eos
        self._sandbox = Sandbox()
        self.problem = ""
        """Why the model's own template is not used: a sentence for the user, or ""."""
        self.own = False
        """The model's own template is used."""
        self.family: Family = family_for(source or "", architecture, name)
        # The family's marks too: in some files they are "user-defined" tokens, which llama.cpp finds in any text.
        self._guard = Guard({*controls, *self.family.MARKERS})
        self._default = default_template(controls)
        if source:
            self._load(source)
        if not self.own:
            self._load(self._default)
            self.own = False

    # -- the prompt ---------------------------------------------------------------------------------------------------------

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] | None = None,
        *,
        thinking: bool | None = None,
        effort: str | None = None,
        now: datetime | None = None,
        direct: bool = False,
    ) -> list[Span]:
        """The prompt of the assistant's next turn. A last message of the assistant without calls is the beginning of that turn.

        `direct`: the answer's own text begins at once, without reasoning or a header: for answers under a grammar.
        `thinking`: reasoning on or off where the model has a switch, None for its default; off also closes reasoning that the template
        opened. `effort`: "low", "medium", "high", for templates that know it. `now`: for templates that print the date.
        Raises BadMessages.
        """
        shown, marks = self._guard.hide({"messages": canonical(messages), "tools": offered(tools)})
        begun = ""
        if len(shown["messages"]) > 1 and _speaks(shown["messages"][-1]):
            begun = shown["messages"].pop()["content"]
        try:
            text = self._text(shown["messages"], shown["tools"] or None, thinking=thinking, effort=effort, now=now)
        except BadMessages:
            raise
        except Exception:  # a template may raise anything; its text can quote the request, so it is not passed on
            text = self._by_default(shown["messages"], shown["tools"], now)
        if (opener := _opener(text)) and (thinking is False or direct or begun):
            text = text.rstrip() + _OPENERS[opener]
        if direct or begun:
            text += head(self.family)
        return self._pieces(text + begun, marks)

    def thinking_open(self, spans: Sequence[Span]) -> bool:
        """The prompt ends inside of a block of reasoning: tell the family's parser."""
        return bool(_opener("".join(s.text for s in spans[-2:])))

    def _pieces(self, text: str, marks: Marks) -> list[Span]:
        return self._guard.spans(text, marks)

    def _by_default(self, messages: list[Message], tools: list[Any], now: datetime | None) -> str:
        """The template broke at these messages: the default, with everything folded."""
        template = self._sandbox.compile_template(self._default)
        takes = Takes(system=False, later_system=False, neighbours=False, begins=False, tools=False, calls=False)
        folded = fold(messages, tools or None, takes, self._write)
        return self._sandbox.run(template, self._values(folded, None, None, None), now)

    def _write(self, calls: Sequence[tuple[str, str]]) -> str:
        return self.family.write([Raw(name, arguments) for name, arguments in calls])

    # -- the template -------------------------------------------------------------------------------------------------------

    def _load(self, source: str) -> None:
        try:
            self._template = self._sandbox.compile_template(source)
            self._asks = meta.find_undeclared_variables(self._sandbox.parse(source))
            self._source = source
            self.takes = self._probe()
            self.own = True
        except Exception as exc:  # Jinja, Python's compiler and the template's own code: all kinds
            self.problem = _why(exc)

    def _text(
        self,
        messages: list[Message],
        tools: list[Any] | None,
        *,
        thinking: bool | None = None,
        effort: str | None = None,
        now: datetime | None = None,
        takes: Takes | None = None,
        seconds: float = MAX_SECONDS,
    ) -> str:
        takes = takes or self.takes
        folded = fold(messages, tools, takes, self._write)
        values = self._values(folded, tools if takes.tools else None, thinking, effort)
        return self._sandbox.run(self._template, values, now, seconds)

    def _values(
        self, messages: list[Message], tools: list[Any] | None, thinking: bool | None, effort: str | None
    ) -> dict[str, Any]:
        """Everything that transformers gives a template, and the switches of known templates. A switch that was not asked for is not
        defined, so that the template's own default holds."""
        if "thinking" in self._source and "message.thinking" in self._source:
            messages = [_harmony(m) for m in messages]
        values: dict[str, Any] = {
            "messages": messages,
            "add_generation_prompt": True,
            "bos_token": self._bos,
            "eos_token": self._eos,
        }
        values |= {"tools": tools, "documents": None} if "documents" in self._asks else {"tools": tools}
        if tools and "tools" not in self._asks:
            values |= {k: tools for k in ("xml_tools", "available_tools", "custom_tools") if k in self._asks}
        if not tools and "tools is not none" not in self._source and "tools is none" not in self._source:
            del values["tools"]
        if "functions" in self._asks:  # Firefunction's own words
            values |= {"functions": tojson(tools or []), "datetime": self._sandbox.now("%Y-%m-%d %H:%M")}
        if thinking is not None:
            values |= {"enable_thinking": thinking, "thinking": thinking}
            effort = effort or (None if thinking else "low")
        if effort:
            values["reasoning_effort"] = effort
        return values

    # -- what the template takes --------------------------------------------------------------------------------------------

    def _probe(self) -> Takes:
        """Learn it from small conversations. Raises when the template shows not even a user's words."""
        takes = Takes(short_ids="length != 9" in self._source.replace(" ", "").replace("length!=9", "length != 9"))
        user = {"role": "user", "content": _USER}
        said = {"role": "assistant", "content": _SAID}
        if not self._shows(takes, [user], _USER):
            takes = replace(takes, parts=True)
            self._must(takes, [user], _USER)
        system = {"role": "system", "content": _SYSTEM}
        more = {"role": "user", "content": _MORE}
        has_system = self._shows(takes, [system, user], _SYSTEM, _USER)
        takes = replace(takes, system=has_system)
        takes = replace(
            takes,
            later_system=has_system and self._shows(takes, [user, said, system, more], _SYSTEM, _MORE),
            neighbours=self._shows(takes, [user, more, said, user], _USER, _MORE),
            begins=self._shows(takes, [said, user], _SAID, _USER),
        )
        takes = replace(takes, tools=self._shows(takes, [user], _TOOL, _USER, tools=_TOOLS))
        return self._probe_calls(takes, user)

    def _probe_calls(self, takes: Takes, user: Message) -> Takes:
        def call(ident: str, value: str) -> Message:
            return {"id": ident, "type": "function", "function": {"name": _TOOL, "arguments": {"text": value}}}

        def result(ident: str, text: str) -> Message:
            return {"role": "tool", "tool_call_id": ident, "name": _TOOL, "content": text}

        one = [user, {"role": "assistant", "content": "", "tool_calls": [call("call_1", _VALUE)]}, result("call_1", _RESULT)]
        both = [call("call_1", _VALUE), call("call_2", _MORE)]
        two = [user, {"role": "assistant", "content": "", "tool_calls": both}, result("call_1", _RESULT), result("call_2", _SAID)]
        tools = _TOOLS if takes.tools else None
        for text_arguments in (False, True):
            tried = replace(takes, text_arguments=text_arguments)
            if self._shows(tried, one, _TOOL, _VALUE, _RESULT, tools=tools):
                return replace(tried, parallel=self._shows(tried, two, _VALUE, _MORE, _RESULT, _SAID, tools=tools))
        return replace(takes, calls=False, parallel=False)

    def _shows(self, takes: Takes, messages: list[Message], *words: str, tools: list[Any] | None = None) -> bool:
        try:
            text = self._text(messages, tools, takes=replace(takes), seconds=_PROBE_SECONDS)
        except TooMuch:
            raise
        except Exception:  # the template says no in its own way
            return False
        return all(w in text for w in words)

    def _must(self, takes: Takes, messages: list[Message], *words: str) -> None:
        text = self._text(messages, None, takes=takes, seconds=_PROBE_SECONDS)
        if not all(w in text for w in words):
            raise Refused("The template shows no text.")


def _speaks(message: Message) -> bool:
    return message["role"] == "assistant" and "tool_calls" not in message and bool(message["content"].strip())


def _harmony(message: Message) -> Message:
    """gpt-oss's template reads reasoning as `thinking`, and refuses words beside it in a turn with calls."""
    if "reasoning_content" not in message:
        return message
    out = {**message, "thinking": message["reasoning_content"]}
    if out.get("tool_calls") and out.get("content"):
        out["thinking"] = f"{out['thinking']}\n\n{out['content']}"
        out["content"] = ""
    return out


def _opener(text: str) -> str:
    text = text.rstrip()
    return next((o for o in _OPENERS if text.endswith(o)), "")


def _why(exc: Exception) -> str:
    if isinstance(exc, TooMuch):
        return "The model's own chat template does more than a chat needs, so it is not used."
    return "The model's own chat template cannot be read, so it is not used."
