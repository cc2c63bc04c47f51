"""syft_web.author.bundle: what is hosted, in one file; hosting it from a script or notebook."""

from __future__ import annotations

import asyncio
import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syft_web.author import Bundle, host, host_bundle
from syft_web.author.tracing import trace
from syft_web.client.steps import Accepted
from syft_web.client.syft import Syft
from syft_web.errors import DecodeError, GridRefusedError, SyftError
from syft_web.plan.plan import State
from syft_web.wire import bundle as container

W = np.arange(6, dtype=np.float32).reshape(2, 3)
PLAN = trace(lambda x, w: x @ w, np.ones((4, 2), np.float32), W, name="apply")
MEAN = trace(lambda a, i, n: (a * n + i) / (n + 1), W, W, np.array([1]), name="mean")
BUNDLE = Bundle(
    "small",
    "1.0",
    State.of([W]),
    {"apply": PLAN},
    {"lr": 0.1, "batch_size": 4},
    {"cycle_length": 60, "max_diffs": 1, "num_cycles": 1},
    averaging_plan=MEAN,
    protocols={"sums": b"opaque"},
)


def test_it_is_read_as_it_was_written(tmp_path):
    BUNDLE.save(tmp_path / "small.syft")
    read = Bundle.load(tmp_path / "small.syft")
    assert (read.name, read.version) == ("small", "1.0")
    assert read.client_config == BUNDLE.client_config
    assert read.server_config == BUNDLE.server_config
    assert read.protocols == {"sums": b"opaque"}
    for ours, theirs in zip(read.model.tensors, BUNDLE.model.tensors, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(read.plans["apply"].execute(np.eye(2, dtype="f4"), W)[0], W)
    assert read.averaging_plan is not None
    np.testing.assert_array_equal(read.averaging_plan.execute(W, W, 1)[0], W)


def test_it_is_described():
    text = BUNDLE.describe()
    for part in ("small 1.0", "6 elements in 1 tensor", "float32[2, 3]", "lr: 0.1", "apply: 1 act"):
        assert part in text


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(data):
    with pytest.raises(DecodeError):
        Bundle.loads(data)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_or_read_never_worse(data):
    whole = bytearray(BUNDLE.dumps())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(SyftError):
        Bundle.loads(bytes(whole))


@pytest.mark.parametrize(
    ("key", "value"),
    [("name", 3), ("plans", [1]), ("model", "text"), ("client_config", 1), ("protocols", {"a": 1})],
)
def test_the_wrong_kind_of_value(key, value):
    good = container.unpack(BUNDLE.dumps(), "hosted")
    with pytest.raises(DecodeError, match=key):
        Bundle.loads(container.pack("hosted", {**good, key: value}))


def test_something_missing():
    good = container.unpack(BUNDLE.dumps(), "hosted")
    del good["model"]
    with pytest.raises(DecodeError, match="lacks"):
        Bundle.loads(container.pack("hosted", good))


async def join(url):
    async with Syft(url) as syft:
        job = syft.new_job("small", "1.0")
        assert isinstance(await job.request(), Accepted)
        return job


def test_a_script_hosts_it(grid):
    host_bundle(grid.ws_url, Bundle.loads(BUNDLE.dumps()))
    job = asyncio.run(join(grid.ws_url))
    np.testing.assert_array_equal(job.model.params[0], W)
    assert job.client_config == {"lr": 0.1, "batch_size": 4, "name": "small", "version": "1.0"}
    with pytest.raises(GridRefusedError, match="already exists"):
        host_bundle(grid.ws_url, BUNDLE)


async def test_a_notebook_hosts_it(grid):
    """There an event loop runs already, and the call still waits for the grid."""
    host(grid.ws_url, "small", "1.0", [W], {"apply": PLAN}, {}, BUNDLE.server_config)
    assert (await join(grid.ws_url)).model.params[0].shape == (2, 3)
    with pytest.raises(GridRefusedError, match="already exists"):
        host(grid.ws_url, "small", "1.0", [W], {"apply": PLAN}, {}, BUNDLE.server_config)
