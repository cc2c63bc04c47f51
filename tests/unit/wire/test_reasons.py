from __future__ import annotations

import pytest

from syft_web.wire.messages import CycleRejected, ReportReply
from syft_web.wire.reasons import Reason, in_words


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason) -> None:
    assert in_words(str(reason)) != str(reason)
    assert str(reason).replace("_", "").isalpha()


def test_a_code_of_a_newer_grid() -> None:
    assert in_words("moon_is_full") == "moon_is_full"


@pytest.mark.parametrize("value", [None, 5, ["late"], {}])
def test_what_is_no_reason_is_none(value: object) -> None:
    assert CycleRejected.from_json({"status": "rejected", "reason": value}).reason is None
    assert ReportReply.from_json({"status": "success", "reason": value}).reason is None


def test_reasons_travel_beside_the_old_keys() -> None:
    rejected = CycleRejected(1.5, Reason.TOO_SLOW)
    assert rejected.to_json() == {"status": "rejected", "timeout": 2, "reason": "too_slow"}
    assert ReportReply(Reason.LATE).to_json() == {"status": "success", "reason": "late"}
    assert ReportReply().to_json() == {"status": "success"}
    assert CycleRejected.from_json(rejected.to_json()).reason == "too_slow"
