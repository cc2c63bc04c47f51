"""What a Plan is, and running it."""

from syft_web.plan.plan import Plan, Protocol, Role
from syft_web.plan.state import State, StateEntry
from syft_web.plan.values import Action, Arg, Id, Placeholder, Ref

__all__ = [
    "Action",
    "Arg",
    "Id",
    "Placeholder",
    "Plan",
    "Protocol",
    "Ref",
    "Role",
    "State",
    "StateEntry",
]
