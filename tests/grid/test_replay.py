"""The recorded conversations with the original server, sent to ours.

Whatever differs is in `tests.grid.differences` with its reason, or in the rules R1 to R7 of
`tests.grid.replay`. An entry that no longer differs fails the test too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo

import jwt.api_jwt
import pytest

from syft_web.grid import Server
from tests.grid.differences import DIFFERENCES, differences_of
from tests.grid.replay import Player
from tests.grid.third_party import ThirdParty
from tests.paths import NO_SHARED, SHARED

pytestmark = [
    pytest.mark.skipif(SHARED is None, reason=NO_SHARED),
    pytest.mark.filterwarnings("ignore:The HMAC key is"),
]

SCENARIOS = [
    "01_ws_envelope",
    "02_ws_order_and_connections",
    "03_http_generalities",
    "04_host_training",
    "10_auth_none_and_versions",
    "11_auth_tokens",
    "12_auth_blank_keys",
    "21_downloads",
    "22_plan_variants",
    "31_fedavg_numbers",
    "33_when_it_fires",
    "34_wedged_cycles",
    "40_speed_test",
    "42_race_lost_checks",
    "44_half_made_process",
    "50_syftjs_ws",
    "51_syftjs_http",
    "52_syftjs_auth_and_rejection",
]

NOT_KEPT: dict[str, int] = {}
"""How many exchanges of a recording cannot be sent because a body was not kept beside it."""

WAITS = {"33_when_it_fires": {94: 3.3, 110: 2.3}}
"""Seconds to wait before an exchange: the recording waited for the end of a cycle there."""

RECORDED_AT = {"11_auth_tokens": 1795490309.0}
"""When a recording was made, if the times in its tokens count."""

ENDPOINT = "http://127.0.0.1:41719/verify"
"""The third party of recording 11, and what it answered, one question after the other."""
BY_ENDPOINT = [200, 200]
BY_ENDPOINT += [status for status in (201, 204, 400, 401, 403, 500, 302) for _ in range(2)]
BY_ENDPOINT += [200] * 6 + [401] * 4


class _Then(datetime):
    """A clock that stands at `at`."""

    at = 0.0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return datetime.fromtimestamp(cls.at, tz)


@contextmanager
def _third_party(name: str) -> Iterator[dict[str, str]]:
    if name != "11_auth_tokens":
        yield {}
        return
    with ThirdParty(BY_ENDPOINT) as party:
        yield {ENDPOINT: f"{party.url}/verify"}
        assert not party.script, "questions that were not asked"
        assert party.asked[0].body == b'{"auth_token": "opaque-123"}'


@pytest.mark.parametrize("name", SCENARIOS)
def test_recorded_conversation(name: str, grid: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SHARED is not None
    if name in RECORDED_AT:
        monkeypatch.setattr(_Then, "at", RECORDED_AT[name])
        monkeypatch.setattr(jwt.api_jwt, "datetime", _Then)
    with _third_party(name) as texts:
        outcomes = list(Player(grid, SHARED, WAITS.get(name, {}), texts).play(name))

    skipped = [o for o in outcomes if o.skipped]
    assert len(skipped) == NOT_KEPT.get(name, 0), [(o.index, o.problem) for o in skipped]
    differing = {o.index: o.problem for o in outcomes if o.problem and not o.skipped}
    expected = differences_of(name)
    unexpected = {i: p for i, p in differing.items() if i not in expected}
    assert not unexpected, "\n".join(f"{i}: {p}" for i, p in unexpected.items())
    assert differing.keys() == expected.keys(), "these do not differ any more"


def test_every_difference_is_of_a_recording() -> None:
    assert {name for name, _, _ in DIFFERENCES} <= set(SCENARIOS)
