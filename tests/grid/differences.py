"""Where our grid answers a recorded request differently from PyGrid, on purpose, and why.

One entry is ``(scenario, exchanges, reason)``; exchanges are indices into the recording.
"""

from __future__ import annotations

__all__ = ["DIFFERENCES", "differences_of"]

OUT_OF_SCOPE = "users, roles and data-centric messages are not part of this grid: unknown type"
CLEAR_ERROR = "a mistake in the request is a 400 with a JSON error, not a page of status 500"
NO_MOCK = "req-join, a mock that always failed, does not exist: 404"
ZERO_SPEED = "a minimum speed of 0 demands no speed test (protocol.md 7.2)"
FALSY_VERSION = "no half answer with a worker id and an error: the process is not found"
WHOLE = "hosting is all or nothing: after a refusal the name is free"
NO_TFJS = "plans without a tfjs role can be hosted (7.2)"
NOT_A_MODEL = "what is no model is refused, so nothing of that name exists"
NOT_AN_AVERAGE = "an averaging plan must be a plan"
NO_NAME = "a process needs a name"
STILL_BUSY = "a poll while the original was aggregating; the test waits for ours first"
REPORT_CHECKED = "a diff that does not fit the model is refused when it is reported"
NOT_WEDGED = "the bad report was refused, so the cycle goes on with the good ones"
WAITS_FOR_GOOD = "the bad report was refused, so the cycle waits for one more"
EMPTY_SECRET = "an empty secret is none: nobody can sign tokens with it (finding 26)"
NO_ANSWER = "a third party that is not there: our words, not the HTTP library's"
NO_REDIRECT = "the token is not sent elsewhere: a redirect is a no"
ELSEWHERE = "its other process was hosted in another recording"
LENIENT = "missing ids, and elements beside another serializer number, can be read"

DIFFERENCES: list[tuple[str, tuple[int, ...], str]] = [
    ("01_ws_envelope", (66, 67, 68, 69, 70, 71, 72, 73, 74, 75), OUT_OF_SCOPE),
    ("02_ws_order_and_connections", (21, 22), "the close frame says where the WebSocket is"),
    ("03_http_generalities", (42, 44, 45, 46, 47, 48, 51, 52, 55, 59), CLEAR_ERROR),
    ("03_http_generalities", (69, 70), NO_MOCK),
    ("04_host_training", (29, 34), WHOLE),
    ("04_host_training", (39, 48), NO_TFJS),
    ("04_host_training", (52, 53, 54, 56, 66), NOT_A_MODEL),
    ("04_host_training", (58,), NOT_AN_AVERAGE),
    ("04_host_training", (92,), NO_NAME),
    ("10_auth_none_and_versions", (5, 6), ZERO_SPEED),
    ("10_auth_none_and_versions", (26, 29, 32), FALSY_VERSION),
    ("10_auth_none_and_versions", (52, 53), "authentication: null is no authentication"),
    ("11_auth_tokens", (101, 102), NO_REDIRECT),
    ("11_auth_tokens", (119, 120), NO_ANSWER),
    ("11_auth_tokens", (126, 127), EMPTY_SECRET),
    ("11_auth_tokens", (133, 134), ELSEWHERE),
    ("12_auth_blank_keys", (2, 4), EMPTY_SECRET),
    ("12_auth_blank_keys", (7, 9), NO_ANSWER),
    ("21_downloads", (25,), "get-protocol works: raw bytes (7.2)"),
    ("21_downloads", (85,), "a part of a download is sent where one is asked for: 206"),
    ("22_plan_variants", (37,), "no empty shell where a plan has no torchscript: 400 (3.10)"),
    ("22_plan_variants", (42,), NO_TFJS),
    ("31_fedavg_numbers", (67,), "a number int() cannot read is an unknown alias: 404"),
    ("31_fedavg_numbers", (111,), "num_cycles: null means no limit, training goes on"),
    ("33_when_it_fires", (94,), "a timer ends the cycle; PyGrid waits for another report"),
    ("33_when_it_fires", (96, 98), "the report after the cycle's end is late"),
    ("34_wedged_cycles", (6, 27, 36, 45, 54, 63, 99, 108, 117, 126), REPORT_CHECKED),
    ("34_wedged_cycles", (13, 15, 17, 20), NOT_WEDGED),
    ("34_wedged_cycles", (47, 65, 101, 110, 119), WAITS_FOR_GOOD),
    ("34_wedged_cycles", (74, 83, 92), LENIENT),
    ("34_wedged_cycles", (130, 131, 132, 133, 134), NOT_A_MODEL),
    ("40_speed_test", (2,), ZERO_SPEED),
    ("40_speed_test", (15, 16, 17, 18, 19, 20, 21, 22, 23, 24), CLEAR_ERROR),
    ("42_race_lost_checks", (25, 26, 27, 28, 29, 30, 31, 32), STILL_BUSY),
    ("42_race_lost_checks", (35,), "no check is skipped: the checkpoint is there"),
    ("42_race_lost_checks", (37,), "no check is skipped: the next cycle is open"),
    ("44_half_made_process", (3, 5, 7, 9, 13, 15), WHOLE),
    ("50_syftjs_ws", (28, 29, 62, 63, 64, 65), STILL_BUSY),
    ("52_syftjs_auth_and_rejection", (61, 84), "the recording does not have the answer"),
    ("52_syftjs_auth_and_rejection", (72,), ZERO_SPEED),
]


def differences_of(scenario: str) -> dict[int, str]:
    """Exchange -> reason, for one recording."""
    return {
        index: reason
        for name, indices, reason in DIFFERENCES
        if name == scenario
        for index in indices
    }
