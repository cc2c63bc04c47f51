"""Federated learning in the browser: join training cycles of a grid, train, report.

A worker in short::

    async with Syft("ws://127.0.0.1:5000") as syft:
        job = syft.new_job("mnist", "1.0")
        answer = await job.request()                       # Accepted or Rejected
        trainer = job.train("training_plan", inputs=..., outputs=..., data=...)
        await trainer.start()
        await job.report(job.model.create_serialized_diff_from_model(trainer.current_model))

Every failure is a `SyftError`; `syft_web.errors` shows them all. The server
(`syft_web.grid`) and the writing of plans (`syft_web.author`) are for machines, not for
pages, and have to be imported by name.
"""

from syft_web import data, errors
from syft_web.client.checkpoint import PlanTrainerCheckpoint
from syft_web.client.job import Job
from syft_web.client.keep import SavedCycle
from syft_web.client.model import Model
from syft_web.client.specs import PlanInputSpec, PlanOutputSpec
from syft_web.client.steps import Accepted, Countdown, Progress, Rejected
from syft_web.client.syft import Syft
from syft_web.client.trainer import PlanTrainer
from syft_web.client.training_events import BatchEnd, BatchStart, EpochEnd, EpochStart, Finished
from syft_web.errors import SyftError
from syft_web.host import open_storage
from syft_web.plan import Plan, State

__version__ = "0.1.0"

__all__ = [
    "Accepted",
    "BatchEnd",
    "BatchStart",
    "Countdown",
    "EpochEnd",
    "EpochStart",
    "Finished",
    "Job",
    "Model",
    "Plan",
    "PlanInputSpec",
    "PlanOutputSpec",
    "PlanTrainer",
    "PlanTrainerCheckpoint",
    "Progress",
    "Rejected",
    "SavedCycle",
    "State",
    "Syft",
    "SyftError",
    "__version__",
    "data",
    "errors",
    "open_storage",
]
