"""Findings to what may leave: a tool's own name is no person, however the encoder reads it."""

from __future__ import annotations

from localrouter.core.ask import Leaf, Path
from localrouter.core.findings import Finding
from localrouter.scrub.checked import checked
from localrouter.scrub.tokens import Minter
from localrouter.scrub.veil import taken

USER = Leaf(("messages", 0, "content"), "Read the notes. Mark wrote them.", "user")
TOOL = Leaf(("tools", 0, "function", "name"), "Read", "tool_schema", "name")
ENCODER = [Finding(0, 4, "PERSON", 0.8, "encoder"), Finding(16, 20, "PERSON", 0.8, "encoder")]


def texts(leaves: list[Leaf], findings: list[list[Finding]]) -> list[str]:
    return checked(leaves, findings, {}, Minter(b"k" * 32, "c", "p", taken(leaves))).texts


def test_a_tools_name_is_no_person() -> None:
    for path in (("tools", 0, "function", "name"), ("tools", 0, "name"), ("tools", 0, "tools", 1, "name")):
        said, name = texts([USER, Leaf(path, "Read", "tool_schema", "name")], [ENCODER, []])
        assert said.startswith("Read the notes. PERSON_") and name == "Read"


def test_what_is_not_a_guess_stands() -> None:
    """A deny list, a rule, the user's own identity: a tool's name takes nothing away from them."""
    for detector in ("denylist", "identity", ""):
        said, name = texts([USER, TOOL], [[Finding(0, 4, "PERSON", 1.0, detector)], []])
        assert "Read" not in said and "Read" not in name


def test_a_name_within_a_schema_is_no_tool() -> None:
    inner: tuple[Path, ...] = (
        ("tools", 0, "function", "parameters", "default", "name"),
        ("tools", 0, "input_schema", "default", "name"),
        ("tools", 0, "parameters", "examples", 0, "name"),
    )
    for path in inner:
        said, _ = texts([USER, Leaf(path, "Mark", "tool_schema", "name")], [ENCODER, []])
        assert "Mark" not in said
