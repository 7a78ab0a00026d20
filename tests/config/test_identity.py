"""Who the user is, read from the machine's own files and environment; never from the working directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from localrouter.config.identity import own_identity


def test_git_files_with_includes(tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text(
        '[user]\n\tname = "Jane Roe" ; me\n\temail = jane@roe.org # home\n[format]\n\tpretty = %h%x09%s\n'
        '[includeIf "gitdir:~/work/"]\n\tpath = ~/.gitconfig-work\n[include]\n\tpath = more/loop\n[alias]\n\temail = log\n'
    )
    (tmp_path / ".gitconfig-work").write_text("[user]\nemail=jane.roe@work.org\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "loop").write_text("[include]\npath = loop\n[author] name = J. Roe\n")
    (tmp_path / ".config" / "git").mkdir(parents=True)
    (tmp_path / ".config" / "git" / "config").write_text("[user]\n email = xdg@roe.org\n")
    found = own_identity({}, tmp_path)
    assert {"jane@roe.org", "jane.roe@work.org", "xdg@roe.org"} == set(found["email"].splitlines())
    assert {"Jane Roe", "J. Roe"} <= set(found["name"].splitlines())
    assert found["home"] == str(tmp_path) and tmp_path.name in found["user"].splitlines()


def test_the_environment(tmp_path: Path) -> None:
    env = {"USER": "mkowalska", "GIT_AUTHOR_EMAIL": "m@k.org", "DEBFULLNAME": "Marta Kowalska", "HOSTNAME": "box7.lan"}
    found = own_identity(env, tmp_path)
    assert "mkowalska" in found["user"].splitlines() and "box7" in found["host"].splitlines()
    assert found["email"] == "m@k.org" and "Marta Kowalska" in found["name"].splitlines()


def test_nothing_comes_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "repo"
    (here / ".git").mkdir(parents=True)
    for file in (here / ".git" / "config", here / ".gitconfig", here / "x"):
        file.write_text("[user]\nname = Evil Name\nemail = evil@x.org\n")
    monkeypatch.chdir(here)
    found = own_identity({"GIT_CONFIG_GLOBAL": "x"}, tmp_path / "home")
    assert "evil" not in str(found).lower()
    assert "evil" not in str(own_identity({}, tmp_path / "home")).lower()


def test_what_cannot_be_read_gives_nothing(tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_bytes(b"\xff\xfe[user\nname=\n = x\n[user]\nemail = \x00\n")
    found = own_identity({}, tmp_path)
    assert "home" in found
    (tmp_path / ".gitconfig").unlink()
    (tmp_path / ".gitconfig").mkdir()
    assert "home" in own_identity({}, tmp_path)
