"""Put a model and its plans on a grid: `host_training`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from syft_web.client.address import GridAddress
from syft_web.client.steps import Ask
from syft_web.client.transport import Options, Transport
from syft_web.host import current
from syft_web.host.base import Host
from syft_web.plan.plan import Plan, State
from syft_web.wire.messages import HOST_TRAINING, HostTrainingReply, HostTrainingRequest

__all__ = ["host_training"]


async def host_training(
    url: str,
    name: str,
    version: str,
    model: State | bytes | Sequence[np.ndarray],
    plans: Mapping[str, Plan | bytes],
    client_config: Mapping[str, Any],
    server_config: Mapping[str, Any],
    averaging_plan: Plan | bytes | None = None,
    protocols: Mapping[str, bytes] | None = None,
    *,
    host: Host | None = None,
    seconds: float = 60.0,
) -> None:
    """Start a federated training on a grid (``model-centric/host-training``, protocol.md 1.5.1).

    Args:
        url: The grid's address, ``ws://`` or ``http://`` (or with TLS); it is spoken to
            over a WebSocket in any case.
        name: Name under which workers ask for the model.
        version: Its version; a grid keeps each name and version once.
        model: Parameters to begin with, in the order of the plans' model inputs.
        plans: What workers run, by the names they know them by, e.g. ``"training_plan"``.
        client_config: Goes to the workers: ``batch_size``, ``lr``, ``max_updates``, ...
            Name and version are filled in.
        server_config: How cycles run: ``cycle_length`` in seconds (required, None without
            end), ``num_cycles``, ``min_diffs``, ``max_diffs``, ... (protocol.md 3.2).
        averaging_plan: How differences are averaged; the grid's own mean without one.
        protocols: Opaque bytes for the workers, by name.
        host: Where this runs; found out by default.
        seconds: How long the grid may take to answer, besides the time to send.

    Raises:
        GridRefusedError: The grid does not take it, e.g. because it has that name and
            version already.
        GridAddressError: The address cannot be a grid's.
        GridError: The grid could not be reached, or did not answer properly.
        EncodeError: Model or plans do not fit the wire format.
    """
    request = HostTrainingRequest(
        model=_state(model),
        plans={key: _plan(plan) for key, plan in plans.items()},
        protocols=dict(protocols or {}),
        averaging_plan=b"" if averaging_plan is None else _plan(averaging_plan),
        client_config={**client_config, "name": name, "version": version},
        server_config=dict(server_config),
    )
    address = replace(GridAddress.parse(url), over_websocket=True)
    here = current() if host is None else host
    transport = Transport(here, address, Options(answer_seconds=seconds))
    try:
        reply = await transport.ask(Ask(HOST_TRAINING, request.to_json(), "host-training"))
        HostTrainingReply.from_json(reply)
    finally:
        await transport.close()
        if host is None:
            await here.close()


def _state(model: State | bytes | Sequence[np.ndarray]) -> bytes:
    if isinstance(model, bytes | bytearray | memoryview):
        return bytes(model)
    return (model if isinstance(model, State) else State.of(list(model))).dumps()


def _plan(plan: Plan | bytes) -> bytes:
    return plan.dumps() if isinstance(plan, Plan) else bytes(plan)
