"""Which ops do more than compute a result from their operands."""

from __future__ import annotations

from syft_web.plan.graph import Call
from syft_web.plan.passes.base import named

__all__ = ["RANDOM", "draws", "is_pure"]

RANDOM = named(
    """
    rand randn rand_like randn_like randint randint_like randperm normal uniform bernoulli
    multinomial poisson exponential geometric log_normal cauchy random dropout dropout2d
    alpha_dropout feature_alpha_dropout native_dropout rrelu rrelu_with_noise_functional
    gumbel_softmax fractional_max_pool2d fractional_max_pool3d fractional_max_pool2d_with_indices
    fractional_max_pool3d_with_indices feature_dropout dropout1d manual_seed seed initial_seed
    """
)
"""Names of rows that draw random numbers, or set where they start.

None is folded, merged or dropped, and their order stays: with a seed the numbers are the same
with and without compiling.
"""


def draws(call: Call) -> bool:
    """Whether the call uses the random generator."""
    return call.row.name.rstrip("_") in RANDOM


def is_pure(call: Call) -> bool:
    """Whether the call may be left out, or made once for twice, without anybody noticing."""
    return not (call.in_place or call.row.writes or draws(call))
