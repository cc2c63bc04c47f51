"""Put a model and its plans on a grid, and fetch what training made of it.

`host` is for scripts and notebooks, `host_training` for programs with an event loop of their own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from syft_web.author.bundle import Bundle
from syft_web.client.address import GridAddress
from syft_web.client.steps import Ask, Fetch
from syft_web.client.transport import Options, Transport
from syft_web.host import current
from syft_web.host.base import Host
from syft_web.plan.plan import Plan, State
from syft_web.wire.messages import (
    HOST_TRAINING,
    RETRIEVE_MODEL,
    HostTrainingReply,
    HostTrainingRequest,
)

__all__ = ["host", "host_bundle", "host_training", "retrieve_model"]


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
    token: str | None = None,
    runtime: Host | None = None,
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
        token: The grid's admin token, if it asks for one. Send it over ``wss://`` or
            ``https://`` only, unless the grid is on this machine.
        runtime: Where this runs; found out by default.
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
    async with _transport(url, runtime, seconds) as transport:
        data = request.to_plain()
        if token is not None:
            data["admin_token"] = token
        reply = await transport.ask(Ask(HOST_TRAINING, data, "host-training"))
        HostTrainingReply.from_json(reply)


async def retrieve_model(
    url: str,
    name: str,
    version: str | None = None,
    checkpoint: int | str = "latest",
    *,
    runtime: Host | None = None,
    seconds: float = 60.0,
) -> State:
    """Fetch a checkpoint (``model-centric/retrieve-model``, protocol.md 1.5.9).

    Args:
        url: The grid's address.
        name: Name of the hosted model.
        version: Its version; the newest by default.
        checkpoint: ``"latest"`` or a number; 1 is the model as it was hosted.
        runtime: Where this runs; found out by default.
        seconds: How long the grid may take to answer.

    Raises:
        GridRefusedError: There is no such model or checkpoint.
        GridError: The grid could not be reached, or did not answer properly.
        DecodeError: What it sent is no model.
    """
    query: dict[str, str | int] = {"name": name, "checkpoint": checkpoint}
    if version is not None:
        query["version"] = version
    fetch = Fetch("retrieve-model", "checkpoint", name, RETRIEVE_MODEL, query)
    async with _transport(url, runtime, seconds) as transport:
        return State.loads(await transport.download(fetch))


@asynccontextmanager
async def _transport(url: str, runtime: Host | None, seconds: float) -> AsyncIterator[Transport]:
    """A connection of its own; hosting goes over a WebSocket whatever the address says."""
    address = replace(GridAddress.parse(url), over_websocket=True)
    here = current() if runtime is None else runtime
    transport = Transport(here, address, Options(answer_seconds=seconds))
    try:
        yield transport
    finally:
        await transport.close()
        if runtime is None:
            await here.close()


def host(
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
    token: str | None = None,
    seconds: float = 60.0,
) -> None:
    """`host_training` for scripts and notebooks: returns when the grid has taken it.

    Args, Raises: Those of `host_training`.
    """
    task = host_training(
        url,
        name,
        version,
        model,
        plans,
        client_config,
        server_config,
        averaging_plan,
        protocols,
        token=token,
        seconds=seconds,
    )
    _finish(task)


def host_bundle(
    url: str, bundle: Bundle, *, token: str | None = None, seconds: float = 60.0
) -> None:
    """Host what a bundle holds.

    Args:
        url: The grid's address.
        bundle: What to host.
        token: The grid's admin token, if it asks for one.
        seconds: How long the grid may take to answer.

    Raises:
        GridError: Those of `host_training`.
    """
    host(
        url,
        bundle.name,
        bundle.version,
        bundle.model,
        bundle.plans,
        bundle.client_config,
        bundle.server_config,
        bundle.averaging_plan,
        bundle.protocols,
        token=token,
        seconds=seconds,
    )


def _finish(task: Coroutine[Any, Any, None]) -> None:
    """Run it to its end, also where an event loop is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(task)
        return
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(task)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, name="syft-web-hosting")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def _state(model: State | bytes | Sequence[np.ndarray]) -> bytes:
    if isinstance(model, bytes | bytearray | memoryview):
        return bytes(model)
    return (model if isinstance(model, State) else State.of(list(model))).dumps()


def _plan(plan: Plan | bytes) -> bytes:
    return plan.dumps() if isinstance(plan, Plan) else bytes(plan)
