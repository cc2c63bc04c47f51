from __future__ import annotations

import base64
import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web.errors import ServiceError
from syft_web.grid import requests
from syft_web.wire.messages import CycleRequest

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
HOSTING = {
    "model": "00",
    "plans": {"p": "01"},
    "averaging_plan": "",
    "client_config": {},
    "server_config": {},
}


def refusal(function: object, data: object) -> str:
    with pytest.raises(ServiceError) as caught:
        function(data)  # type: ignore[operator]
    return caught.value.text


def test_hosting() -> None:
    request = requests.host_training_request({**HOSTING, "model": "0aFF"})
    assert request.model == b"\x0a\xff"
    assert request.plans == {"p": b"\x01"}
    assert request.protocols == {}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"model": None}, "'NoneType' object has no attribute 'encode': model must be a hex"),
        ({"model": 12}, "'int' object has no attribute 'encode'"),
        ({"model": "0"}, "Odd-length string: model"),
        ({"model": "zz"}, "Non-hexadecimal digit found: model"),
        ({"model": "\ud800x"}, "Non-hexadecimal digit found"),
        ({"plans": None}, "'NoneType' object has no attribute 'items'"),
        ({"plans": []}, "'list' object has no attribute 'items'"),
        ({"plans": {"a": "xx"}}, "Non-hexadecimal digit found: plans.a"),
        ({"protocols": {"a": 1}}, "'int' object has no attribute 'encode': protocols.a"),
        ({"averaging_plan": "abc"}, "Odd-length string: averaging_plan"),
        ({"client_config": None}, "'NoneType' object is not subscriptable: client_config"),
        ({"client_config": []}, "list indices must be integers or slices, not str"),
        ({"server_config": 1}, "'int' object is not subscriptable: server_config"),
    ],
)
def test_hosting_refused(change: dict[str, object], text: str) -> None:
    assert refusal(requests.host_training_request, {**HOSTING, **change}).startswith(text)


@pytest.mark.parametrize("data", [None, [], "str", 12, True])
def test_data_that_is_no_object(data: object) -> None:
    for function in (
        requests.host_training_request,
        requests.authenticate_request,
        requests.cycle_request,
        requests.report_request,
    ):
        kind = type(data).__name__
        assert refusal(function, data) == f"'{kind}' object has no attribute 'get'"


@pytest.mark.parametrize("version", ["", 0, False, [], {}, True, "\ud800"])
def test_versions_no_process_has(version: object) -> None:
    data = {"model_name": "m", "model_version": version}
    assert "Not found any process" in refusal(requests.authenticate_request, data)


def test_authenticate() -> None:
    request = requests.authenticate_request({"model_name": 5, "model_version": None})
    assert (request.model_name, request.model_version) == ("5", None)


def test_report_wrapped_in_lines() -> None:
    diff = bytes(range(256))
    text = base64.encodebytes(diff).decode().replace("\n", "\r\n ")
    data = {"worker_id": "w", "request_key": "k", "diff": text}
    assert requests.report_request(data).diff == diff


@pytest.mark.parametrize(
    ("diff", "text"),
    [
        (None, "'NoneType' object has no attribute 'encode': diff"),
        (5, "'int' object has no attribute 'encode'"),
        ("abc", "Incorrect padding: diff must be a base64 text"),
        ("a", "Invalid base64-encoded string: number of data characters (1) cannot be 1 more"),
        ("ab%de", "Only base64 data is allowed"),
        ("ab%d", "Incorrect padding"),
        ("not base64!", "Invalid base64-encoded string: number of data characters (9) cannot be 1"),
        ("äöü", "Only base64 data is allowed"),
    ],
)
def test_diffs_that_are_no_base64(diff: object, text: str) -> None:
    data = {"worker_id": "w", "request_key": "k", "diff": diff}
    assert refusal(requests.report_request, data).startswith(text)


def test_speeds() -> None:
    request = CycleRequest("w", "m", ping=8, download=46.3, upload=math.inf)
    assert requests.speeds_of(request, required=True) == {
        "ping": 8.0,
        "download": 46.3,
        "upload": math.inf,
    }
    assert requests.speeds_of(CycleRequest("w", "m"), required=False) == {}


@pytest.mark.parametrize(
    ("speeds", "text"),
    [
        ({}, "'ping' is required"),
        ({"ping": 1}, "'download' is required"),
        ({"ping": 1, "download": 1}, "'upload' is required"),
        ({"ping": -1, "download": "x"}, "'ping' needs to be a positive number"),
        ({"ping": 1, "download": "x"}, "'download' needs to be a positive number"),
        ({"ping": True}, "'ping' needs to be a positive number"),
        ({"ping": math.nan}, "'ping' needs to be a positive number"),
        ({"ping": 10**400}, "int too large to convert to float"),
    ],
)
def test_speeds_refused(speeds: dict[str, object], text: str) -> None:
    request = requests.cycle_request({"worker_id": "w", "model": "m", **speeds})
    with pytest.raises(ServiceError) as caught:
        requests.speeds_of(request, required=True)
    assert caught.value.text.startswith(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("21", 21),
        (" 21", 21),
        ("21.0", 21),
        ("021", 21),
        ("", None),
        (None, None),
        ("-1", None),
        ("2.5", None),
        ("1e3", None),
        ("abc", None),
        ("9" * 40, None),
    ],
)
def test_row_id(text: str | None, number: int | None) -> None:
    assert requests.row_id(text) == number


KEYS = [
    "model",
    "plans",
    "protocols",
    "averaging_plan",
    "client_config",
    "server_config",
    "model_name",
    "model_version",
    "worker_id",
    "request_key",
    "diff",
    "version",
]


@given(st.dictionaries(st.sampled_from(KEYS), ANY))
def test_any_json_is_read_or_refused(data: dict[str, object]) -> None:
    for function in (
        requests.host_training_request,
        requests.authenticate_request,
        requests.cycle_request,
        requests.report_request,
    ):
        with contextlib.suppress(ServiceError):
            function(data)
