"""The capture of torch modules with the oldest torch that is supported. Run by hand.

Make an environment with torch 2.4, numpy, msgpack, pytest, pytest-asyncio, pytest-timeout and
hypothesis, then

    SYFT_WEB_OLDEST_TORCH=path/to/python pytest -m by_hand tests/conformance/test_torch_oldest.py

runs the tests of capturing with it. What older torch cannot record is listed in `KNOWN`.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.by_hand, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
FILES = ("", "_executes", "_hazards", "_optimizers", "_users", "_zoo")
KNOWN = (
    # Refused with a message that offers dynamic_batch=False.
    "test_torch_capture_zoo.py::test_one_step[EmbeddingBag sum]",
    # Has no derivative in torch 2.4 itself.
    "test_torch_capture_zoo.py::test_one_step[ChannelShuffle]",
    # Refused, with the line, but in other words.
    "test_torch_capture_hazards.py::test_values_of_tensors[<lambda>3]",
)


def test_capture_with_the_oldest_torch() -> None:
    python = os.environ.get("SYFT_WEB_OLDEST_TORCH")
    if not python:
        pytest.skip("SYFT_WEB_OLDEST_TORCH names no Python")
    command = [python, "-m", "pytest", "--noconftest", "-p", "no:cacheprovider", "-q", "-rfE"]
    command += [f"--deselect=tests/conformance/{test}" for test in KNOWN]
    command += [f"tests/conformance/test_torch_capture{name}.py" for name in FILES]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
