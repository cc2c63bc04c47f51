"""Why a grid does not give a worker a place, or does not count its report: short, stable codes.

They travel as ``reason`` beside the keys of the original protocol; PyGrid sends none. A client
must get along with codes it does not know.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = ["Reason", "in_words"]


class Reason(StrEnum):
    """Why not.

    ``FINISHED`` and ``FAILED`` are for good, all others for this time only. ``LATE`` comes with
    a report that was taken and does not count; the others with a rejection.
    """

    FINISHED = "finished"
    FAILED = "failed"
    ALREADY_IN_CYCLE = "already_in_cycle"
    ALREADY_REPORTED = "already_reported"
    TOO_SLOW = "too_slow"
    CYCLE_FULL = "cycle_full"
    WORKER_REUSE = "worker_reuse"
    AGGREGATING = "aggregating"
    LATE = "late"


_WORDS: Final = {
    Reason.FINISHED: "it has had all its cycles",
    Reason.FAILED: "a cycle had too few reports",
    Reason.ALREADY_IN_CYCLE: "this worker has a place in the cycle already",
    Reason.ALREADY_REPORTED: "this worker has reported to the cycle already",
    Reason.TOO_SLOW: "the connection is slower than the model's owner asks for",
    Reason.CYCLE_FULL: "all places of the cycle are taken",
    Reason.WORKER_REUSE: "this worker has taken part lately; others come first",
    Reason.AGGREGATING: "the reports of a cycle are being averaged",
    Reason.LATE: "the cycle was over before the report came",
}


def in_words(code: str) -> str:
    """A code as a clause to be shown; codes of newer grids as they are."""
    try:
        return _WORDS[Reason(code)]
    except ValueError:
        return code
