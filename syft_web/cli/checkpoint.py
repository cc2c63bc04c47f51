"""``syft-web checkpoint get``: what training has made of a model, as a file."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Any

from syft_web.cli.asking import add_grid_options, download
from syft_web.errors import HostError

__all__ = ["add_command", "write_whole"]


def add_command(commands: Any) -> None:
    """Declare the command and its options."""
    checkpoint = commands.add_parser("checkpoint", help="fetch what training has made of a model")
    actions = checkpoint.add_subparsers(title="commands", required=True, metavar="COMMAND")
    get = actions.add_parser(
        "get",
        help="save a checkpoint of a model",
        description="Saves the parameters of a checkpoint. 'syft-web inspect' shows what is in "
        "the file; syft_web.State.loads reads it.",
    )
    get.add_argument("name", help="name of the model")
    get.add_argument("--version", help="its version; the newest by default")
    get.add_argument(
        "--checkpoint",
        default="latest",
        metavar="N",
        help="number of the checkpoint, 1 is the model as it was hosted; the latest by default",
    )
    get.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="where to")
    get.add_argument("--force", action="store_true", help="replace a file that is there already")
    add_grid_options(get, token=False)
    get.set_defaults(run=_get)


def write_whole(path: Path, data: bytes, *, replace: bool = False) -> None:
    """Write a file so that at no time there is half of it under its name.

    Args:
        path: Where to.
        data: All of it.
        replace: Whether a file that is there already may be replaced.

    Raises:
        HostError: There is a file already.
        OSError: It cannot be written; what was there is as it was.
    """
    if path.exists() and not replace:
        raise HostError(f"{path} is there already; --force replaces it")
    draft = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def _get(options: argparse.Namespace) -> int:
    from syft_web.plan import State

    data = download(options.url, options.name, options.version, options.checkpoint)
    tensors = State.loads(data).tensors
    write_whole(options.output, data, replace=options.force)
    elements = sum(tensor.size for tensor in tensors)
    if options.json:
        answer = {
            "file": str(options.output),
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "tensors": len(tensors),
            "elements": elements,
        }
        print(json.dumps(answer, indent=2))
    else:
        print(f"{options.output}: {len(tensors)} tensors, {elements} elements, {len(data)} bytes")
    return 0
