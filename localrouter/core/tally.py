"""What one attempt has used, as far as it was told or seen, and what that costs (law 2)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from localrouter.core.chat import Chunk
from localrouter.core.errors import RouterError
from localrouter.core.money import Usage, cost, most_uses
from localrouter.core.plan import Attempt


@dataclass(slots=True)
class Tally:
    """`prompt_bound`: tokens of the prompt at most; `out_bytes`: bytes of the answer so far. `uses`: of hosted tools that were seen to begin;
    `whole`: the answer came to its end."""

    prompt_bound: int
    out_bytes: int = 0
    usage: Usage | None = None
    guess: bool = False
    uses: Counter[str] = field(default_factory=Counter)
    whole: bool = False

    def heard(self, chunk: Chunk) -> None:
        """A chunk of the answer. What is encrypted was billed as well; an estimate never flatters the budget."""
        self.told(chunk)
        self.out_bytes += sum(len(p.text.encode()) + len(p.opaque) for p in chunk.pieces if not p.whole and not p.mirror)

    def told(self, chunk: Chunk) -> None:
        """What a chunk says of the usage. A guess takes no place of the host's own word."""
        if chunk.uses:
            self.uses.update(chunk.uses)
        self.whole = self.whole or chunk.terminal
        if chunk.usage is not None and (self.usage is None or self.guess or not chunk.guess):
            self.usage, self.guess = chunk.usage, chunk.guess

    def bill(self, attempt: Attempt, error: RouterError | None) -> tuple[int, Usage, bool]:
        """(micro-dollars, usage, estimated). Reported usage wins; where only its beginning was reported, that and what was seen since. Without
        it: nothing when the host cannot have billed, else every byte as a token. An estimate never flatters the budget, and is at most
        the reservation."""
        if attempt.model is None or attempt.model.price is None:
            return 0, self.usage or Usage(), self.usage is None
        price = attempt.model.price
        tools, guessed = self._ran(attempt)
        if self.usage is not None:
            usage = replace(self.usage, tools=tools)
            micro = cost(usage, price)
            return (min(attempt.reserve, micro) if self.guess else micro), usage, self.guess or guessed
        if error is not None and not error.money_at_risk and not self.out_bytes:
            return 0, Usage(), False
        if error is not None and not self.out_bytes:
            return attempt.reserve, Usage(self.prompt_bound, attempt.max_output, tools=most_uses(attempt.offers)), True
        guess = Usage(input=self.prompt_bound, output=min(self.out_bytes, attempt.max_output), tools=tools)
        return min(attempt.reserve, cost(guess, price)), guess, True

    def _ran(self, attempt: Attempt) -> tuple[dict[str, int], bool]:
        """(units of each hosted tool, whether that is an estimate). The host's own count wins, then what the answer showed. Of an answer that
        was cut one more may have begun unseen; a kind that answers do not show is charged at its most."""
        told = self.usage.tools if self.usage is not None else {}
        units: dict[str, int] = {}
        guessed = False
        for offer in attempt.offers:
            n = told.get(offer.counted, -1)
            if n >= 0 and not self.guess:
                n *= offer.each
            elif not offer.shown:
                n, guessed = offer.most, True
            elif self.whole:
                n = min(offer.most, self.uses[offer.counted] * offer.each)
            else:
                n, guessed = min(offer.most, (max(n, self.uses[offer.counted]) + 1) * offer.each), True
            if n:
                units[offer.kind] = n
        return units, guessed
