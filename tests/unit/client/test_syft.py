from __future__ import annotations

import logging

import pytest

from syft_web.client import Syft
from syft_web.errors import GridAddressError, JobStateError
from syft_web.host.native import NativeHost
from tests.unit.client.fake_host import FakeHost
from tests.unit.client.local_grid import local_grid


@pytest.fixture
def log():
    log = logging.getLogger("syft_web")
    before = log.level, list(log.handlers), log.propagate
    yield log
    log.setLevel(before[0])
    log.handlers[:] = before[1]
    log.propagate = before[2]


def test_a_bad_address_is_said_at_once():
    with pytest.raises(GridAddressError):
        Syft("localhost:5000")


def test_the_scheme_is_used_as_given():
    for verbose in (False, True):
        assert str(Syft("ws://h:1", verbose=verbose).address) == "ws://h:1/"
        assert str(Syft("wss://h:1", verbose=verbose).address) == "wss://h:1/"
        assert str(Syft("https://h:1", verbose=verbose).address) == "https://h:1"


def test_a_job_needs_a_model():
    with pytest.raises(JobStateError, match="name of a hosted model"):
        Syft("ws://h").new_job("")


def test_verbose_speaks_without_a_logging_setup(log, capsys):
    log.propagate = False
    log.handlers.clear()
    Syft("ws://h", verbose=True)
    Syft("ws://h", verbose=True)
    assert len(log.handlers) == 1
    logging.getLogger("syft_web.client").info("hello")
    assert "syft_web.client: hello" in capsys.readouterr().err


def test_verbose_leaves_a_program_s_own_setup_alone(log):
    log.handlers[:] = [logging.NullHandler()]
    Syft("ws://h", verbose=True)
    assert len(log.handlers) == 1


class ClosingHost(FakeHost):
    closed = False

    async def close(self):
        self.closed = True


async def test_a_host_given_is_not_closed():
    host = ClosingHost()
    async with Syft("ws://h", host=host):
        pass
    assert not host.closed


async def test_it_may_be_used_after_closing():
    async with local_grid() as grid:
        syft = Syft(grid.ws)
        job = syft.new_job("m", "1.0.0")
        await job.request()
        await syft.close()
        await job.report(b"diff")
        await syft.close()
        await syft.close()
        assert grid.connections == 2


async def test_several_clients_beside_each_other():
    async with (
        local_grid() as grid,
        Syft(grid.ws) as one,
        Syft(grid.http, host=NativeHost()) as two,
    ):
        await one.new_job("m", "1.0.0").request()
        await two.new_job("m", "1.0.0").request()
        assert grid.steps().count("get-model") == 2


def test_repr():
    assert repr(Syft("ws://h:5000")) == "<Syft ws://h:5000/>"
