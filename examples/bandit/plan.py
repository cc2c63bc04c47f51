"""Which version of a page do people like best? A multi-armed bandit with Thompson sampling.

Each version has two numbers: how often it was liked, and how often it was not, both counted
from 1. Together they say how likely a like is, and how sure that is (a Beta distribution).
A page shows a version by drawing one number from each distribution and taking the largest: so
the best is shown most, and the others now and then. It counts the answers here and reports only
how the numbers changed.

The plan is that of the original syft.js example, `bandit_thompson`. Nothing here needs torch.
"""

from __future__ import annotations

import numpy as np

from syft_web.author import Bundle
from syft_web.author.tfjs import with_tfjs
from syft_web.author.tracing import Traced, trace
from syft_web.plan.plan import Plan, State

__all__ = ["NAME", "VERSION", "VERSIONS", "bundle", "initial_model", "update_plan"]

NAME, VERSION = "bandit", "1.0"
VERSIONS = 3
"""How many versions of the page there are."""


def update(likes: Traced, shown: Traced, alphas: Traced, betas: Traced) -> tuple[Traced, Traced]:
    """The numbers after some visits; all are (3,): likes, times shown, and the model's two."""
    return alphas + likes, betas + (shown - likes)


def update_plan() -> Plan:
    """`update` as a Plan, with a second role for the original syft.js."""
    each = np.ones(VERSIONS, np.float32)
    return with_tfjs(trace(update, each, each, each, each, name="bandit_thompson"))


def initial_model() -> State:
    """Nothing is known yet: each version counts as liked once and as disliked once."""
    return State.of([np.ones(VERSIONS, np.float32), np.ones(VERSIONS, np.float32)])


def bundle() -> Bundle:
    """The model, its plan and its settings: a page reports after so many visits."""
    return Bundle(
        NAME, VERSION, initial_model(), {"bandit_thompson": update_plan()}, {"visits": 20}
    )
