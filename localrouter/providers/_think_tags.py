"""Thoughts that a chat-completions host says in its text, between `<think>` and `</think>`: told apart when the answer crosses to another API, which
has a place for them. On the raw plane the text stays as the host wrote it.

Models write the tags by themselves (DeepSeek-R1, Qwen3 and others, by their model cards), and a host without a parser for the model passes
them on. Only a tag at the very beginning counts: further on it may be what the answer is about. A host that has a field of its own for
reasoning says its thoughts there. Source: LiteLLM think_tag_parser; vLLM, "Reasoning outputs".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from localrouter.core.chat import Channel, Chunk, Piece

OPEN, CLOSE = "<think>", "</think>"


@dataclass(slots=True)
class _Choice:
    """`at`: before the tag, inside it, after it (blanks are dropped), or done with it. `held` may be the beginning of a tag."""

    at: str = "before"
    held: str = ""

    def feed(self, text: str) -> tuple[str, str]:
        """(thought, text) that can be told now."""
        thought = ""
        text, self.held = self.held + text, ""
        if self.at == "before":
            bare = text.lstrip()
            if bare.startswith(OPEN):
                self.at, text = "inside", bare[len(OPEN) :].lstrip("\n")
            elif OPEN.startswith(bare):
                self.held = text
                return "", ""
            else:
                self.at = "done"
        if self.at == "inside":
            said, tag, rest = text.partition(CLOSE)
            if not tag:
                keep = next((n for n in range(min(len(CLOSE) - 1, len(said)), 0, -1) if CLOSE.startswith(said[-n:])), 0)
                self.held = said[len(said) - keep :]
                return said[: len(said) - keep], ""
            thought, text, self.at = said, rest, "after"
        if self.at == "after":
            text = text.lstrip()
            self.at = "done" if text else "after"
        return thought, text

    def end(self) -> tuple[str, str]:
        """What is still held, at the end of the answer."""
        held, self.held = self.held, ""
        inside, self.at = self.at == "inside", "done"
        return (held, "") if inside else ("", held)


class ThinkTags:
    """One answer."""

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}

    def split(self, chunk: Chunk) -> Chunk:
        """The chunk with its thoughts on their own channel; the same object when there are none."""
        pieces: list[Piece] = []
        for piece in chunk.pieces:
            channel = piece.channel
            state = self._choices.setdefault(channel.choice, _Choice())
            if channel.kind != "text" and state.at == "before" and (piece.text or piece.tool or piece.opaque):
                pieces += _said(channel.choice, *state.end())  # its thoughts stand elsewhere, or it begins with a call
            if channel.kind != "text" or piece.whole or state.at == "done":
                pieces.append(piece)
                continue
            thought, text = state.feed(piece.text)
            pieces += _said(channel.choice, thought, "")
            if text or not piece.text:
                pieces.append(replace(piece, text=text))
        for choice, state in self._choices.items():
            if chunk.terminal or choice in chunk.finish:
                pieces += _said(choice, *state.end())
        same = len(pieces) == len(chunk.pieces) and all(a is b for a, b in zip(pieces, chunk.pieces, strict=True))
        return chunk if same else replace(chunk, pieces=tuple(pieces))


def _said(choice: int, thought: str, text: str) -> list[Piece]:
    kinds = (("reasoning", thought), ("text", text))
    return [Piece(Channel(choice, kind), said) for kind, said in kinds if said]  # type: ignore[arg-type]  # both are kinds of a channel
