"""Bytes to typed values and back, for everything that crosses the network.

* `syft_web.wire.protobuf`: varints, fields and packed arrays.
* `syft_web.wire.syft_proto`: the messages of syft-proto, `decode` and `encode`.
* `syft_web.wire.tensors`: a tensor message as a numpy array, and back.
* `syft_web.wire.messages`: the JSON messages of a training cycle, strictly narrowed.
* `syft_web.wire.frames`: the envelopes around them, as JSON or as msgpack with raw bytes.
* `syft_web.wire.bundle`: this project's own compact container.

Nothing in here knows an operation, a network connection or what a Plan means.
"""
