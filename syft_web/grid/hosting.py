"""What is asked of a training before a grid takes it: all of it, before any is stored."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from syft_web.errors import AggregationError, HostingError, PlanError, ServiceError, SyftError
from syft_web.grid import texts
from syft_web.grid.aggregation import (
    Reports,
    load_averaging_plan,
    make_aggregator,
    required_diffs,
    signature_of,
)
from syft_web.grid.configs import ServerConfig, name_and_version, text_of
from syft_web.grid.records import NewPlan, Signature
from syft_web.grid.schema import NAME_LENGTH
from syft_web.grid.variants import new_plan, plan_from_bytes
from syft_web.plan import Plan, State
from syft_web.wire.messages import HostTrainingRequest

__all__ = ["Hosting"]

logger = logging.getLogger("syft_web.grid")


@dataclass(frozen=True, slots=True)
class Hosting:
    """A training that may be hosted: every part of it has been read and fits the others."""

    name: str
    version: str
    client_config: Mapping[str, Any]
    server_config: Mapping[str, Any]
    rules: ServerConfig
    model: bytes
    signature: Signature
    plans: tuple[NewPlan, ...]
    protocols: Mapping[str, bytes]
    averaging_plan: bytes
    fixed_diffs: int | None

    @classmethod
    def check(
        cls,
        request: HostTrainingRequest,
        is_taken: Callable[[str, str], bool] = lambda _name, _version: False,
        *,
        short_secrets: bool = True,
    ) -> Hosting:
        """Read everything in the request.

        Args:
            request: What was sent.
            is_taken: Whether a process of that name and version exists. Asked before the
                model and the plans are read, which may take long.
            short_secrets: Whether secrets that can be guessed are allowed.

        Raises:
            HostingError: The first thing found wrong, in words.
            ServiceError: A process of that name and version exists.
        """
        rules = ServerConfig.read(request.server_config, short_secrets=short_secrets)
        name, version = name_and_version(request.client_config)
        if is_taken(name, version):
            raise ServiceError(texts.CONFLICT)
        _check_json(request.client_config, "client_config")
        _check_json(request.server_config, "server_config")
        for kind, names in (("plan", request.plans), ("protocol", request.protocols)):
            _check_names(kind, names)
        signature = _signature(request.model)
        plans = tuple(new_plan(key, data) for key, data in request.plans.items())
        fixed_diffs = (
            _check_averaging(request.averaging_plan, rules, signature)
            if request.averaging_plan
            else None
        )
        for plan in plans:
            _warn_if_not_runnable(plan)
        _warn_of_keys(name, rules)
        return cls(
            name=name,
            version=version,
            client_config=request.client_config,
            server_config=request.server_config,
            rules=rules,
            model=request.model,
            signature=signature,
            plans=plans,
            protocols=request.protocols,
            averaging_plan=request.averaging_plan,
            fixed_diffs=fixed_diffs,
        )


def _check_names(kind: str, names: Mapping[str, bytes]) -> None:
    for name in names:
        if not text_of(name) or len(name) > NAME_LENGTH:
            raise HostingError(
                f"The name of a {kind} must be a text of 1 to {NAME_LENGTH} characters"
            )


def _check_json(value: object, where: str, depth: int = 0) -> None:
    # Python reads NaN and Infinity as JSON, browsers do not.
    if isinstance(value, float) and not math.isfinite(value):
        raise HostingError(f"{where} must be a finite number: JSON has no {value}")
    if depth > 32:
        raise HostingError(f"{where} is nested too deeply")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _check_json(inner, f"{where}.{key}", depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check_json(inner, f"{where}[{index}]", depth + 1)


def _signature(model: bytes) -> Signature:
    try:
        tensors = State.loads(model).tensors
    except SyftError as error:
        raise HostingError(f"Model is not valid: {error}") from error
    if not tensors:
        raise HostingError("Model is not valid: it has no tensors; send a State of parameters")
    for index, tensor in enumerate(tensors):
        if tensor.dtype.kind not in "fiu":
            raise HostingError(
                f"Model is not valid: tensor {index} is {tensor.dtype}; "
                "parameters must be real numbers"
            )
        if not np.isfinite(tensor).all():
            raise HostingError(f"Model is not valid: tensor {index} has values that are not finite")
    return signature_of(tensors)


def _check_averaging(data: bytes, rules: ServerConfig, signature: Signature) -> int | None:
    plan_from_bytes("averaging plan", data)
    if rules.aggregation.is_custom_mean:
        raise HostingError(
            "server_config.aggregation says how to average, and so does the averaging plan: "
            "leave out the plan, or method and weighted"
        )
    needed = required_diffs(
        load_averaging_plan(data), iterative=rules.iterative_plan, signature=signature
    )
    _try_averaging(data, rules, signature, needed or 2)
    if needed is None:
        return None
    for key, least in (("min_diffs", rules.min_diffs or 0), ("min_workers", rules.workers.least)):
        if least > needed:
            raise HostingError(
                f"The averaging plan takes exactly {needed} diffs, but server_config.{key} is "
                f"{least}; set it to {needed} or less"
            )
    if rules.workers.most is not None and rules.workers.most < needed:
        raise HostingError(
            f"The averaging plan takes exactly {needed} diffs, but server_config.max_workers is "
            f"{rules.workers.most}; set it to {needed} or more"
        )
    if rules.max_diffs is not None and rules.max_diffs != needed:
        logger.warning(
            "The averaging plan takes exactly %d diffs: max_diffs %d has no effect",
            needed,
            rules.max_diffs,
        )
    return needed


def _try_averaging(data: bytes, rules: ServerConfig, signature: Signature, count: int) -> None:
    # A plan made for another model shall fail now, not after people have trained for it.
    ones = [np.broadcast_to(np.ones((), dtype), shape) for dtype, shape in signature]
    aggregator = make_aggregator(data, iterative=rules.iterative_plan)
    try:
        average = aggregator.average(Reports.of([ones] * count))
        shapes = [tensor.shape for tensor in average]
    except (AggregationError, ValueError) as error:
        raise HostingError(f"{texts.PLAN_INVALID}: averaging plan: {error}") from error
    if shapes != [shape for _, shape in signature]:
        raise HostingError(
            f"{texts.PLAN_INVALID}: averaging plan: it gives other shapes than the model has"
        )


def _warn_if_not_runnable(plan: NewPlan) -> None:
    # Not refused: other clients may know operations that this executor does not.
    try:
        Plan.loads(plan.hosted)
    except PlanError as error:
        first = str(error).splitlines()[0]
        logger.warning("Plan '%s' is hosted, but syft_web cannot run it: %s", plan.name, first)


def _warn_of_keys(name: str, rules: ServerConfig) -> None:
    if rules.authentication is not None and rules.authentication.has_short_secret:
        logger.warning("The secret of %s is so short that its tokens can be forged", name)
