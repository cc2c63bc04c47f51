"""Everything that is hosted, in one file: `Bundle`.

A data scientist saves what a grid needs to know of a training, model, plans and settings, as
one file; whoever runs the grid looks at it (``syft-web inspect FILE``) and hosts it
(``syft-web host FILE --url ws://...``). The file is our own container (`syft_web.wire.bundle`),
without any code in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from syft_web.errors import DecodeError
from syft_web.plan.plan import Plan, State
from syft_web.plan.signature import Signature, Slot
from syft_web.wire import bundle as container

__all__ = ["KIND", "Bundle"]

KIND = "hosted"
"""Kind of the container."""

_KEYS = frozenset({"name", "version", "model", "plans", "client_config", "server_config"})


@dataclass(frozen=True)
class Bundle:
    """What `host_training` takes, but for the grid's address.

    Attributes:
        name: Name under which workers ask for the model.
        version: Its version.
        model: Parameters to begin with.
        plans: What workers run, by name.
        client_config: Settings for the workers.
        server_config: How cycles run.
        averaging_plan: How differences are averaged; the grid's own mean without one.
        protocols: Opaque bytes for the workers, by name.
    """

    name: str
    version: str
    model: State
    plans: Mapping[str, Plan]
    client_config: Mapping[str, Any] = field(default_factory=dict)
    server_config: Mapping[str, Any] = field(default_factory=dict)
    averaging_plan: Plan | None = None
    protocols: Mapping[str, bytes] = field(default_factory=dict)

    def dumps(self) -> bytes:
        """The bundle as bytes.

        Raises:
            EncodeError: A plan or a setting has no place in the format.
        """
        plans = {name: _held(plan.dumps("msgpack")) for name, plan in self.plans.items()}
        averaging = self.averaging_plan
        return container.pack(
            KIND,
            {
                "name": self.name,
                "version": self.version,
                "model": _held(self.model.dumps()),
                "plans": plans,
                "client_config": dict(self.client_config),
                "server_config": dict(self.server_config),
                "averaging_plan": None if averaging is None else _held(averaging.dumps("msgpack")),
                "protocols": {name: _held(data) for name, data in self.protocols.items()},
            },
        )

    @classmethod
    def loads(cls, data: bytes | bytearray | memoryview) -> Bundle:
        """Read one; its plans are checked.

        Raises:
            DecodeError: The bytes are no bundle.
            PlanInvalidError: A plan in it contradicts itself.
            UnknownCommandError: A plan in it uses a command that is not supported.
        """
        value = container.unpack(data, KIND)
        if not isinstance(value, dict) or not value.keys() >= _KEYS:
            raise DecodeError(f"the bundle lacks some of {', '.join(sorted(_KEYS))}", path=KIND)
        averaging = value.get("averaging_plan")
        return cls(
            name=_text(value, "name"),
            version=_text(value, "version"),
            model=State.loads(_bytes(value["model"], "model")),
            plans={
                name: Plan.loads(_bytes(plan, f"plans.{name}"))
                for name, plan in _dict(value, "plans").items()
            },
            client_config=_dict(value, "client_config"),
            server_config=_dict(value, "server_config"),
            averaging_plan=(
                None if averaging is None else Plan.loads(_bytes(averaging, "averaging_plan"))
            ),
            protocols={
                name: bytes(_bytes(data, f"protocols.{name}"))
                for name, data in _dict(value, "protocols", {}).items()
            },
        )

    def save(self, path: str | Path) -> None:
        """Write it to a file, by custom called ``NAME.syft``."""
        Path(path).write_bytes(self.dumps())

    @classmethod
    def load(cls, path: str | Path) -> Bundle:
        """Read it from a file.

        Raises:
            OSError: The file cannot be read.
            DecodeError: It is no bundle; and what else `loads` raises.
        """
        return cls.loads(Path(path).read_bytes())

    def describe(self) -> str:
        """What is in it, as text: parameters, settings, what each plan takes and gives."""
        tensors = self.model.tensors
        count = sum(tensor.size for tensor in tensors)
        lines = [f"{self.name} {self.version}", ""]
        lines += [f"model: {count:,} elements in {len(tensors)} tensor{'s' * (len(tensors) != 1)}"]
        lines += [f"  {i}: {t.dtype}{list(t.shape)}" for i, t in enumerate(tensors)]
        for title, settings in (
            ("client config", self.client_config),
            ("server config", self.server_config),
        ):
            lines += ["", f"{title}:", *(f"  {key}: {value!r}" for key, value in settings.items())]
        named = [*self.plans.items()]
        if self.averaging_plan is not None:
            named.append(("averaging plan", self.averaging_plan))
        for name, plan in named:
            lines += ["", f"{name}: {len(plan.role.actions)} actions", *_told(plan)]
        return "\n".join(lines) + "\n"


def _told(plan: Plan) -> list[str]:
    signature = Signature.of(plan)
    if signature is None:
        return [f"  {len(plan.inputs)} inputs, {len(plan.outputs)} outputs"]
    return [f"  takes {_listed(signature.inputs)}", f"  gives {_listed(signature.outputs)}"]


def _listed(slots: Sequence[Slot]) -> str:
    return ", ".join(f"{slot.kind} {slot.name}".rstrip() for slot in slots)


def _held(data: bytes) -> np.ndarray:
    """Bytes as an array, which the container keeps apart and reads without a copy."""
    return np.frombuffer(data, np.uint8)


def _bytes(value: Any, key: str) -> memoryview:
    if not isinstance(value, np.ndarray) or value.dtype != np.uint8:
        raise DecodeError(f"{key} holds no bytes", path=f"{KIND}.{key}")
    return value.data


def _text(value: Mapping[str, Any], key: str) -> str:
    if not isinstance(value[key], str):
        raise DecodeError(f"{key} is no text", path=f"{KIND}.{key}")
    return str(value[key])


def _dict(
    value: Mapping[str, Any], key: str, default: dict[str, Any] | None = None
) -> dict[str, Any]:
    found = value.get(key, default)
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise DecodeError(f"{key} is no table of names", path=f"{KIND}.{key}")
    return found
