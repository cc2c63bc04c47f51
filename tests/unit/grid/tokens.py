"""Keys and tokens for tests; the keys are made once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519

SECRET = "a passphrase of more than thirty-two bytes"

CURVES = {
    "ES256": ec.SECP256R1(),
    "ES384": ec.SECP384R1(),
    "ES512": ec.SECP521R1(),
    "ES256K": ec.SECP256K1(),
    "brainpool": ec.BrainpoolP256R1(),
    "P-224": ec.SECP224R1(),
}


@cache
def private_key(kind: str) -> Any:
    if kind in CURVES:
        return ec.generate_private_key(CURVES[kind])
    if kind == "dsa":
        return dsa.generate_private_key(2048)
    simple = {
        "ed25519": ed25519.Ed25519PrivateKey,
        "ed448": ed448.Ed448PrivateKey,
        "x25519": x25519.X25519PrivateKey,
    }
    if kind in simple:
        return simple[kind].generate()
    bits = {"rsa": 2048, "another rsa": 2048, "small rsa": 1024}[kind]
    return rsa.generate_private_key(65537, bits)


@cache
def public_pem(kind: str) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private_key(kind).public_key().public_bytes(serialization.Encoding.PEM, form).decode()


@cache
def private_pem(kind: str) -> str:
    return (
        private_key(kind)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


def signed(key: Any = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    """A token; ``key`` is a secret or the kind of a private key."""
    if algorithm.startswith("HS"):
        return jwt.encode(claims, key, algorithm)
    return jwt.encode(claims, private_key(key), algorithm)


def hand_made(header: Any, payload: Any, key: bytes | None = None) -> str:
    """A token with any header; ``key`` signs it by HMAC-SHA256 whatever the header says."""
    parts = [_base64(json.dumps(part).encode()) for part in (header, payload)]
    text = ".".join(parts)
    signature = b"" if key is None else hmac.digest(key, text.encode(), hashlib.sha256)
    return f"{text}.{_base64(signature)}"


def in_seconds(seconds: float) -> int:
    return int(time.time() + seconds)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
