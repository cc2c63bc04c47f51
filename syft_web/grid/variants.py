"""The forms in which a hosted plan is served (protocol.md section 3.10).

A plan is hosted once, with everything its author put in; each client asks for the
part it can run. Unlike PyGrid, ids are kept, and a plan needs no ``tfjs`` role to be
hosted: it then simply has no such variant.
"""

from __future__ import annotations

from dataclasses import replace

from syft_web.errors import DecodeError, HostingError
from syft_web.grid import texts
from syft_web.grid.records import NewPlan
from syft_web.wire import syft_proto as pb

__all__ = ["TFJS", "new_plan", "plan_from_bytes"]

TFJS = "tfjs"
"""Name of the role and base framework that syft.js runs."""


def new_plan(name: str, data: bytes) -> NewPlan:
    """A plan and all its variants, ready to be stored.

    Only the wire format is checked: a plan may use operations that this project's own
    executor does not know, as long as its clients do.

    Raises:
        HostingError: The bytes are no plan of the current layout.
    """
    plan = plan_from_bytes(name, data)
    as_list = pb.encode(replace(plan, torchscript=b""))
    return NewPlan(
        name=name,
        hosted=data,
        as_list=as_list,
        as_torchscript=_torchscript(plan),
        as_tfjs=_tfjs(plan),
    )


def plan_from_bytes(name: str, data: bytes) -> pb.Plan:
    """The ``Plan`` message in ``data``; ``name`` is only for error texts.

    Raises:
        HostingError: The bytes are no plan of the current layout (G4).
    """
    try:
        plan = pb.decode(pb.Plan, data)
    except DecodeError as error:
        raise HostingError(f"{texts.PLAN_INVALID}: plan '{name}': {error}") from error
    if plan.role is None or not _has_content(plan):
        raise HostingError(
            f"{texts.PLAN_INVALID}: plan '{name}' has no role with actions or torchscript; "
            "serialize it with PySyft 0.2.7 to 0.2.9 or with syft_web"
        )
    return plan


def _has_content(plan: pb.Plan) -> bool:
    roles = [plan.role, *plan.roles.values()]
    return bool(plan.torchscript) or any(role is not None and role.actions for role in roles)


def _torchscript(plan: pb.Plan) -> bytes | None:
    if not plan.torchscript or plan.role is None:
        return None
    return pb.encode(replace(plan, role=replace(plan.role, actions=[])))


def _tfjs(plan: pb.Plan) -> bytes | None:
    role = plan.roles.get(TFJS) or (plan.role if plan.base_framework == TFJS else None)
    if role is None or not role.actions:
        return None
    return pb.encode(replace(plan, role=role, roles={}, torchscript=b"", base_framework=TFJS))
