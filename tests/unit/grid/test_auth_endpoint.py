"""The questions to a third party; the whole way is in tests/grid/test_authentication.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from syft_web.errors import ServiceError
from syft_web.grid.auth_endpoint import Verifier
from tests.grid.third_party import ThirdParty


@pytest.fixture
def party() -> Iterator[ThirdParty]:
    with ThirdParty() as party:
        yield party


@pytest.fixture
async def verifier() -> AsyncIterator[Verifier]:
    """One that waits long: what is answered is answered in time on any machine."""
    verifier = Verifier(seconds=60, at_once=2, waiting=3)
    yield verifier
    await verifier.close()


@pytest.fixture
async def impatient() -> AsyncIterator[Verifier]:
    verifier = Verifier(seconds=0.5, at_once=2, waiting=3)
    yield verifier
    await verifier.close()


async def refusal(verifier: Verifier, url: str) -> None:
    with pytest.raises(ServiceError, match="does not answer", check=lambda e: e.status == 401):
        await verifier.check(url, "t")


@pytest.mark.parametrize("status", [201, 204, 301, 400, 401, 403, 404, 429, 500, 503])
async def test_only_200_is_a_yes(verifier: Verifier, party: ThirdParty, status: int) -> None:
    party.script.append(status)
    with pytest.raises(ServiceError, match="did not pass", check=lambda e: e.status == 400):
        await verifier.check(f"{party.url}/x", "t")
    await verifier.check(f"{party.url}/x", "t")
    assert [asked.token for asked in party.asked] == ["t", "t"]


async def test_the_queue_is_bounded(verifier: Verifier, party: ThirdParty) -> None:
    slow = f"{party.url}/slow"
    asking = [asyncio.ensure_future(verifier.check(slow, "t")) for _ in range(8)]
    # Three of them find no place; the others wait for the third party.
    await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    assert [task.done() for task in asking] == [False] * 5 + [True] * 3
    for task in asking[5:]:
        with pytest.raises(ServiceError, match="does not answer"):
            await task
    # Another endpoint has a queue of its own.
    await verifier.check(f"{party.url}/good", "t")
    party.release.set()
    await asyncio.gather(*asking[:5])
    assert party.most_under_way <= 3


async def test_who_waits_in_vain_is_refused(impatient: Verifier, party: ThirdParty) -> None:
    await asyncio.gather(*(refusal(impatient, f"{party.url}/slow") for _ in range(5)))


async def test_who_waits_gets_a_turn(verifier: Verifier, party: ThirdParty) -> None:
    slow = f"{party.url}/slow"
    asking = [asyncio.ensure_future(verifier.check(slow, "t")) for _ in range(5)]
    async with asyncio.timeout(60):
        while party.under_way < 2:  # noqa: ASYNC110 (counted in another thread)
            await asyncio.sleep(0.01)
    assert party.under_way == 2
    party.release.set()
    await asyncio.gather(*asking)
    assert len(party.asked) == 5


async def test_a_worker_that_leaves_frees_its_place(verifier: Verifier, party: ThirdParty) -> None:
    for _ in range(10):
        asking = asyncio.ensure_future(verifier.check(f"{party.url}/slow", "t"))
        await asyncio.sleep(0.03)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    party.release.set()
    await verifier.check(f"{party.url}/slow", "t")


@pytest.mark.parametrize("path", ["drip", "head", "junk"])
async def test_answers_that_are_none(impatient: Verifier, party: ThirdParty, path: str) -> None:
    await refusal(impatient, f"{party.url}/{path}")
    assert party.sent < 64 << 20


async def test_half_characters_are_sent(verifier: Verifier, party: ThirdParty) -> None:
    await verifier.check(f"{party.url}/good", "\ud800")
    assert party.asked[0].body == b'{"auth_token": "\\ud800"}'
