"""What one attempt has used, as far as it was told or seen, and what that costs (law 2).

One rule for every wire, of an attempt that ended badly:

| the host | is charged |
|---|---|
| counted it, or began to (`message_start`, the usage of a failed response) | what it counted, and what was seen since |
| said words, and counted nothing | the prompt at its bound, each byte as a token |
| refused by status, was never reached, or found the prompt too long | nothing: it cannot have run |
| limits requests or is overloaded, and says so in an answer that it had begun (status 200), before any word | the prompt at its bound: |
| | it had taken the request, and may bill what it read |
| anything else before any word: it broke off, is silent, reports an error | the reservation: it may have thought unseen |

A limit is on taking requests (OpenAI, "Rate limits"; Anthropic, "Rate limits": estimated when a request begins), so it ends none that was thinking.
All but the host's own full count is marked as an estimate.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from localrouter.core.chat import Chunk
from localrouter.core.errors import HostRateLimited, RouterError
from localrouter.core.money import Usage, cost, most_uses
from localrouter.core.plan import Attempt


@dataclass(slots=True)
class Tally:
    """`prompt_bound`: tokens of the prompt at most; `out_bytes`: bytes of the answer so far, and `since`: of them behind the host's last count.
    `uses`: of hosted tools that were seen to begin; `whole`: the answer came to its end."""

    prompt_bound: int
    out_bytes: int = 0
    since: int = 0
    usage: Usage | None = None
    guess: bool = False
    uses: Counter[str] = field(default_factory=Counter)
    whole: bool = False

    def heard(self, chunk: Chunk) -> None:
        """A chunk of the answer. What is encrypted was billed as well; an estimate never flatters the budget."""
        size = sum(len(p.text.encode()) + len(p.opaque) for p in chunk.pieces if not p.whole and not p.mirror)
        self.out_bytes += size
        self.since += size
        self.told(chunk)

    def told(self, chunk: Chunk) -> None:
        """What a chunk says of the usage. A guess takes no place of the host's own word."""
        if chunk.uses:
            self.uses.update(chunk.uses)
        self.whole = self.whole or chunk.terminal
        if chunk.usage is not None and (self.usage is None or self.guess or not chunk.guess):
            self.usage, self.guess, self.since = chunk.usage, chunk.guess, 0

    def bill(self, attempt: Attempt, error: RouterError | None) -> tuple[int, Usage, bool]:
        """(micro-dollars, usage, estimated), by the table above. An estimate never flatters the budget, and is at most the reservation."""
        if attempt.model is None or attempt.model.price is None:
            return 0, self.usage or Usage(), self.usage is None
        price = attempt.model.price
        tools, guessed = self._ran(attempt)
        if self.usage is not None:
            # Some hosts count as they go, or in their first chunk: what was said behind their last count is not in it.
            more = 0 if self.whole or self.guess else self.since
            usage = replace(self.usage, output=self.usage.output + more, tools=tools)
            micro = cost(usage, price)
            if not self.guess and not more:
                return micro, usage, guessed
            return max(cost(replace(self.usage, tools=tools), price) if more else 0, min(attempt.reserve, micro)), usage, True
        if error is not None and not error.money_at_risk and not self.out_bytes:
            return 0, Usage(), False
        if error is not None and not self.out_bytes and not isinstance(error, HostRateLimited):
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
