from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web.errors import HostingError
from syft_web.grid.configs import ServerConfig, name_and_version, text_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "cycle_length",
        "num_cycles",
        "max_diffs",
        "min_diffs",
        "minimum_upload_speed",
        "minimum_download_speed",
        "iterative_plan",
        "authentication",
    ]
)


def test_the_tutorials_config() -> None:
    rules = ServerConfig.read(
        {
            "min_workers": 5,
            "max_workers": 5,
            "pool_selection": "random",
            "do_not_reuse_workers_until_cycle": 6,
            "cycle_length": 28800,
            "num_cycles": 5,
            "max_diffs": 1,
            "minimum_upload_speed": 0,
            "minimum_download_speed": 0,
            "iterative_plan": True,
        }
    )
    assert rules == ServerConfig(28800.0, 5, 1, None, 0.0, 0.0, True)
    assert not rules.requires_speed_test


def test_nulls_are_no_rules() -> None:
    config = dict.fromkeys(
        ["cycle_length", "num_cycles", "max_diffs", "min_diffs", "iterative_plan", "authentication"]
    )
    assert ServerConfig.read(config) == ServerConfig()


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({}, "'cycle_length'"),
        ({"cycle_length": "8"}, "unsupported type for timedelta seconds component: str"),
        ({"cycle_length": True}, "unsupported type for timedelta seconds component: bool"),
        ({"cycle_length": -1}, "server_config is not valid: cycle_length"),
        ({"cycle_length": float("nan")}, "cycle_length must be a number"),
        ({"cycle_length": 10**400}, "cycle_length must be a number"),
        ({"cycle_length": 1e300}, "cycle_length must be at most 1000000000 seconds"),
        ({"cycle_length": None, "max_diffs": 1.5}, "max_diffs must be a whole number"),
        ({"cycle_length": None, "max_diffs": True}, "max_diffs must be a whole number"),
        ({"cycle_length": None, "num_cycles": "5"}, "num_cycles must be a whole number"),
        ({"cycle_length": None, "iterative_plan": 1}, "iterative_plan must be true or false"),
        ({"cycle_length": None, "minimum_upload_speed": "x"}, "minimum_upload_speed must be"),
    ],
)
def test_mistakes(config: dict[str, object], text: str) -> None:
    with pytest.raises(HostingError) as caught:
        ServerConfig.read(config)
    assert text in caught.value.text


def test_all_problems_at_once() -> None:
    with pytest.raises(HostingError) as caught:
        ServerConfig.read({"cycle_length": 1, "max_diffs": "a", "min_diffs": [], "num_cycles": -1})
    for key in ("max_diffs", "min_diffs", "num_cycles"):
        assert key in caught.value.text


@pytest.mark.parametrize("nothing", [None, {}, {"type": "jwt"}, {"secret": "", "pub_key": ""}])
def test_no_authentication(nothing: dict[str, object] | None) -> None:
    assert ServerConfig.read({"cycle_length": 1, "authentication": nothing}).cycle_length == 1


@pytest.mark.parametrize("wrong", ["secret", ["secret"], True])
def test_authentication_of_another_type(wrong: object) -> None:
    with pytest.raises(HostingError, match="authentication must be an object"):
        ServerConfig.read({"cycle_length": 1, "authentication": wrong})


@given(st.dictionaries(KEYS, JSON))
def test_any_json_is_read_or_refused(config: dict[str, object]) -> None:
    try:
        rules = ServerConfig.read(config)
    except HostingError:
        return
    assert rules.num_cycles >= 0
    assert rules.cycle_length is None or rules.cycle_length >= 0


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"version": "1"}, "'name'"),
        ({"name": "m"}, "'version'"),
        ({"name": None, "version": "1"}, "client_config.name"),
        ({"name": "", "version": "1"}, "client_config.name"),
        ({"name": "m" * 256, "version": "1"}, "256 characters"),
        ({"name": "m", "version": True}, "client_config.version"),
        ({"name": "a\0b", "version": "1"}, "client_config.name"),
        ({"name": "\ud800", "version": "1"}, "client_config.name"),
    ],
)
def test_names_that_are_none(config: dict[str, object], text: str) -> None:
    with pytest.raises(HostingError) as caught:
        name_and_version(config)
    assert text in caught.value.text


def test_numbers_become_text() -> None:
    assert name_and_version({"name": 5, "version": 1.5}) == ("5", "1.5")


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), ("é", "é"), (7, "7"), (True, None), ([], None), ("\ud800", None), ("\0", None)],
)
def test_text_of(value: object, text: str | None) -> None:
    assert text_of(value) == text
