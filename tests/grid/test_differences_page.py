from __future__ import annotations

from tests.grid.differences import DIFFERENCES
from tests.grid.differences_page import RECORDINGS, page
from tests.grid.test_replay import SCENARIOS
from tests.paths import ROOT


def test_the_page_says_what_the_list_says() -> None:
    written = (ROOT / "web/docs/pygrid.md").read_text(encoding="utf-8")
    assert written == page(), (
        "the list of differences has changed; write the page anew with "
        "`python -m tests.grid.differences_page > web/docs/pygrid.md`"
    )


def test_it_names_every_recording_and_reason() -> None:
    assert set(RECORDINGS) == set(SCENARIOS)
    text = page()
    for name, _, reason in DIFFERENCES:
        assert f"{RECORDINGS[name]} | " in text
        assert reason.partition(" (")[0] in text
    assert "protocol.md" not in text
