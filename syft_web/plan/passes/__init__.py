"""The rewritings of a compiled plan, in the order in which they are made."""

from __future__ import annotations

from syft_web.plan.passes.base import Pass
from syft_web.plan.passes.chain import chains
from syft_web.plan.passes.common import dead, repeated
from syft_web.plan.passes.fold import fold
from syft_web.plan.passes.functional import functional
from syft_web.plan.passes.fuse import accumulate, fuse_products
from syft_web.plan.passes.noops import casts, noops
from syft_web.plan.passes.reuse import in_operands
from syft_web.plan.passes.update import descend

__all__ = ["PASSES"]

PASSES: tuple[Pass, ...] = (
    functional,
    casts,
    fold,
    fuse_products,
    noops,
    repeated,
    noops,
    dead,
    accumulate,
    descend,
    chains,
    in_operands,
)
"""Each sees what the ones before made of the plan. Copies are looked at after the products,
since a product that is turned by itself needs no copy to be in order."""
