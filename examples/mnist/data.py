"""MNIST from its four IDX files, unpacked, in one folder.

``{train,t10k}-images-idx3-ubyte`` and ``{train,t10k}-labels-idx1-ubyte``;
``./build.sh site`` puts them into ``build/site/data/mnist/``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from syft_web.data import ArrayDataset, idx
from syft_web.data.transform import OneHot, Scale
from syft_web.errors import DataError


def load(folder: str | Path, split: Literal["train", "t10k"] = "train") -> ArrayDataset:
    """Images (N, 784) uint8 and labels (N,) uint8, in the order of the files.

    Batches come out as the Plan wants them: pixels in 0..1 float32, labels one-hot float32.

    Raises:
        DataError: A file is missing or is not what it should be.
    """
    folder = Path(folder)
    images = idx.load(folder / f"{split}-images-idx3-ubyte")
    labels = idx.load(folder / f"{split}-labels-idx1-ubyte")
    if images.ndim != 3 or labels.ndim != 1:
        raise DataError(
            f"{folder}: expected images (N, 28, 28) and labels (N,), found shapes "
            f"{images.shape} and {labels.shape}."
        )
    return ArrayDataset(
        images.reshape(len(images), -1), labels, transform=(Scale(255, divide=True), OneHot(10))
    )
