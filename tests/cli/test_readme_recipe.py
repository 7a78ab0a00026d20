"""The README's transcript of a dry run, an apply and a rollback is what the commands print, in a fresh home after a thousand requests."""

from __future__ import annotations

import re
from pathlib import Path

import office
from conftest import start, stop, wait

from localrouter.daemon.rehearsal import Rehearsal


def test_the_transcript_is_what_happens(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Rehearsal() as host:
        office.write(home, host)
        process = start(home)
        try:
            daemon = wait(home, process, host)
            assert set(office.send(daemon.port, daemon.client, office.COUNT)) == {200}
            sent = len(host.app.record)
            text = office.transcript(home)
            assert len(host.app.record) == sent, "none of it sends anything"
        finally:
            stop(process)
    ids = re.compile(r"^ *ID .*$")  # which of a thousand requests came last is chance
    assert [x for x in office.masked(text) if not ids.match(x)] == [x for x in office.masked(office.shown()) if not ids.match(x)]
    took = re.search(r"Took (\d+\.\d) s", text)
    assert took is not None and float(took[1]) < 5
