from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web.errors import HostingError
from syft_web.grid.aggregation import Aggregation
from syft_web.grid.aggregation.fedadam import FedAdam
from syft_web.grid.aggregation.fedavgm import FedAvgM
from syft_web.grid.aggregation.fedyogi import FedYogi
from syft_web.grid.configs import ServerConfig
from syft_web.grid.service import Service
from tests.grid.talk import host_data
from tests.unit.grid.averaging import ITERATIVE
from tests.unit.grid.workers import refused


def read(value: Any, max_diffs: int | None = None) -> Aggregation:
    problems: list[str] = []
    found = Aggregation.read(value, max_diffs, problems)
    assert not problems
    return found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, Aggregation()),
        ({}, Aggregation()),
        ({"weighted": True}, Aggregation(weighted=True)),
        ({"weighted": True, "max_samples": 500}, Aggregation(weighted=True, max_samples=500)),
        ({"method": "median", "max_norm": 2}, Aggregation(method="median", max_norm=2.0)),
        (
            {"method": "trimmed_mean", "trim": 0.25},
            Aggregation(method="trimmed_mean", trim=0.25),
        ),
        ({"optimizer": "fedadam"}, Aggregation(optimizer=FedAdam())),
        (
            {"optimizer": {"name": "fedavgm", "momentum": 0}},
            Aggregation(optimizer=FedAvgM(momentum=0.0)),
        ),
        (
            {"optimizer": {"name": "fedyogi", "lr": 0.1, "tau": 1e-2}},
            Aggregation(optimizer=FedYogi(lr=0.1, tau=1e-2)),
        ),
    ],
)
def test_choices(value: Any, expected: Aggregation) -> None:
    assert read(value) == expected


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ([], ["aggregation must be an object"]),
        ({"metod": "median"}, ["aggregation.metod is not known; it may have method, weighted"]),
        ({"method": "krum"}, ['method must be "mean" or "median" or "trimmed_mean"']),
        ({"method": ["mean"]}, ["method must be"]),
        ({"weighted": 1}, ["weighted must be true or false"]),
        ({"weighted": True, "method": "median"}, ["weighted has no meaning for the median"]),
        ({"max_samples": 5}, ["max_samples needs weighted"]),
        ({"weighted": True, "max_samples": 0}, ["max_samples must be a whole number"]),
        ({"method": "trimmed_mean"}, ["trim is missing"]),
        ({"method": "trimmed_mean", "trim": 0.5}, ["trim must be a number above 0 and below 0.5"]),
        ({"method": "trimmed_mean", "trim": 0.1}, ["leaves out none of max_diffs 5"]),
        ({"trim": 0.1}, ["trim needs method"]),
        ({"max_norm": 0}, ["max_norm must be a number above 0"]),
        ({"max_norm": float("inf")}, ["max_norm must be"]),
        ({"max_norm": 10**400}, ["max_norm must be"]),
        ({"optimizer": "adam"}, ["optimizer.name must be"]),
        ({"optimizer": 1}, ["optimizer must be a name"]),
        ({"optimizer": {}}, ["optimizer.name is missing"]),
        ({"optimizer": {"name": "fedavgm", "tau": 1}}, ["optimizer.tau is not known"]),
        (
            {"max_norm": -1, "weighted": "yes", "optimizer": {"name": "fedadam", "lr": 0}},
            ["max_norm", "weighted", "optimizer.lr must be a number above 0"],
        ),
    ],
)
def test_every_problem_is_told(value: Any, texts: list[str]) -> None:
    config = {"cycle_length": None, "max_diffs": 5, "aggregation": value, "num_cycles": "x"}
    with pytest.raises(HostingError) as caught:
        ServerConfig.read(config)
    for text in [*texts, "num_cycles"]:
        assert text in caught.value.text


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.just("fedadam"),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(
                    ["method", "weighted", "trim", "max_norm", "optimizer", "name", "lr", "x"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=8,
    )
)
def test_any_json_is_read_or_refused(value: Any) -> None:
    problems: list[str] = []
    found = Aggregation.read(value, None, problems)
    assert isinstance(found, Aggregation)


def test_a_plan_and_a_method_are_one_too_many(service: Service) -> None:
    data = host_data(
        averaging_plan=ITERATIVE, iterative_plan=True, aggregation={"method": "median"}
    )
    with refused("says how to average, and so does the averaging plan"):
        service.host(data)
