"""Making and hosting Plans. Never needed to run one.

`syft_web.author.torch` makes plans from PyTorch modules and needs PyTorch;
`syft_web.author.tracing` records functions of tensors without it.
"""

from syft_web.author.bundle import Bundle
from syft_web.author.hosting import host, host_bundle, host_training, retrieve_model

__all__ = ["Bundle", "host", "host_bundle", "host_training", "retrieve_model"]
