"""The recorded conversations with the original server, sent to ours.

Whatever differs is in `tests.grid.differences` with its reason, or in the rules R1 to R6 of
`tests.grid.replay`. An entry that no longer differs fails the test too.
"""

from __future__ import annotations

import pytest

from syft_web.grid import Server
from tests.grid.differences import DIFFERENCES, differences_of
from tests.grid.replay import Player
from tests.paths import NO_SHARED, SHARED

pytestmark = pytest.mark.skipif(SHARED is None, reason=NO_SHARED)

SCENARIOS = [
    "01_ws_envelope",
    "02_ws_order_and_connections",
    "03_http_generalities",
    "04_host_training",
    "10_auth_none_and_versions",
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
]

NOT_KEPT: dict[str, int] = {}
"""How many exchanges of a recording cannot be sent because a body was not kept beside it."""

WAITS = {"33_when_it_fires": {94: 3.3, 110: 2.3}}
"""Seconds to wait before an exchange: the recording waited for the end of a cycle there."""


@pytest.mark.parametrize("name", SCENARIOS)
def test_recorded_conversation(name: str, grid: Server) -> None:
    assert SHARED is not None
    player = Player(grid, SHARED, WAITS.get(name, {}))
    outcomes = list(player.play(name))

    skipped = [o for o in outcomes if o.skipped]
    assert len(skipped) == NOT_KEPT.get(name, 0), [(o.index, o.problem) for o in skipped]
    differing = {o.index: o.problem for o in outcomes if o.problem and not o.skipped}
    expected = differences_of(name)
    unexpected = {i: p for i, p in differing.items() if i not in expected}
    assert not unexpected, "\n".join(f"{i}: {p}" for i, p in unexpected.items())
    assert differing.keys() == expected.keys(), "these do not differ any more"


def test_every_difference_is_of_a_recording() -> None:
    assert {name for name, _, _ in DIFFERENCES} <= set(SCENARIOS)
