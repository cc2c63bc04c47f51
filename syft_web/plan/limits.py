"""How large a plan may be: `Limits`."""

from __future__ import annotations

from dataclasses import dataclass

from syft_web.errors import PlanLimitError

__all__ = ["DEFAULT_LIMITS", "Limits", "require_actions"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that a plan has to keep.

    A plan comes from somebody else. These bounds stop one that would hang the page or fill
    its memory, whether by mistake or on purpose; the defaults are far above what real plans
    need. A caller who trusts a larger plan gives his own.

    Attributes:
        max_actions: Actions in one role. A recorded training step of a small network has about
            50, a captured one of a large transformer with Adam some thousands.
        max_parts: Messages (or msgpack values) in the bytes of one plan, all roles together.
            An action has about ten. So many are read in about half a second.
        max_bytes: Size of one value, and of the temporary memory of one action. 1 GiB is a
            quarter of all the memory that WebAssembly can address.
        max_total_bytes: Memory of all values that are needed at the same time, without
            arguments and state. 2 GiB leave room for these, for Python and for the page.
        max_work: Floating-point operations of one run. 10**13 take minutes to an hour;
            a ResNet-50 step of 64 images needs a tenth.
    """

    max_actions: int = 20_000
    max_parts: int = 300_000
    max_bytes: int = 1 << 30
    max_total_bytes: int = 2 << 30
    max_work: int = 10**13


DEFAULT_LIMITS = Limits()
"""What holds where the caller says nothing."""


def require_actions(count: int, limits: Limits) -> None:
    """Refuse a role of too many actions.

    Args:
        count: Actions in the role (counting may have ended just beyond the limit).
        limits: The bounds.

    Raises:
        PlanLimitError: There are more than allowed.
    """
    if count > limits.max_actions:
        raise PlanLimitError(
            f"The plan has more than the {limits.max_actions} actions allowed. If you trust it, "
            "allow more (Limits)."
        )
