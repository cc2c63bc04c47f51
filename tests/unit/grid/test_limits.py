"""The limits as options, and what is counted with them."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import ExitStack
from dataclasses import fields

import pytest

from syft_web.cli.limits import add_limits, given_limits
from syft_web.errors import ServiceError
from syft_web.grid import Limits
from syft_web.grid.files import room_for
from syft_web.grid.limits import MIB, Unit
from syft_web.grid.memory import Held, Memory
from syft_web.grid.quotas import Quotas


def test_every_limit_is_an_option_and_says_what_it_is_for() -> None:
    options = Limits.options()
    assert [option.name for option in options] == [field.name for field in fields(Limits)]
    assert len({option.flag for option in options}) == len(options)
    for option in options:
        assert len(option.help) > 20
        if option.unit is not Unit.TEXT:
            assert option.parse(str(option.default)) == getattr(Limits(), option.name)


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "nan", "inf", "1e99"])
def test_what_is_no_limit(text: str) -> None:
    for option in Limits.options():
        if option.unit is not Unit.TEXT:
            with pytest.raises(ValueError, match="is no number above 0"):
                option.parse(text)


def test_on_a_command_line() -> None:
    parser = argparse.ArgumentParser()
    add_limits(parser)
    assert given_limits(parser.parse_args([])) == {}
    words = ["--max-message", "0.5", "--connections", "7", "--trusted-proxies", "10.0.0.1"]
    given = given_limits(parser.parse_args(words))
    assert given == {"max_message": MIB // 2, "connections": 7, "proxies": "10.0.0.1"}
    assert Limits(**given).connections == 7
    shown = " ".join(parser.format_help().split())
    for option in Limits.options():
        assert option.flag in shown
        assert option.help in shown.replace("- ", "-")
    with pytest.raises(SystemExit):
        parser.parse_args(["--connections", "1.5"])


def test_memory() -> None:
    memory = Memory(10)
    one, other = Held(memory), Held(memory)
    assert one.add(6)
    assert not other.add(5)
    assert other.add(4)
    one.release()
    one.release()
    assert other.add(6)
    assert not one.add(1)


def test_cycle_requests_at_once() -> None:
    quotas = Quotas(Limits(worker_requests=2))
    with quotas.cycle_request("a"), quotas.cycle_request("b"):
        with (
            quotas.cycle_request("a"),
            pytest.raises(ServiceError, match="too many cycle"),
            quotas.cycle_request("a"),
        ):
            pass
        with quotas.cycle_request("a"), quotas.cycle_request(None):
            pass


async def test_downloads_at_once() -> None:
    quotas = Quotas(Limits(downloads=1, download_seconds=0.05))
    with ExitStack() as first, ExitStack() as second:
        await quotas.download(first)
        with pytest.raises(ServiceError, match="too much to do") as caught:
            await quotas.download(second)
        assert caught.value.status == 503


async def test_downloads_wait_for_their_turn() -> None:
    quotas = Quotas(Limits(downloads=1, download_seconds=60))
    with ExitStack() as first, ExitStack() as second:
        await quotas.download(first)
        waiting = asyncio.ensure_future(quotas.download(second))
        await asyncio.sleep(0)
        first.close()
        await waiting


def test_room_for_connections() -> None:
    assert room_for(1) == 1
    assert 1 <= room_for(10**9) <= 10**9
