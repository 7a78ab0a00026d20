"""One running sequence under a grammar: masks before a token is sampled, a step after it.

**Finishing inside the budget.** A mask alone lets a model talk inside a string until its tokens are spent, and half a JSON value is worth
nothing. So `mask(logits, left)` knows how many tokens are left, and the constraint keeps a *way out*: bytes that complete the grammar from
here (_grammar_close.py; for a regex with a long fixed ending none may be found). Their token count `need` is an upper bound of what closing
takes. As long as `left` is far above `need`, nothing changes. When the two come close (within `reserve`: as much again,
48 tokens at least, a third of the budget at most), each
of the `CANDIDATES` likeliest tokens is tried on a copy of the parser, and stays only if the grammar can still be completed after it with the
tokens then left. The way out's first token always stays, and its logit rises by up to `PRESSURE` as the margin shrinks, so that a sentence
ends before it is cut. By induction an answer whose `need` once fitted into `left` is complete at its last token. A model that ends by itself
before that is never touched, and where no way out fits, nothing is pressed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher

from localrouter.engine._grammar_close import accepts, in_string, way_out
from localrouter.engine._grammar_compile import Grammar
from localrouter.engine._grammar_schema import BadGrammar

if TYPE_CHECKING:
    from localrouter.engine._grammar_vocabulary import Vocabulary

CANDIDATES = 16
SEARCHES = 4  # of the candidates that the known way out does not fit, how many get a search of their own in one step
PRESSURE = 8.0  # logits
RESERVE = 48  # tokens; one token seldom opens more than this
SEARCH = 512  # tokens of a way out at most


class Constraint:
    """One sequence under a grammar. Not for two threads at once."""

    def __init__(self, vocabulary: Vocabulary, grammar: Grammar, matcher: LLMatcher, out: bytes | None) -> None:
        self._vocabulary = vocabulary
        self._json = grammar.json
        self._kind = grammar.kind
        self._matcher = matcher
        self._out = out  # bytes that complete the grammar, as far as `_fresh`
        self._fresh = True
        self._state = (False, False)  # in_string
        self._budget = 0  # the first `left` seen
        self._look = 0  # look at the way out again when `left` is at most this
        self._ended = False

    # -- one step ------------------------------------------------------------------------------------------------------

    def mask(self, logits: npt.NDArray[np.float32], left: int | None = None) -> None:
        """Set the logits of tokens that may not come next to minus infinity, in place.

        logits: (n,) float32 with n at least the vocabulary's size (padding is never allowed). left: tokens that may still be produced, this
        one included; without it there is no closing pressure. Raises: BadGrammar when the grammar became too complex to go on.
        """
        voc = self._vocabulary
        if self.done:
            keep = logits[list(voc.eos)].copy()
            logits[:] = -np.inf
            logits[list(voc.eos)] = np.where(np.isfinite(keep), keep, 0.0)
            return
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        if self._matcher.is_error():
            raise BadGrammar(f"The {self._kind} became too complex to follow.")
        allowed = np.unpackbits(bits, bitorder="little")[: voc.size]
        if len(logits) > voc.size:
            logits[voc.size :] = -np.inf
        np.copyto(logits[: voc.size], -np.inf, where=allowed == 0)
        if left is not None:
            self._press(logits, allowed, left)

    def accept(self, token: int) -> bool:
        """Go on by one token. False when it was not allowed; the constraint then stays where it was. Raises: BadGrammar as `mask` does."""
        if token in self._vocabulary.eos and (self.done or self.accepting):
            self._ended = True
            return True
        if self.done or not 0 <= token < self._vocabulary.size:
            return False
        if self._matcher.try_consume_tokens([token]) != 1:
            if self._matcher.is_error():
                raise BadGrammar(f"The {self._kind} became too complex to follow.")
            return False
        text = self._vocabulary.pieces[token]
        if self._json:
            self._state = in_string(text, *self._state)
        if self._fresh and self._out and text and self._out.startswith(text):
            self._out = self._out[len(text) :]
        else:
            self._fresh = False
        return True

    def forced(self) -> list[int]:
        """The tokens that must come next, in order; may be empty. `accept` takes each."""
        return [] if self.done else list(self._matcher.compute_ff_tokens())

    @property
    def done(self) -> bool:
        """The grammar is complete and only the end of the turn may follow."""
        return self._ended or (self._matcher.is_stopped() and not self._matcher.is_error())

    @property
    def accepting(self) -> bool:
        """What was produced so far is a complete text of the grammar."""
        return self._ended or self._matcher.is_accepting()

    # -- finishing -----------------------------------------------------------------------------------------------------

    def need(self, most: int = SEARCH) -> int | None:
        """An upper bound of the tokens that complete the grammar, its end of turn included; None when no way out was found."""
        self._refresh(most)
        return None if self._out is None else self._tokens(self._out) + 1

    def _refresh(self, most: int) -> None:
        if self._fresh:
            return
        if self._out is not None and accepts(self._matcher, self._vocabulary.spell(self._out)):
            self._fresh = True
            return
        voc = self._vocabulary
        self._out = way_out(self._matcher, voc.spell, voc.pieces, voc.steps, self._out, self._state, max(1, min(most, SEARCH)))
        self._fresh = True

    def _press(self, logits: npt.NDArray[np.float32], allowed: npt.NDArray[np.uint8], left: int) -> None:
        self._budget = max(self._budget, left)
        if self._look == 0:
            self._look = self._budget
        if left > self._look:
            return
        need = self.need(left + 1)
        if need is None or need > left:
            # No way out fits: pressing would spoil the answer for nothing. Look again soon, the model may close something itself.
            self._look = left - 1
            return
        reserve = min(max(need, RESERVE), max(RESERVE, self._budget // 3))
        margin = left - need
        if margin > reserve:
            # A token can add to `need` about what it opens; by half of the way it cannot have outgrown the rest as a rule.
            self._look = left - max(1, (margin - reserve) // 2)
            return
        self._look = left
        way = self._first(allowed)
        if margin == 0 and way >= 0:
            rise = logits[way]
            logits[:] = -np.inf
            logits[way] = rise
            return
        kept, searches = np.full_like(logits, -np.inf), SEARCHES
        k = min(CANDIDATES, int(allowed.sum()))
        likely = np.argpartition(logits[: self._vocabulary.size], -k)[-k:]
        for token in likely[np.argsort(-logits[likely])]:
            if np.isfinite(logits[token]):
                fits, searched = self._fits(int(token), left - 1, searches > 0)
                searches -= searched
                if fits:
                    kept[token] = logits[token]
        if way >= 0:
            kept[way] = logits[way] + PRESSURE * (1 - margin / (reserve + 1)) ** 2
        if np.isfinite(kept).any():
            logits[:] = kept

    def _first(self, allowed: npt.NDArray[np.uint8]) -> int:
        """The allowed token that goes furthest along the way out; the end of the turn when there is nothing left to write."""
        if not self._out:
            return next((i for i in self._vocabulary.eos if allowed[i]), -1)
        for size in range(min(len(self._out), 24), 0, -1):
            spelt = self._vocabulary.spell(self._out[:size])
            if len(spelt) == 1 and allowed[spelt[0]]:
                return spelt[0]
        return -1

    def _fits(self, token: int, left: int, search: bool) -> tuple[bool, bool]:
        """(the grammar can still be completed in `left` tokens after `token`, a search was made for it)."""
        voc = self._vocabulary
        if token in voc.eos:
            return True, False
        after = self._matcher.deep_copy()
        if after.try_consume_tokens([token]) != 1:
            return False, False
        out, text = self._out, voc.pieces[token]
        if out is not None:
            tokens = voc.spell(out[len(text) :] if text and out.startswith(text) else out)
            if len(tokens) + 1 <= left and accepts(after, tokens):
                return True, False
        if not search:
            return False, False
        state = in_string(text, *self._state) if self._json else self._state
        found = way_out(after, voc.spell, voc.pieces, voc.steps, out, state, max(1, min(left, SEARCH)), tries=1)
        return found is not None and self._tokens(found) + 1 <= left, True

    def _tokens(self, text: bytes) -> int:
        return len(self._vocabulary.spell(text))
