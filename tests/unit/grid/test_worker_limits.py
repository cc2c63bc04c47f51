from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web.errors import HostingError
from syft_web.grid.completion import is_due
from syft_web.grid.configs import ServerConfig
from syft_web.grid.service import Service
from syft_web.grid.worker_limits import TooFew, WorkerLimits
from tests.grid.talk import host_data
from tests.unit.grid.averaging import list_plan

TUTORIAL = {"min_workers": 5, "max_workers": 5, "do_not_reuse_workers_until_cycle": 6}
ON = {"cycle_length": 100, "enforce_worker_limits": True}


def read(**config: Any) -> ServerConfig:
    return ServerConfig.read({**ON, **config})


@pytest.mark.parametrize("switch", [{}, {"enforce_worker_limits": False}])
def test_what_pygrid_never_looked_at_counts_only_where_asked_for(switch: dict[str, Any]) -> None:
    config = {"cycle_length": 100, **TUTORIAL, "max_workers": "many", **switch}
    assert ServerConfig.read(config).workers == WorkerLimits()


def test_limits() -> None:
    assert read(**TUTORIAL).workers == WorkerLimits(most=5, least=5, rest=6)
    assert read(**dict.fromkeys(TUTORIAL)).workers == WorkerLimits()


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"enforce_worker_limits": "yes"}, "enforce_worker_limits must be true or false"),
        ({"max_workers": 0}, "max_workers must be a whole number of at least 1"),
        ({"max_workers": 2.5}, "max_workers must be a whole number"),
        ({"max_workers": True}, "max_workers must be a whole number"),
        ({"min_workers": -1}, "min_workers must be a whole number of at least 0"),
        ({"max_workers": 2, "min_workers": 3}, "min_workers 3 is more than max_workers 2"),
        ({"max_workers": 2, "min_diffs": 3}, "min_diffs 3 is more than max_workers 2"),
        ({"max_workers": 2, "cycle_length": None}, "max_workers needs a cycle_length"),
        ({"do_not_reuse_workers_until_cycle": "x"}, "do_not_reuse_workers_until_cycle must be"),
        ({"on_too_few_diffs": "stop"}, 'on_too_few_diffs must be "extend", "close" or "fail"'),
        ({"on_too_few_diffs": ["fail"]}, "on_too_few_diffs must be"),
        ({"on_too_few_diffs": "fail", "cycle_length": None}, "on_too_few_diffs needs a cycle_leng"),
        ({"on_too_few_diffs": "close", "cycle_length": 0}, "on_too_few_diffs needs a cycle_length"),
    ],
)
def test_mistakes(config: dict[str, Any], text: str) -> None:
    with pytest.raises(HostingError) as caught:
        read(**config)
    assert text in caught.value.text


@pytest.mark.parametrize("value", [None, "extend", "close", "fail"])
def test_too_few(value: str | None) -> None:
    assert read(on_too_few_diffs=value).on_too_few is TooFew(value or "extend")


@pytest.mark.parametrize(
    ("config", "reports", "ended", "due"),
    [
        ({"max_workers": 3}, 3, False, True),  # nobody else can come
        ({"max_workers": 3}, 2, False, False),
        ({"max_workers": 3, "max_diffs": 2}, 2, False, True),
        ({"max_workers": 2, "max_diffs": 3}, 2, False, True),
        ({"min_workers": 2}, 1, True, False),
        ({"min_workers": 2}, 2, True, True),
        ({"min_workers": 2, "min_diffs": 3}, 2, True, False),
        ({"min_workers": 3, "min_diffs": 2}, 2, True, False),
        ({"min_workers": 2, "max_diffs": 1}, 1, False, False),
        ({"min_workers": 0}, 0, True, False),
    ],
)
def test_is_due(config: dict[str, Any], reports: int, ended: bool, due: bool) -> None:
    assert is_due(read(**config), reports, ended=ended) is due


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"min_workers": 3}, "server_config.min_workers is 3; set it to 2 or less"),
        ({"max_workers": 1}, "server_config.max_workers is 1; set it to 2 or more"),
        ({"min_diffs": 3}, "server_config.min_diffs is 3; set it to 2 or less"),
    ],
)
def test_a_plan_for_two_diffs(service: Service, config: dict[str, int], text: str) -> None:
    with pytest.raises(HostingError, match=text):
        service.host(host_data(averaging_plan=list_plan().dumps(), **ON, **config))


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just([])
KEYS = st.sampled_from([*TUTORIAL, *ON, "on_too_few_diffs", "min_diffs", "max_diffs", "num_cycles"])


@given(st.dictionaries(KEYS, VALUES))
def test_any_json_is_read_or_refused(config: dict[str, Any]) -> None:
    try:
        rules = ServerConfig.read(config)
    except HostingError:
        return
    most = rules.workers.most
    assert most is None or (rules.cycle_length and 1 <= rules.least_reports <= most)
