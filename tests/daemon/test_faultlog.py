"""A defect is logged with its place and without its words."""

from __future__ import annotations

import logging

import pytest

from localrouter.daemon.faultlog import log_defect


def test_the_message_stays_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        try:
            raise ValueError("the prompt was: my password is hunter2")
        except ValueError:
            log_defect("request lr-1: emit failed")
    assert "ValueError" in caplog.text and "test_faultlog.py" in caplog.text and "request lr-1" in caplog.text
    assert "hunter2" not in caplog.text.replace('raise ValueError("the prompt was: my password is hunter2")', "")
