"""From the JSON a client sends to typed requests.

Mistakes are answered in PyGrid's words where it had any that a client may know, followed
by a sentence of our own in the place of its traceback.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from syft_web.errors import MessageError, ServiceError
from syft_web.grid import texts
from syft_web.grid.configs import text_of
from syft_web.wire.messages import (
    AuthenticateRequest,
    CycleRequest,
    HostTrainingRequest,
    ReportRequest,
)
from syft_web.wire.metrics import as_metrics, as_samples

__all__ = [
    "authenticate_request",
    "cycle_request",
    "host_training_request",
    "report_request",
    "row_id",
    "speeds_of",
]

_SPEEDS = ("ping", "download", "upload")
_KOTLIN_UNMEASURED = (-1, 0, 0)
_ID = re.compile(r"\s*([0-9]{1,18})(\.0+)?\s*")


def host_training_request(data: object) -> HostTrainingRequest:
    """Read the data of ``model-centric/host-training`` (protocol.md section 1.5.1).

    Raises:
        ServiceError: A key is missing, mistyped or no hex text.
    """
    obj = _object(data)
    return HostTrainingRequest(
        model=_hex(obj.get("model"), "model"),
        plans=_hex_items(obj.get("plans", {}), "plans"),
        protocols=_hex_items(obj.get("protocols", {}), "protocols"),
        averaging_plan=_hex(obj.get("averaging_plan"), "averaging_plan"),
        server_config=_config(obj.get("server_config"), "server_config"),
        client_config=_config(obj.get("client_config"), "client_config"),
    )


def authenticate_request(data: object) -> AuthenticateRequest:
    """Read the data of ``model-centric/authenticate`` (protocol.md section 1.5.2).

    Raises:
        ServiceError: Name or version are such that no process can have them.
    """
    obj = _object(data)
    name = text_of(obj.get("model_name"))
    version = obj.get("model_version")
    # "", 0 and false are no "newest version", and no process has them as its version.
    version_text = text_of(version) if version else None
    if not name or (version is not None and not version_text):
        raise ServiceError(texts.PROCESS_NOT_FOUND, status=401)
    token = obj.get("auth_token")
    return AuthenticateRequest(
        model_name=name,
        model_version=version_text,
        # Other values are sent to an endpoint as the text they are, as PyGrid does.
        auth_token=token if token is None or isinstance(token, str) else json.dumps(token),
    )


def cycle_request(data: object) -> CycleRequest:
    """Read the data of ``model-centric/cycle-request`` (protocol.md section 1.5.3).

    Only what no worker and no process can have is refused here; the numbers are
    judged by `speeds_of`, when it is known whether they are needed.

    Raises:
        ServiceError: The worker's id is no text.
    """
    obj = _object(data)
    worker_id = _key(obj.get("worker_id"), texts.WORKER_NOT_FOUND)
    version = obj.get("version")
    return CycleRequest(
        worker_id=worker_id,
        model=text_of(obj.get("model")) or "",
        version=(text_of(version) or "") if version is not None else None,
        **{speed: obj.get(speed) for speed in _SPEEDS},
    )


def report_request(data: object) -> ReportRequest:
    """Read the data of ``model-centric/report`` (protocol.md section 1.5.4).

    Raises:
        ServiceError: A key is missing or mistyped, or the diff is no base64.
    """
    obj = _object(data)
    diff = _base64(obj.get("diff"), "diff")
    try:
        num_samples, metrics = as_samples(obj.get("num_samples")), as_metrics(obj.get("metrics"))
    except MessageError as error:
        raise ServiceError(str(error)) from error
    return ReportRequest(
        worker_id=_key(obj.get("worker_id"), texts.WORKER_NOT_FOUND),
        request_key=_key(obj.get("request_key"), texts.INVALID_REQUEST_KEY),
        diff=diff,
        num_samples=num_samples,
        metrics=metrics,
    )


def speeds_of(request: CycleRequest, *, required: bool) -> dict[str, float]:
    """What the worker measured, in the order PyGrid checks it.

    Infinity is allowed, since PySyft's clients send it for times too short to measure. What
    KotlinSyft sends when it has measured nothing counts as nothing where nothing is required.

    Raises:
        ServiceError: A number is missing although required, negative or no number.
    """
    speeds: dict[str, float] = {}
    if not required and tuple(getattr(request, name) for name in _SPEEDS) == _KOTLIN_UNMEASURED:
        return speeds
    for name in _SPEEDS:
        value: Any = getattr(request, name)
        if value is None:
            if required:
                raise ServiceError(f"'{name}' is required")
            continue
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ServiceError(f"'{name}' needs to be a positive number")
        try:
            speed = float(value)
        except OverflowError as error:
            raise ServiceError(f"{error}: '{name}' is too large") from error
        if math.isnan(speed) or speed < 0:
            raise ServiceError(f"'{name}' needs to be a positive number")
        speeds[name] = speed
    return speeds


def row_id(text: str | None) -> int | None:
    """An id in a query string, None if it is none. As in PyGrid ``" 21"`` and ``"21.0"`` are 21."""
    match = _ID.fullmatch(text or "")
    return int(match[1]) if match else None


def _object(data: object) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise ServiceError(texts.missing_attribute(data, "get"))
    return data


def _key(value: object, otherwise: str) -> str:
    text = text_of(value)
    if not text:
        raise ServiceError(otherwise)
    return text


def _encoded(value: object, where: str, encoding: str) -> bytes:
    if not isinstance(value, str):
        raise ServiceError(
            f"{texts.missing_attribute(value, 'encode')}: {where} must be a {encoding} text"
        )
    return value.encode("utf-8", "surrogatepass")


def _hex(value: object, where: str) -> bytes:
    if isinstance(value, bytes):  # from a binary frame
        return value
    try:
        return binascii.unhexlify(_encoded(value, where, "hex"))
    except binascii.Error as error:
        raise ServiceError(f"{error}: {where} must be a hex text") from error


def _hex_items(value: object, where: str) -> dict[str, bytes]:
    if not isinstance(value, dict):
        raise ServiceError(
            f"{texts.missing_attribute(value, 'items')}: {where} must be an object of hex texts"
        )
    return {name: _hex(text, f"{where}.{name}") for name, text in value.items()}


def _base64(value: object, where: str) -> bytes:
    if isinstance(value, bytes):
        return value
    # Some clients break the text into lines; anything else outside the alphabet is a mistake.
    text = _encoded(value, where, "base64").translate(None, b" \t\r\n")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        problem = str(error)
    try:
        # What PyGrid, which skipped such characters, could not decode either it named so:
        base64.b64decode(text)
    except binascii.Error as error:
        problem = str(error)
    raise ServiceError(f"{problem}: {where} must be a base64 text")


def _config(value: object, where: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        problem = "list indices must be integers or slices, not str"
    else:
        problem = f"'{type(value).__name__}' object is not subscriptable"
    raise ServiceError(f"{problem}: {where} must be an object")
