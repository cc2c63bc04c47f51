"""Downloads over HTTP: validators, parts and compression of a running grid."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syft_web.grid import Server
from syft_web.plan import State
from tests.grid.talk import Talk, host_data, small_diff

MODEL = State.of(
    [np.random.default_rng(0).normal(size=(60, 50)).astype(np.float32), np.zeros(3, np.float32)]
).dumps()
PLAIN = {"accept-encoding": "identity"}


@pytest.fixture(scope="module")
def shared_grid() -> Iterator[Server]:
    with Server() as server, Talk(server) as talk:
        assert talk.call("host-training", host_data(model=MODEL)) == {"status": "success"}
        yield server


@pytest.fixture(scope="module")
def urls(shared_grid: Server) -> dict[str, str]:
    """Address of each kind of asset, for an accepted worker."""
    with Talk(shared_grid) as talk:
        place = talk.join()
    keys = "&".join(f"{key}={value}" for key, value in place.items())
    start = f"{shared_grid.url}/model-centric"
    return {
        "model": f"{start}/get-model?{keys}&model_id=1",
        "plan": f"{start}/get-plan?{keys}&plan_id=2&receive_operations_as=list",
        "checkpoint": f"{start}/retrieve-model?name=m&version=1.0.0&checkpoint=latest",
    }


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(headers=PLAIN) as client:
        yield client


@pytest.mark.parametrize("name", ["model", "plan", "checkpoint"])
def test_the_same_bytes_are_not_sent_again(
    http: httpx.Client, urls: dict[str, str], name: str
) -> None:
    first = http.get(urls[name])
    tag = first.headers["etag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', tag)
    assert first.headers["accept-ranges"] == "bytes"
    kept = "no-cache" if name == "checkpoint" else "no-store"
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*", f'{tag[:-1]}-gzip"'):
        again = http.get(urls[name], headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b""), known
        assert again.headers["etag"].strip('"').startswith(tag.strip('"'))
        assert again.headers["cache-control"] == kept
        assert "accept-encoding" in again.headers["vary"].lower()
    for other in ('"x"', "x", tag.strip('"')[:-1], ""):
        assert http.get(urls[name], headers={"if-none-match": other}).status_code == 200


def test_another_checkpoint_is_never_taken_for_the_same(grid: Server, http: httpx.Client) -> None:
    url = f"{grid.url}/model-centric/retrieve-model?name=m"
    with Talk(grid) as talk:
        talk.call("host-training", host_data(max_diffs=1))
        tag = http.get(url).headers["etag"]
        talk.report(talk.join(), State.of(small_diff(0)).dumps())
    assert grid.settle()
    latest = http.get(url, headers={"if-none-match": tag})
    assert latest.status_code == 200
    assert latest.headers["etag"] != tag
    part = http.get(url, headers={"range": "bytes=5-", "if-range": tag})
    assert (part.status_code, part.content) == (200, latest.content)
    assert http.get(f"{url}&checkpoint=1").headers["etag"] == tag


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=10-", slice(10, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=-999999", slice(0, None)),
        ("bytes = 5 - 5", slice(5, 6)),
        ("bytes=5-999999", slice(5, None)),
    ],
)
def test_parts(http: httpx.Client, urls: dict[str, str], asked: str, part: slice) -> None:
    tag = http.get(urls["model"]).headers["etag"]
    for more in ({}, {"if-range": tag}, {"accept-encoding": "gzip, zstd"}):
        answer = http.get(urls["model"], headers={"range": asked, **more})
        start, stop, _ = part.indices(len(MODEL))
        assert answer.status_code == 206
        assert answer.content == MODEL[part]
        assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(MODEL)}"
        assert answer.headers["etag"] == tag
        assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("asked", [f"bytes={len(MODEL)}-", "bytes=-0", "bytes=999999-9999999"])
def test_parts_that_are_not_there(http: httpx.Client, urls: dict[str, str], asked: str) -> None:
    answer = http.get(urls["model"], headers={"range": asked})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(MODEL)}"


@pytest.mark.parametrize(
    "headers",
    [
        {"range": "bytes=9-0"},
        {"range": "bytes=0-1,3-4"},
        {"range": "lines=0-1"},
        {"range": "bytes=-"},
        {"range": "bytes=x-"},
        {"range": "bytes=" + "9" * 30 + "-"},
        {"range": "bytes=0-1", "if-range": '"other"'},
        {"range": "bytes=0-1", "if-range": "Tue, 24 Nov 2037 02:46:55 GMT"},
    ],
)
def test_parts_that_are_not_sent(
    http: httpx.Client, urls: dict[str, str], headers: dict[str, str]
) -> None:
    answer = http.get(urls["model"], headers=headers)
    assert (answer.status_code, answer.content) == (200, MODEL)


def test_a_weak_or_coded_tag_gives_no_part(http: httpx.Client, urls: dict[str, str]) -> None:
    tag = http.get(urls["plan"]).headers["etag"]
    for other in (f"W/{tag}", f'{tag[:-1]}-gzip"'):
        headers = {"range": "bytes=0-1", "if-range": other}
        assert http.get(urls["plan"], headers=headers).status_code == 200


def test_compression_is_negotiated(http: httpx.Client, urls: dict[str, str]) -> None:
    plain = http.get(urls["plan"])
    assert "content-encoding" not in plain.headers
    sizes = {}
    for wanted in ("gzip", "zstd"):
        answer = http.get(urls["plan"], headers={"accept-encoding": wanted})
        assert answer.headers["content-encoding"] == wanted
        assert answer.headers["etag"] == f'{plain.headers["etag"][:-1]}-{wanted}"'
        assert "accept-ranges" not in answer.headers
        assert answer.content == plain.content
        sizes[wanted] = int(answer.headers["content-length"])
    assert sizes["zstd"] < sizes["gzip"] < 0.45 * len(plain.content)
    with http.stream("GET", urls["plan"], headers={"accept-encoding": "gzip"}) as answer:
        assert gzip.decompress(b"".join(answer.iter_raw())) == plain.content
    # Weights hardly shrink.
    model = http.get(urls["model"], headers={"accept-encoding": "gzip, zstd"})
    assert "content-encoding" not in model.headers


def test_heads_say_what_gets_would(http: httpx.Client, urls: dict[str, str]) -> None:
    answer = http.head(urls["model"], headers={"range": "bytes=0-1"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == len(MODEL)
    assert answer.headers["etag"] == http.get(urls["model"]).headers["etag"]


def test_pages_of_other_origins_see_what_they_need(urls: dict[str, str]) -> None:
    answer = httpx.get(urls["plan"], headers={"origin": "http://page.example"})
    exposed = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert exposed >= {"ETag", "Content-Range", "Content-Encoding", "Accept-Ranges"}
    assert {name.strip() for name in answer.headers["vary"].split(",")} == {
        "Accept-Encoding",
        "Origin",
    }


@settings(max_examples=60)
@given(
    headers=st.fixed_dictionaries(
        {},
        optional={
            name: st.text('bytes=-0123456789,;"W/*gzipd.q x', max_size=30)
            for name in ("range", "if-range", "if-none-match", "accept-encoding")
        },
    )
)
def test_any_headers_get_the_asset_or_a_part(
    http: httpx.Client, urls: dict[str, str], headers: dict[str, str]
) -> None:
    answer = http.get(urls["model"], headers={k: v.strip() for k, v in headers.items()})
    assert answer.status_code in (200, 206, 304, 416)
    if answer.status_code == 200:
        assert answer.content == MODEL
    if answer.status_code == 206:
        assert answer.content in MODEL
