"""How a process aggregates: ``server_config.aggregation``, an extension of this grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from syft_web.grid.aggregation.fedadam import FedAdam
from syft_web.grid.aggregation.fedavgm import FedAvgM
from syft_web.grid.aggregation.fedyogi import FedYogi
from syft_web.grid.aggregation.optimizer import ServerOptimizer
from syft_web.grid.aggregation.trimmed_mean import trimmed_count

__all__ = ["Aggregation"]

Method = Literal["mean", "median", "trimmed_mean"]

_METHODS: Final = ("mean", "median", "trimmed_mean")
_KEYS: Final = ("method", "weighted", "max_samples", "trim", "max_norm", "optimizer")
_OPTIMIZERS: Final[Mapping[str, tuple[Callable[..., ServerOptimizer], tuple[str, ...]]]] = {
    "fedavgm": (FedAvgM, ("lr", "momentum")),
    "fedadam": (FedAdam, ("lr", "beta1", "beta2", "tau")),
    "fedyogi": (FedYogi, ("lr", "beta1", "beta2", "tau")),
}
_RANGES: Final[Mapping[str, tuple[str, Callable[[float], bool]]]] = {
    "lr": ("above 0 and at most 1000", lambda x: 0 < x <= 1000),
    "momentum": ("of at least 0 and below 1", lambda x: 0 <= x < 1),
    "beta1": ("of at least 0 and below 1", lambda x: 0 <= x < 1),
    "beta2": ("of at least 0 and below 1", lambda x: 0 <= x < 1),
    "tau": ("from 1e-10 to 1", lambda x: 1e-10 <= x <= 1),
    "trim": ("above 0 and below 0.5", lambda x: 0 < x < 0.5),
    "max_norm": ("above 0", lambda x: x > 0),
}


@dataclass(frozen=True, slots=True)
class Aggregation:
    """The choices of a process. The default is PyGrid's: the plain mean, subtracted.

    Attributes:
        method: How the diffs of a cycle become one.
        weighted: Whether the mean is weighted by the sample counts that workers tell.
        max_samples: The largest count that weighs; None for no bound.
        trim: Of the trimmed mean: fraction left out at each end.
        max_norm: Diffs of a larger L2 norm are made shorter first; None for no bound.
        optimizer: What makes a step of the averaged diff; None subtracts it as it is.
    """

    method: Method = "mean"
    weighted: bool = False
    max_samples: int | None = None
    trim: float | None = None
    max_norm: float | None = None
    optimizer: ServerOptimizer | None = None

    @property
    def is_custom_mean(self) -> bool:
        """Whether it says how diffs become one, which an averaging plan would say too."""
        return self.method != "mean" or self.weighted

    @classmethod
    def read(cls, value: object, max_diffs: int | None, problems: list[str]) -> Aggregation:
        """The choices in a JSON value; what is wrong with it is added to ``problems``.

        Args:
            value: ``server_config.aggregation``, None when absent.
            max_diffs: After how many reports a cycle ends, if it is so.
            problems: The list to extend.
        """
        if value is None:
            return cls()
        if not isinstance(value, Mapping):
            problems.append("aggregation must be an object")
            return cls()
        keys = _Choices(value, "aggregation", problems)
        keys.only(_KEYS)
        read = cls(
            method=keys.one_of("method", _METHODS) or "mean",  # type: ignore[arg-type]
            weighted=keys.flag("weighted"),
            max_samples=keys.count("max_samples"),
            trim=keys.number("trim"),
            max_norm=keys.number("max_norm"),
            optimizer=_optimizer(value.get("optimizer"), problems),
        )
        read._check(max_diffs, problems)
        return read

    def _check(self, max_diffs: int | None, problems: list[str]) -> None:
        """Choices that do not go together."""
        if self.weighted and self.method != "mean":
            problems.append(f"aggregation.weighted has no meaning for the {self.method}")
        if self.max_samples is not None and not self.weighted:
            problems.append("aggregation.max_samples needs weighted: true")
        if self.method != "trimmed_mean":
            if self.trim is not None:
                problems.append('aggregation.trim needs method: "trimmed_mean"')
        elif self.trim is None:
            problems.append("aggregation.trim is missing: the fraction to leave out at each end")
        elif max_diffs and not trimmed_count(self.trim, max_diffs):
            problems.append(
                f"aggregation.trim {self.trim:g} leaves out none of max_diffs {max_diffs} "
                "reports; raise one of them"
            )


def _optimizer(value: object, problems: list[str]) -> ServerOptimizer | None:
    if value is None:
        return None
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, Mapping):
        problems.append("aggregation.optimizer must be a name, or an object with one")
        return None
    keys = _Choices(value, "aggregation.optimizer", problems)
    name = keys.one_of("name", tuple(_OPTIMIZERS))
    if name is None:
        if value.get("name") is None:
            problems.append(f"aggregation.optimizer.name is missing: {_any_of(_OPTIMIZERS)}")
        return None
    make, settings = _OPTIMIZERS[name]
    keys.only(("name", *settings))
    given = {key: number for key in settings if (number := keys.number(key)) is not None}
    return make(**given)


class _Choices:
    """The keys of an object, taken one by one; problems are collected."""

    def __init__(self, values: Mapping[str, Any], where: str, problems: list[str]) -> None:
        self._values = values
        self._where = where
        self._problems = problems

    def only(self, known: tuple[str, ...]) -> None:
        """Nothing else may be there: a mistyped key would change the training unseen."""
        if unknown := sorted(str(key)[:40] for key in self._values if key not in known):
            self._problem(", ".join(unknown), f"is not known; it may have {', '.join(known)}")

    def one_of(self, key: str, known: tuple[str, ...]) -> str | None:
        value = self._values.get(key)
        if value is None or value in known:
            return value
        self._problem(key, f"must be {_any_of(known)}")
        return None

    def flag(self, key: str) -> bool:
        value = self._values.get(key)
        if value is not None and not isinstance(value, bool):
            self._problem(key, "must be true or false")
        return value is True

    def count(self, key: str) -> int | None:
        value = self._values.get(key)
        if value is None:
            return None
        number = _finite(value)
        if number is not None and 1 <= number < 2**31 and number == int(number):
            return int(number)
        self._problem(key, "must be a whole number of at least 1, or null")
        return None

    def number(self, key: str) -> float | None:
        value = self._values.get(key)
        if value is None:
            return None
        text, fits = _RANGES[key]
        number = _finite(value)
        if number is not None and fits(number):
            return number
        self._problem(key, f"must be a number {text}")
        return None

    def _problem(self, key: str, text: str) -> None:
        self._problems.append(f"{self._where}.{key} {text}")


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _any_of(names: Any) -> str:
    return " or ".join(f'"{name}"' for name in names)
