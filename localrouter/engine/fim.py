"""Fill in the middle: the prompt of a completion model from the text before and behind the cursor.

PSM (prefix, suffix, middle) and SPM (suffix, prefix, middle) are the two orders of Bavarian et al., "Efficient Training of Language Models
to Fill in the Middle" (arXiv 2207.14255). What a model was trained on is told by its own tokens. The files around it stand before, as in
the Qwen2.5-Coder report (arXiv 2409.12186, section 3.2) and the StarCoder 2 report (arXiv 2402.19173, section 5).

Laws: text is never a control token (the caller's `read` is the plain one). Of a text that is too long the lines nearest to the cursor
stay, and the cut moves in steps, so that a next keystroke's prompt begins as the last one did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Read = Callable[[str], list[int]]
"""Plain text to tokens, without a beginning-of-text token."""

PREFIX_SHARE = 0.75
"""Of the budget; what the suffix does not need is the prefix's too."""
_CHARS = 8
"""A token of code is seldom longer: text beyond this many characters a token is not even read."""

_NAMES: dict[str, tuple[str, ...]] = {
    "pre": (
        "<|fim_prefix|>",
        "<fim_prefix>",
        "<fim-prefix>",
        "<｜fim▁begin｜>",
        "<PRE>",
        "▁<PRE>",
        "[PREFIX]",
        "<|code_prefix|>",
    ),
    "suf": ("<|fim_suffix|>", "<fim_suffix>", "<fim-suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>", "[SUFFIX]", "<|code_suffix|>"),
    "mid": ("<|fim_middle|>", "<fim_middle>", "<fim-middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>", "[MIDDLE]", "<|code_middle|>"),
    "pad": ("<|fim_pad|>", "<fim_pad>", "<fim-pad>", "<PAD>"),
    "rep": ("<|repo_name|>", "<|fim_repo|>", "<repo_name>", "<reponame>", "<fim-repo>"),
    "sep": ("<|file_sep|>", "<file_sep>", "<|file_separator|>"),
    "eot": ("<EOT>", "▁<EOT>", "<|endoftext|>", "<|end_of_text|>"),
}
"""The tokens' names in Qwen2.5-Coder, StarCoder 2 and Granite, DeepSeek-Coder, CodeLlama, Codestral and CodeGemma, by llama.cpp's words."""


@dataclass(frozen=True, slots=True)
class FimTokens:
    """What a model's own tokens say of its training. `middle` is None for models that go on from the prefix (Codestral)."""

    prefix: int
    suffix: int
    middle: int | None
    repo: int | None = None
    file: int | None = None
    ends: frozenset[int] = frozenset()
    """Tokens that end an insertion: the model goes on to another part or file."""
    suffix_first: bool = False
    """SPM."""
    path_inside: bool = False
    """The path of the file at hand stands behind the prefix's mark (StarCoder 2), not before it."""
    bos: int | None = None


@dataclass(frozen=True, slots=True)
class FimPrompt:
    """The tokens, and how many characters of each text they hold."""

    tokens: list[int]
    prefix_chars: int
    suffix_chars: int


def fim_tokens(
    declared: Mapping[str, int], controls: Mapping[str, int], *, name: str = "", bos: int | None = None
) -> FimTokens | None:
    """The model's tokens for filling in, or None when it has none. `declared`: by llama.cpp's words (`pre`, `suf`, `mid`, `pad`, `rep`,
    `sep`), as GGUF's `tokenizer.ggml.fim_*_token_id` say; `controls`: all control tokens, text to number, for files that do not say;
    `name`: the model's; `bos`: where the model wants one."""
    found = {word: declared.get(word, _first(controls, names)) for word, names in _NAMES.items()}
    prefix, suffix, middle = found["pre"], found["suf"], found["mid"]
    codestral = "[SUFFIX]" in controls and suffix == controls["[SUFFIX]"]
    if prefix is None or suffix is None or (middle is None and not codestral):
        return None
    return FimTokens(
        prefix,
        suffix,
        None if codestral else middle,
        repo=found["rep"],
        file=found["sep"],
        ends=frozenset(t for word, t in found.items() if t is not None),
        suffix_first=codestral or "mellum" in name.lower(),
        path_inside="<file_sep>" in controls and "starcoder" in name.lower(),
        bos=bos,
    )


def _first(controls: Mapping[str, int], names: Sequence[str]) -> int | None:
    return next((controls[n] for n in names if n in controls), None)


def fim_prompt(
    tokens: FimTokens,
    read: Read,
    prefix: str,
    suffix: str,
    *,
    budget: int,
    path: str = "",
    repo: str = "",
    files: Sequence[tuple[str, str]] = (),
) -> FimPrompt:
    """The prompt in at most `budget` tokens. `files`: (path, text) of other files, the most useful last; they get what the two texts
    leave, whole or not at all, and only from a model that has a token between files. Raises ValueError when the budget holds nothing."""
    here = read(f"{path}\n") if path and tokens.file is not None else []
    fixed = 6 + len(here)
    if budget <= fixed:
        raise ValueError(f"A prompt to fill in needs more than {fixed} tokens, and there is room for {max(0, budget)}.")
    room = budget - fixed
    after, after_chars = _head(read, suffix, room - int(room * PREFIX_SHARE))
    before, before_chars = _tail(read, prefix, room - len(after))
    room -= len(before) + len(after)
    if room > 0 and after_chars < len(suffix):
        after, after_chars = _head(read, suffix, room + len(after))
        room = budget - fixed - len(before) - len(after)
    context = _context(tokens, read, files, repo, room)
    first = [tokens.bos] if tokens.bos is not None else []
    named = [tokens.file, *here] if here and tokens.file is not None and not tokens.path_inside else []
    opened = [tokens.prefix, *(here if tokens.path_inside else [])]
    if tokens.path_inside and context and tokens.file is not None:
        named = [tokens.file]
    middle = [] if tokens.middle is None else [tokens.middle]
    if tokens.suffix_first:
        body = [tokens.suffix, *after, *opened, *before, *middle]
    else:
        body = [*opened, *before, tokens.suffix, *after, *middle]
    return FimPrompt([*first, *context, *named, *body], before_chars, after_chars)


def _context(tokens: FimTokens, read: Read, files: Sequence[tuple[str, str]], repo: str, room: int) -> list[int]:
    """Other files, as many as fit, and the project's name before them."""
    if tokens.file is None:
        return []
    head = [tokens.repo, *read(f"{repo}\n")] if repo and tokens.repo is not None else []
    room -= len(head)
    chosen: list[list[int]] = []
    for path, text in reversed(files):
        if len(text) > room * _CHARS:
            continue
        part = [tokens.file, *read(f"{path}\n{text}\n" if not text.endswith("\n") else f"{path}\n{text}")]
        if len(part) <= room:
            chosen.insert(0, part)
            room -= len(part)
    return [*head, *(t for part in chosen for t in part)] if room >= 0 and (chosen or head) else []


def _tail(read: Read, text: str, room: int) -> tuple[list[int], int]:
    """The end of a text in at most `room` tokens, from the beginning of a line. The cut lies at multiples of a step from the text's
    beginning: while someone types, it stays where it is."""
    step = max(64, room)
    least = -(-max(0, len(text) - room * _CHARS) // step)

    def cut(number: int) -> int:
        at = number * step
        if at == 0 or at >= len(text):
            return min(at, len(text))
        line = text.find("\n", at - 1)
        return line + 1 if 0 <= line < len(text) - 1 else at

    low, high = least, -(-len(text) // step)
    best: tuple[list[int], int] = ([], 0)
    while low <= high:
        number = (low + high) // 2
        at = cut(number)
        found = read(text[at:])
        if len(found) <= room:
            best = (found, len(text) - at)
            high = number - 1
        else:
            low = number + 1
    if not best[0] and text and room > 0:  # one line longer than a step: its end
        found = read(text[-room * _CHARS :])[-room:]
        return found, min(len(text), room * _CHARS)
    return best


def _head(read: Read, text: str, room: int) -> tuple[list[int], int]:
    """The beginning of a text in at most `room` tokens, up to the end of a line where it has one."""
    if room <= 0 or not text:
        return [], 0
    size = min(len(text), room * _CHARS)
    while True:
        part = text[:size]
        if size < len(text) and (line := part.rfind("\n")) > size // 2:
            part = part[: line + 1]
        found = read(part)
        if len(found) <= room:
            return found, len(part)
        size = min(len(part) - 1, len(part) * room // len(found) + 1)
