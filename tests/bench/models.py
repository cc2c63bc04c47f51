"""The models whose training steps are timed: torch modules, data, and the plans of the steps.

Every engine gets the same parameters and the same batch. The JavaScript twins of the modules
are in ``web/tfjs_steps.js`` under the same names.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from examples.mnist import plan as mnist
from syft_web.author.torch import training_plan
from syft_web.plan.signature import Signature

CLASSES = 10


class Mlp(nn.Module):
    """784 - 392 - 10, the model of the MNIST demo."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(mnist.PIXELS, mnist.HIDDEN)
        self.fc2 = nn.Linear(mnist.HIDDEN, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(functional.relu(self.fc1(x)))


class LeNet(nn.Module):
    """LeNet-5 on 28x28 pixels, with ReLU and max pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        x = functional.relu(self.fc1(torch.flatten(x, 1)))
        return self.fc3(functional.relu(self.fc2(x)))


class ResNet(nn.Module):
    """Two residual blocks with batch norm on 3x16x16 pixels; the second halves the image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0, self.bn0 = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.conv1, self.bn1 = nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.conv2, self.bn2 = nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.conv3 = nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(32)
        self.conv4, self.bn4 = nn.Conv2d(32, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32)
        self.conv5, self.bn5 = nn.Conv2d(16, 32, 1, stride=2, bias=False), nn.BatchNorm2d(32)
        self.fc = nn.Linear(32, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.bn0(self.conv0(x)))
        x = functional.relu(x + self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x))))))
        inner = self.bn4(self.conv4(functional.relu(self.bn3(self.conv3(x)))))
        x = functional.relu(self.bn5(self.conv5(x)) + inner)
        return self.fc(x.mean(dim=(2, 3)))


class Encoder(nn.Module):
    """One transformer encoder block: 4 heads, 64 wide, ReLU, norms first; mean over time."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(64), nn.LayerNorm(64)
        self.qkv, self.out = nn.Linear(64, 192), nn.Linear(64, 64)
        self.ff1, self.ff2 = nn.Linear(64, 128), nn.Linear(128, 64)
        self.head = nn.Linear(64, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        parts = self.qkv(self.norm1(x)).reshape(batch, length, 3, 4, 16).permute(2, 0, 3, 1, 4)
        q, k, v = parts[0], parts[1], parts[2]
        weights = torch.softmax(q @ k.transpose(-2, -1) * 0.25, dim=-1)
        seen = (weights @ v).transpose(1, 2).reshape(batch, length, width)
        x = x + self.out(seen)
        x = x + self.ff2(functional.relu(self.ff1(self.norm2(x))))
        return self.head(x.mean(dim=1))


class Lstm(nn.Module):
    """An LSTM of 64 units over 16 steps of 32 numbers; the last state is classified."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(32, 64, batch_first=True)
        self.fc = nn.Linear(64, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.lstm(x)[0][:, -1])


@dataclass(frozen=True)
class Spec:
    """A training step to be timed: a module, a batch, and plain gradient descent.

    Attributes:
        kind: Name of the model, also in JavaScript.
        module: Makes the torch module.
        shape: Shape of one example.
        batch: Examples in a batch.
        lr: Learning rate.
    """

    kind: str
    module: Callable[[], nn.Module]
    shape: tuple[int, ...]
    batch: int
    lr: float = 0.05

    @property
    def name(self) -> str:
        """Its name, e.g. ``mlp64``."""
        return f"{self.kind}{self.batch}"


SPECS = {
    spec.name: spec
    for spec in (
        *(Spec("mlp", Mlp, (mnist.PIXELS,), batch) for batch in (1, 32, 64, 256)),
        Spec("lenet", LeNet, (1, 28, 28), 64),
        Spec("resnet", ResNet, (3, 16, 16), 32),
        Spec("encoder", Encoder, (32, 64), 16),
        Spec("lstm", Lstm, (16, 32), 32),
    )
}


class TorchSteps:
    """Training steps by torch itself, on one thread."""

    def __init__(self, spec: Spec, x: np.ndarray, y: np.ndarray) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(0)
        self.module = spec.module()
        self.optimizer = torch.optim.SGD(self.module.parameters(), lr=spec.lr)
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y.astype(np.int64))

    def step(self) -> float:
        """One step; gives the loss."""
        self.optimizer.zero_grad()
        loss = functional.cross_entropy(self.module(self.x), self.y)
        loss.backward()
        self.optimizer.step()
        return loss.item()


def batch_of(spec: Spec) -> tuple[np.ndarray, np.ndarray]:
    """A batch, always the same: float32 examples and int32 labels."""
    random = np.random.default_rng(spec.batch)
    x = random.normal(size=(spec.batch, *spec.shape)).astype(np.float32)
    if spec.kind in ("mlp", "lenet"):
        x = np.abs(x) * (x > 0.9)  # mostly black, as pictures of digits are
    return x, random.integers(0, CLASSES, spec.batch).astype(np.int32)


def write(spec: Spec, folder: Path) -> None:
    """Write a case into its folder: data, parameters, and the plan of its training step."""
    folder.mkdir(parents=True, exist_ok=True)
    x, y = batch_of(spec)
    torch.manual_seed(0)
    module = spec.module()
    arrays = {"x": x, "y": y, "onehot": np.eye(CLASSES, dtype=np.float32)[y]}
    for name, value in module.state_dict().items():
        arrays[name] = value.numpy()
    wide = ["y", *(name for name, array in arrays.items() if array.dtype == np.int64)]
    listed: list[list[Any]] = []
    offset = 0
    with (folder / "arrays.bin").open("wb") as file:
        for name, given in arrays.items():
            array = given.astype(np.int32) if name in wide else given  # for JavaScript
            listed.append([name, str(array.dtype), list(array.shape), offset])
            offset += file.write(np.ascontiguousarray(array).tobytes())
    about = {"name": spec.name, "kind": spec.kind, "batch": spec.batch, "lr": spec.lr}
    about |= {"arrays": listed, "int64": wide, "inputs": [], "outputs": []}
    plan, about["inputs"], about["outputs"] = _plan_of(spec, module, x, y)
    (folder / "plan.bin").write_bytes(plan)
    (folder / "case.json").write_text(json.dumps(about))


def _plan_of(
    spec: Spec, module: nn.Module, x: np.ndarray, y: np.ndarray
) -> tuple[bytes, list[str], list[str]]:
    """The plan's bytes, and which value each input and output is."""
    if spec.kind == "mlp":
        names = [name for name, _ in module.named_parameters()]
        inputs = ["x", "onehot", "batch_size", "lr", *names]
        return mnist.training_plan().dumps(), inputs, ["loss", "accuracy", *names]
    plan = training_plan(
        module,
        nn.CrossEntropyLoss(),
        torch.optim.SGD(module.parameters(), lr=spec.lr),
        torch.from_numpy(x),
        torch.from_numpy(y.astype(np.int64)),
    )
    signature = Signature.of(plan)
    if signature is None:
        raise AssertionError("a captured plan says what its inputs are")
    names = {"data": "x", "target": "y"}
    inputs = [names.get(slot.kind, slot.name) for slot in signature.inputs]
    return plan.dumps("msgpack"), inputs, [slot.name for slot in signature.outputs]
