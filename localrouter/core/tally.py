"""What one attempt has used, as far as it was told or seen, and what that costs (law 2)."""

from __future__ import annotations

from dataclasses import dataclass

from localrouter.core.chat import Chunk
from localrouter.core.errors import RouterError
from localrouter.core.money import Usage, cost
from localrouter.core.plan import Attempt


@dataclass(slots=True)
class Tally:
    """`prompt_bound`: tokens of the prompt at most; `out_bytes`: bytes of the answer so far."""

    prompt_bound: int
    out_bytes: int = 0
    usage: Usage | None = None
    guess: bool = False

    def heard(self, chunk: Chunk) -> None:
        """A chunk of the answer. What is encrypted was billed as well; an estimate never flatters the budget."""
        self.told(chunk)
        self.out_bytes += sum(len(p.text.encode()) + len(p.opaque) for p in chunk.pieces if not p.whole and not p.mirror)

    def told(self, chunk: Chunk) -> None:
        """What a chunk says of the usage. A guess takes no place of the host's own word."""
        if chunk.usage is not None and (self.usage is None or self.guess or not chunk.guess):
            self.usage, self.guess = chunk.usage, chunk.guess

    def bill(self, attempt: Attempt, error: RouterError | None) -> tuple[int, Usage, bool]:
        """(micro-dollars, usage, estimated). Reported usage wins; where only its beginning was reported, that and what was seen since. Without
        it: nothing when the host cannot have billed, else every byte as a token. An estimate never flatters the budget, and is at most
        the reservation."""
        if attempt.model is None or attempt.model.price is None:
            return 0, self.usage or Usage(), self.usage is None
        if self.usage is not None:
            micro = cost(self.usage, attempt.model.price)
            return (min(attempt.reserve, micro) if self.guess else micro), self.usage, self.guess
        if error is not None and not error.money_at_risk and not self.out_bytes:
            return 0, Usage(), False
        if error is not None and not self.out_bytes:
            return attempt.reserve, Usage(input=self.prompt_bound, output=attempt.max_output), True
        guess = Usage(input=self.prompt_bound, output=min(self.out_bytes, attempt.max_output))
        return min(attempt.reserve, cost(guess, attempt.model.price)), guess, True
