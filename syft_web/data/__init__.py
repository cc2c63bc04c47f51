"""Data for training: datasets, loaders, transforms, and the files they come from.

Everything works on whole batches as NumPy arrays; nothing here runs Python code
per sample unless a `Dataset` of your own does.
"""

from syft_web.data import idx, transform
from syft_web.data.dataset import ArrayDataset, Batch, Dataset
from syft_web.data.loader import DataLoader
from syft_web.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

__all__ = [
    "ArrayDataset",
    "Batch",
    "BatchSampler",
    "DataLoader",
    "Dataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "idx",
    "transform",
]
