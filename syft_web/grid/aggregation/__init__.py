"""From the reports of a cycle to new parameters (protocol.md section 3.8).

An `Aggregator` makes one averaged diff of the diffs of a cycle; each way to do so has a module
of its own. A `ServerOptimizer`, if the process has one, makes a step of the averaged diff, and
`new_parameters` subtracts it from the model.
"""

from __future__ import annotations

from syft_web.grid.aggregation.config import Aggregation
from syft_web.grid.aggregation.diffs import check_diff, signature_of
from syft_web.grid.aggregation.optimizer import ServerOptimizer, optimized
from syft_web.grid.aggregation.plans import load_averaging_plan, required_diffs
from syft_web.grid.aggregation.reports import Aggregator, Reports, Tensors
from syft_web.grid.aggregation.strategy import make_aggregator
from syft_web.grid.aggregation.summary import summary_of
from syft_web.grid.aggregation.update import new_parameters, state_bytes
from syft_web.grid.aggregation.weighted import weights_of

__all__ = [
    "Aggregation",
    "Aggregator",
    "Reports",
    "ServerOptimizer",
    "Tensors",
    "check_diff",
    "load_averaging_plan",
    "make_aggregator",
    "new_parameters",
    "optimized",
    "required_diffs",
    "signature_of",
    "state_bytes",
    "summary_of",
    "weights_of",
]
