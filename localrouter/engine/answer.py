"""One answer while it is written: logits in, tokens to go on with out, and on the way the frames that the client gets.

Stop strings are looked for in the whole text, reasoning included, before it is parsed. A character that is spread over tokens comes
with its last one. What a grammar forces is not drawn: it is written, and read by the model in one go.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from localrouter.engine.confidence import Meter, Tally, agreement, refuses, top
from localrouter.engine.families import Call, Reasoning
from localrouter.engine.grammar import BadGrammar
from localrouter.engine.memory import DecodeFault
from localrouter.engine.requests import Ask, BadAsk
from localrouter.engine.sampling import Sampler
from localrouter.engine.stops import StopStrings

Send = Callable[[dict[str, Any]], None]
HEAD = 400
"""Characters of an answer that are kept to see whether it refuses."""
COMPARED = 8000
"""Characters of an answer that are kept to see whether others agree with it."""
WARM = 0.7
"""The least temperature of a sample: greedy ones would agree with themselves (arXiv:2203.11171, section 3.1 samples at 0.5 and 0.7)."""


class Tools:
    """What all answers of one loaded model share. `lib`: llama_cpp. `shown`: bytes of each token as a reader sees them."""

    def __init__(self, lib: Any, shown: Sequence[bytes], pieces: Sequence[bytes], ends: frozenset[int]) -> None:
        self.lib, self.shown, self.pieces, self.ends = lib, shown, pieces, ends
        self.meter = Meter(len(pieces))
        self.raw = np.empty(len(pieces), np.float32)


class Request:
    """A request's answers together. `send` takes frames; `over` is called once, at the end."""

    def __init__(self, ask: Ask, tools: Tools, send: Send, over: Callable[[int], None]) -> None:
        self.ask = ask
        self._send, self._over = send, over
        self.asked = time.monotonic()
        self.answers = [Answer(self, tools, choice) for choice in range(ask.choices + ask.samples)]
        self._left = len(self.answers)
        self._ended = False

    @property
    def works(self) -> list[Answer]:
        """For the scheduler; none when there is no room for a single token."""
        return self.answers if self.ask.room else []

    def nothing(self) -> None:
        """End where there is no room."""
        for answer in self.answers:
            answer.end_at_once()

    def refused(self, error: str, code: str) -> None:
        self.end(error=error, code=code)

    def say(self, choice: int, frame: dict[str, Any]) -> None:
        if choice >= self.ask.choices:
            return
        if choice:
            frame["choice"] = choice
        self._send({"id": self.ask.key, **frame})

    def progress(self, done: int, total: int) -> None:
        self._send({"id": self.ask.key, "progress": {"done": done, "total": total}})

    def one_over(self, answer: Answer) -> None:
        """An answer is finished; the last one ends the request."""
        self._left -= 1
        if self.ask.choices > 1 and not self._ended:
            self.say(answer.choice, {"finish": answer.finish, **answer.stopped(), "confidence": answer.confidence()})
        if not self._left:
            first = self.answers[0]
            sure = first.confidence()
            if len(self.answers) > 1:
                sure["agreement"] = {k: round(v, 4) for k, v in agreement([a.said for a in self.answers]).items()}
            self.end(finish=first.finish, **first.stopped(), confidence=sure, timings=first.timings())

    def end(self, **rest: Any) -> None:
        """Send the last frame, once."""
        if self._ended:
            return
        self._ended = True
        if "error" not in rest:
            rest["usage"] = {
                "input": len(self.ask.prompt),
                "output": sum(a.count for a in self.answers[: self.ask.choices]),
                "cached": self.answers[0].cached,
            }
        self._send({"id": self.ask.key, "end": True, **rest})
        for answer in self.answers:
            answer.close()
        self._over(self.ask.key)


class Answer:
    """`batching.Work` for one choice."""

    def __init__(self, request: Request, tools: Tools, choice: int) -> None:
        ask = request.ask
        self.key, self.interactive, self.prompt = ask.key, ask.interactive, ask.prompt
        self.choice = choice
        self.count = 0
        self.cached = 0
        self.finish = ""
        self._request, self._tools, self._ask = request, tools, ask
        sampling = ask.sampling
        if choice >= ask.choices:
            sampling = replace(sampling, temperature=max(WARM, sampling.temperature))
        self._sampler = Sampler(tools.lib, sampling, ask.prompt, turn=choice)
        self._constraint = ask.constraint() if ask.constraint is not None else None
        self._parser = ask.parser() if ask.parser is not None else None
        self._stops = StopStrings(ask.stops) if ask.stops else None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tally = Tally()
        self._kept = HEAD if ask.choices + ask.samples == 1 else COMPARED
        self.said = ""
        """Its beginning."""
        self._noted: list[dict[str, Any]] = []
        """Log-probabilities of tokens whose text has not been sent."""
        self._began = self._first = 0.0
        self._ended = 0.0

    # -- batching.Work -------------------------------------------------------------------------------------------------

    def began(self, cached: int) -> None:
        self._began = time.monotonic()
        self.cached = cached

    def progress(self, done: int, total: int) -> None:
        if not self.choice:
            self._request.progress(done, total)

    def take(self, row: Any) -> Sequence[int]:
        self._first = self._first or time.monotonic()
        token = self._draw(row)
        if self._constraint is not None and not self._constraint.accept(token):
            raise DecodeFault("The model left its grammar.")
        if token in self._tools.ends or token in self._ask.ends:
            return self._finish("stop")
        more = [token]
        self._sampler.saw(token)
        self.count += 1
        self._write(token)
        if self._constraint is not None and not self._over():
            more += self._forced(self._constraint)
        if self._over():
            return ()
        if self._constraint is not None and self._constraint.done:
            return self._finish("stop")
        if self.count >= self._ask.room:
            return self._finish("length")
        return more

    def end_at_once(self) -> None:
        """There is no room for a single token."""
        self._finish("length")

    def failed(self, error: Exception) -> None:
        self._ended = time.monotonic()
        known = isinstance(error, (BadAsk, BadGrammar, DecodeFault))
        code = error.code if isinstance(error, BadAsk) else "bad_request" if isinstance(error, BadGrammar) else "failed"
        self._request.end(error=str(error) if known else "The local model failed at this request.", code=code)

    def cancelled(self) -> None:
        self._finish("cancelled")

    # -- one token -----------------------------------------------------------------------------------------------------

    def _draw(self, row: Any) -> int:
        tools, logits = self._tools, row.logits
        try:
            entropy, margin = tools.meter.read(logits)
        except ValueError as exc:
            raise DecodeFault("The local model gave no numbers.") from exc
        norm = tools.meter.norm
        raw = logits
        changed = self._sampler.edits or self._constraint is not None
        if changed:
            raw = tools.raw
            np.copyto(raw, logits)
            self._sampler.edit(logits)
            if self._constraint is not None:
                self._constraint.mask(logits, self._ask.room - self.count)
            if logits.max() == -np.inf:  # llama.cpp's samplers would end the process
                raise BadAsk("The request's logit_bias and format leave no token to write.")
        token = self._sampler.draw(row)
        logprob = float(raw[token]) - norm
        self._tally.add(logprob, entropy, margin)
        if self._ask.top is not None and token not in tools.ends:
            best = [self._noted_token(t, p) for t, p in top(raw, self._ask.top, norm)]
            self._noted.append({**self._noted_token(token, logprob), "top_logprobs": best})
        return token

    def _noted_token(self, token: int, logprob: float) -> dict[str, Any]:
        """OpenAI's shape (API reference, chat completions, `logprobs.content`)."""
        piece = self._tools.pieces[token]
        return {"token": piece.decode("utf-8", "replace"), "logprob": max(logprob, -9999.0), "bytes": list(piece)}

    def _forced(self, constraint: Any) -> list[int]:
        """What must come next. Drawn one by one when the client wants log-probabilities."""
        if self._ask.top is not None:
            return []
        out: list[int] = []
        for token in constraint.forced():
            if self._over() or self.count >= self._ask.room or not constraint.accept(token):
                break
            out.append(token)
            self._sampler.saw(token)
            self._tally.forced += 1
            self.count += 1
            self._write(token)
        return out

    # -- text ----------------------------------------------------------------------------------------------------------

    def _write(self, token: int) -> None:
        text = self._decoder.decode(self._tools.shown[token])
        if self._stops is not None:
            text = self._stops.feed(text)
        if text:
            self._say(text)
        if self._stops is not None and self._stops.hit:
            self._finish("stop")

    def _say(self, text: str, *, last: bool = False) -> None:
        if len(self.said) < self._kept:
            self.said += text[: self._kept]
        if self._parser is None:
            if text:
                self._send({"delta": text})
            return
        for said in self._parser.feed(text, last=last):
            if isinstance(said, Call):
                self._send({"tool": {"index": said.index, "id": said.id, "name": said.name, "arguments": said.arguments}})
            elif said.text:
                self._send({"reasoning" if isinstance(said, Reasoning) else "delta": said.text})

    def _send(self, frame: dict[str, Any]) -> None:
        if self._noted and "delta" in frame:
            frame["logprobs"], self._noted = self._noted, []
        self._request.say(self.choice, frame)

    # -- the end -------------------------------------------------------------------------------------------------------

    def _over(self) -> bool:
        return bool(self.finish)

    def _finish(self, reason: str) -> Sequence[int]:
        self.finish = reason
        self._ended = time.monotonic()
        if reason != "cancelled":
            rest = self._decoder.decode(b"", final=True)
            if self._stops is not None:
                rest = self._stops.feed(rest) + self._stops.rest()
            self._say(rest, last=True)
            if self._noted:
                self._send({"delta": ""})
            if reason == "stop" and self._parser is not None and self._parser.calls:
                self.finish = "tool_calls"
        self._request.one_over(self)
        return ()

    def stopped(self) -> dict[str, str]:
        """{"stopped"} with the stop string that ended it."""
        return {"stopped": self._stops.found} if self._stops is not None and self._stops.hit and self.finish == "stop" else {}

    def confidence(self) -> dict[str, Any]:
        """See `confidence.Tally.features`."""
        form = None if self._constraint is None else bool(self._constraint.done or self._constraint.accepting)
        return self._tally.features(refusal=refuses(self.said), format_ok=form)

    def timings(self) -> dict[str, float]:
        """Milliseconds: waited for a slot, read the prompt, wrote the answer."""
        end = self._ended or time.monotonic()
        began = self._began or end
        first = self._first or end
        return {
            "queued_ms": round(1e3 * (began - self._request.asked), 1),
            "prompt_ms": round(1e3 * (first - began), 1),
            "write_ms": round(1e3 * (end - first), 1),
        }

    def close(self) -> None:
        self._sampler.close()
