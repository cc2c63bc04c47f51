"""The two configurations of a hosted process (protocol.md section 3.2).

``client_config`` is the workers' business and only passes through; ``server_config``
holds the rules of the cycles. Both are read whole before anything is stored, and every
problem is listed at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syft_web.errors import HostingError
from syft_web.grid.aggregation import Aggregation
from syft_web.grid.auth import Authentication
from syft_web.grid.schema import NAME_LENGTH
from syft_web.grid.worker_limits import TooFew, WorkerLimits

__all__ = ["ServerConfig", "name_and_version", "text_of"]

LONGEST_CYCLE = 10**9
"""Seconds, about 31 years. Clients count the seconds to a cycle's end in 32 bits."""

SHORTEST_CLOSED_CYCLE = 1
"""Seconds of a cycle that closes without reports: each of them leaves a row behind."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """The rules of a process's cycles.

    Attributes:
        cycle_length: Seconds from a cycle's start to its end, None for no end.
        num_cycles: How many cycles the training has, 0 for no limit.
        max_diffs: Aggregate as soon as this many reports are in; None: no such rule.
        min_diffs: Never aggregate below this many; None: no such rule.
        minimum_download: Slowest worker that is accepted, Mbit/s; 0: all are.
        minimum_upload: Likewise.
        iterative_plan: How the averaging plan is called (protocol.md section 3.8).
        authentication: What the token of a worker must be; None: everybody may take part.
        aggregation: How the diffs of a cycle become a checkpoint, if not by PyGrid's mean.
        workers: Which workers a cycle takes.
        on_too_few: What happens at a cycle's end when it has too few reports.
    """

    cycle_length: float | None = None
    num_cycles: int = 0
    max_diffs: int | None = None
    min_diffs: int | None = None
    minimum_download: float = 0.0
    minimum_upload: float = 0.0
    iterative_plan: bool = False
    authentication: Authentication | None = None
    aggregation: Aggregation = field(default_factory=Aggregation)
    workers: WorkerLimits = field(default_factory=WorkerLimits)
    on_too_few: TooFew = TooFew.EXTEND

    @property
    def least_reports(self) -> int:
        """Never aggregate below this many."""
        return max(1, self.min_diffs or 0, self.workers.least)

    @property
    def most_reports(self) -> int | None:
        """Aggregate as soon as this many are in; None: no such rule. More workers cannot come."""
        given = [n for n in (self.max_diffs, self.workers.most) if n is not None]
        return min(given, default=None)

    @property
    def requires_speed_test(self) -> bool:
        """Whether a worker must tell its speeds: when a minimum above 0 is set."""
        return self.minimum_download > 0 or self.minimum_upload > 0

    @classmethod
    def read(cls, config: Mapping[str, Any], *, short_secrets: bool = True) -> ServerConfig:
        """The rules in a ``server_config``. Keys that PyGrid never read are allowed.

        Args:
            config: As hosted.
            short_secrets: Whether secrets that can be guessed are allowed.

        Raises:
            HostingError: Keys missing or mistyped, or the keys of its authentication are
                none. The text begins with PyGrid's own where it has one.
        """
        if "cycle_length" not in config:
            raise HostingError(
                "'cycle_length': missing in server_config; give seconds, or null for no limit"
            )
        length = config["cycle_length"]
        if length is not None and not _is_number(length):
            kind = type(length).__name__
            raise HostingError(
                f"unsupported type for timedelta seconds component: {kind}: "
                "server_config.cycle_length must be seconds, or null for no limit"
            )
        problems: list[str] = []
        if _is_number(length) and length > LONGEST_CYCLE:
            problems.append(
                f"cycle_length must be at most {LONGEST_CYCLE} seconds; give null for no limit"
            )
        max_diffs = _count(config, "max_diffs", problems)
        rules = cls(
            cycle_length=_number(config, "cycle_length", problems),
            num_cycles=_count(config, "num_cycles", problems) or 0,
            max_diffs=max_diffs,
            min_diffs=_count(config, "min_diffs", problems),
            minimum_download=_number(config, "minimum_download_speed", problems) or 0.0,
            minimum_upload=_number(config, "minimum_upload_speed", problems) or 0.0,
            iterative_plan=_flag(config, "iterative_plan", problems),
            authentication=Authentication.read(
                config.get("authentication"), problems, short_secrets=short_secrets
            ),
            aggregation=Aggregation.read(config.get("aggregation"), max_diffs, problems),
            workers=WorkerLimits.read(config, problems),
            on_too_few=TooFew.read(config.get("on_too_few_diffs"), problems),
        )
        rules._check_end(problems)
        if problems:
            raise HostingError("server_config is not valid: " + "; ".join(problems))
        return rules

    def _check_end(self, problems: list[str]) -> None:
        if self.on_too_few is TooFew.EXTEND:
            return
        if self.cycle_length is None or self.cycle_length < SHORTEST_CLOSED_CYCLE:
            problems.append(
                f"on_too_few_diffs needs a cycle_length of at least {SHORTEST_CLOSED_CYCLE} second"
            )


def name_and_version(config: Mapping[str, Any]) -> tuple[str, str]:
    """Name and version of the process in a ``client_config``; numbers become text.

    Raises:
        HostingError: One is missing, empty, too long or no text.
    """
    return _label(config, "name"), _label(config, "version")


def text_of(value: object) -> str | None:
    """A name or version as the database knows it: texts, and numbers written out.

    None for anything else, and for texts no database can hold.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or "\0" in value:
        return None
    # A lone surrogate ("\ud800" in JSON) is a Python text, but not one of UTF-8.
    return value if value.isascii() or _is_unicode(value) else None


def _label(config: Mapping[str, Any], key: str) -> str:
    if key not in config:
        raise HostingError(f"'{key}': missing in client_config")
    value = config[key]
    text = text_of(value)
    if not text or len(text) > NAME_LENGTH:
        if text is not None:
            got = f"{len(text)} characters"
        elif isinstance(value, str):
            got = "a text with a NUL or half a surrogate pair in it"
        else:
            got = type(value).__name__
        raise HostingError(
            f"client_config.{key} must be a text of 1 to {NAME_LENGTH} characters, got {got}"
        )
    return text


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _number(config: Mapping[str, Any], key: str, problems: list[str]) -> float | None:
    value = config.get(key)
    if value is None:
        return None
    try:
        if _is_number(value) and math.isfinite(value) and value >= 0:
            return float(value)
    except OverflowError:
        pass
    problems.append(f"{key} must be a number of at least 0, or null")
    return None


def _count(config: Mapping[str, Any], key: str, problems: list[str]) -> int | None:
    value = config.get(key)
    if value is None:
        return None
    if _is_number(value) and 0 <= value < 2**31 and value == int(value):
        return int(value)
    problems.append(f"{key} must be a whole number of at least 0, or null")
    return None


def _flag(config: Mapping[str, Any], key: str, problems: list[str]) -> bool:
    value = config.get(key)
    if value is not None and not isinstance(value, bool):
        problems.append(f"{key} must be true or false")
    return bool(value)
