"""Google's protobuf with classes made from the .proto files beside this one, for tests only."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

HERE = Path(__file__).resolve().parent
FILES = ("syft.proto", "syft_other.proto")


@cache
def descriptors() -> dict[str, Any]:
    """Message name -> its descriptor; compiled once, into a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "syft.desc"
        status = protoc.main(
            ["protoc", f"-I{HERE}", "--include_imports", f"--descriptor_set_out={out}", *FILES]
        )
        assert status == 0, "protoc cannot compile the .proto files"
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return {
        message.name: pool.FindMessageTypeByName(f"{file.package}.{message.name}")
        for file in files.file
        for message in file.message_type
    }


@cache
def google(name: str) -> Any:
    """Google's class for a message."""
    return message_factory.GetMessageClass(descriptors()[name])
