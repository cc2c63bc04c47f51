"""Joining a training cycle of a grid."""

from __future__ import annotations

from syft_web.client.address import GridAddress
from syft_web.client.courier import Delivery
from syft_web.client.job import Job
from syft_web.client.keep import SavedCycle
from syft_web.client.model import Model
from syft_web.client.protocol import JobProtocol
from syft_web.client.retry import NO_RETRY, Retry
from syft_web.client.speed_test import SpeedLimits
from syft_web.client.steps import Accepted, Countdown, Progress, Rejected, Speed, Step
from syft_web.client.syft import Syft
from syft_web.client.transport import Options, Transport

__all__ = [
    "NO_RETRY",
    "Accepted",
    "Countdown",
    "Delivery",
    "GridAddress",
    "Job",
    "JobProtocol",
    "Model",
    "Options",
    "Progress",
    "Rejected",
    "Retry",
    "SavedCycle",
    "Speed",
    "SpeedLimits",
    "Step",
    "Syft",
    "Transport",
]
