from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web.errors import MessageError
from syft_web.wire.messages import ReportRequest
from syft_web.wire.metrics import MAX_METRICS, MAX_SAMPLES, as_metrics, as_samples

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("value", "samples"), [(None, None), (1, 1), (64.0, 64), (np.int64(7), 7), (MAX_SAMPLES,) * 2]
)
def test_samples(value: object, samples: int | None) -> None:
    assert as_samples(value) == samples


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "5", float("nan"), 2**31, 10**400, [], {}])
def test_what_is_no_number_of_samples(value: object) -> None:
    with pytest.raises(MessageError, match="num_samples must be") as caught:
        as_samples(value)
    assert caught.value.key == "num_samples"


def test_metrics() -> None:
    assert as_metrics(None) is None
    assert as_metrics({}) is None
    found = as_metrics({"loss": np.float32(0.5), "accuracy": 1, "val.f1-score_2": -2.5})
    assert found == {"loss": 0.5, "accuracy": 1.0, "val.f1-score_2": -2.5}
    assert all(type(value) is float for value in (found or {}).values())


@pytest.mark.parametrize(
    "value",
    [
        [],
        "loss",
        {"": 1},
        {"1st": 1},
        {"a b": 1},
        {"a" * 65: 1},
        {3: 1},
        {"loss": None},
        {"loss": True},
        {"loss": float("inf")},
        {"loss": 1e101},
        {"loss": 10**400},
        {f"m{i}": 1 for i in range(MAX_METRICS + 1)},
    ],
)
def test_what_are_no_metrics(value: Any) -> None:
    with pytest.raises(MessageError, match="metrics"):
        as_metrics(value)


@given(JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    for read in (as_samples, as_metrics):
        try:
            read(value)
        except MessageError:
            continue


def test_old_servers_never_see_them() -> None:
    request = ReportRequest("w", "k", b"x")
    assert list(request.to_json()) == ["worker_id", "request_key", "diff"]
    assert ReportRequest.from_json(request.to_json()) == request


def test_both_ways() -> None:
    request = ReportRequest("w", "k", b"x", 5, {"loss": 0.25})
    sent = request.to_json()
    assert sent["num_samples"] == 5
    assert sent["metrics"] == {"loss": 0.25}
    assert ReportRequest.from_json(sent) == request
