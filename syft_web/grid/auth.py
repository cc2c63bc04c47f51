"""Who may take part in a process: ``server_config.authentication`` (protocol.md section 1.7).

A worker sends an ``auth_token`` when it joins. It is a JWT signed with the process's
``secret`` (HMAC) or by the owner of its ``pub_key`` (RSA, EC or EdDSA), either of them
suffices; an ``endpoint`` of somebody else is asked on top, see `auth_endpoint`. With an
endpoint alone the token may be any text.

Signatures are PyJWT's and cryptography's work. What is decided here is which algorithms a
key may be used with: those of its kind, whatever the token says of itself.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.warnings import InsecureKeyLengthWarning

from syft_web.errors import ServiceError
from syft_web.grid import texts

__all__ = ["SAFE_SECRET", "Authentication"]

logger = logging.getLogger("syft_web.grid")

# Short secrets are named when they are hosted; a line for every token would say no more.
warnings.filterwarnings("ignore", category=InsecureKeyLengthWarning)

SAFE_SECRET = 32
"""Bytes. A shorter secret can be found by trying, by anybody who has seen one token."""

SMALLEST_RSA = 2048
"""Bits (NIST SP 800-131A)."""

LONGEST_TOKEN = 8192
"""Characters. Longer tokens are refused unread; web servers stop at this size too."""

LONGEST_TEXT = 16384
"""Characters of a key or an address in a configuration."""

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey

_HMAC = ("HS256", "HS384", "HS512")
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512", "secp256k1": "ES256K"}

_TEXTS = ("secret", "pub_key", "endpoint", "audience", "issuer", "type")
_KEYS = (*_TEXTS, "required_claims")

# PyGrid looked at exp, nbf and aud, and at nothing else a token may claim.
_OPTIONS = {"verify_iat": False, "verify_sub": False, "verify_jti": False}


@dataclass(frozen=True, slots=True)
class Authentication:
    """What a worker's token must be. Made by `read`; what is empty there is None here.

    Attributes:
        secret: Passphrase that tokens are signed with (HS256, HS384, HS512).
        pub_key: PEM of the public key of whoever signs the tokens. An RSA key goes with RS*
            and PS*, an EC key with the ES* of its curve, Ed25519 and Ed448 with EdDSA.
        endpoint: Address that is asked whether a token is good.
        audience: What ``aud`` must name; without it tokens must have no ``aud``.
        issuer: What ``iss`` must be.
        required_claims: Claims that a token must have, e.g. ``("exp",)``.
    """

    secret: str | None = field(default=None, repr=False)
    pub_key: str | None = field(default=None, repr=False)
    endpoint: str | None = field(default=None, repr=False)
    audience: str | None = None
    issuer: str | None = None
    required_claims: tuple[str, ...] = ()

    @classmethod
    def read(
        cls, value: object, problems: list[str], *, short_secrets: bool = True
    ) -> Authentication | None:
        """The authentication in a ``server_config``, its keys tried.

        Args:
            value: What was sent. As in PyGrid, empty texts count as left out; unlike there,
                an empty secret is never one that a token could be signed with.
            short_secrets: Whether a secret may have fewer than `SAFE_SECRET` bytes.
            problems: Everything found wrong is appended, without the keys themselves.

        Returns:
            None when everybody may take part.
        """
        if value is None:
            return None
        if not isinstance(value, Mapping):
            problems.append("authentication must be an object")
            return None
        found = len(problems)
        for key in value:
            if key not in _KEYS:
                known = ", ".join(_KEYS)
                problems.append(f"authentication.{str(key)[:40]!r} is unknown; there are {known}")
        given: Any = {key: _text(value, key, problems) for key in _TEXTS if key != "type"}
        claims = _claims(value.get("required_claims"), problems)
        rules = cls(**given, required_claims=claims)
        _check_keys(rules, problems)
        if rules.has_short_secret and not short_secrets:
            problems.append(
                f"authentication.secret has fewer than {SAFE_SECRET} bytes, so that tokens can be "
                "forged by trying; make one with: openssl rand -hex 32"
            )
        if found == len(problems) and rules.is_open and rules.claims_asked:
            problems.append(
                f"authentication has {' and '.join(rules.claims_asked)}, but no secret, pub_key or "
                "endpoint: everybody could take part; add one, or leave authentication out"
            )
        return None if rules.is_open else rules

    @property
    def is_open(self) -> bool:
        """Whether there is nothing to check a token with."""
        return not (self.secret or self.pub_key or self.endpoint)

    @property
    def claims_asked(self) -> list[str]:
        """Which of the rules are about claims; without a key to check them they mean nothing."""
        asked = ("audience", "issuer", "required_claims")
        return [name for name in asked if getattr(self, name)]

    @property
    def has_short_secret(self) -> bool:
        """Whether the secret is so short that tokens can be forged by trying."""
        return self.secret is not None and len(self.secret.encode()) < SAFE_SECRET

    def check(self, token: str | None) -> None:
        """Check a token against secret and public key. The endpoint is not asked here.

        Raises:
            ServiceError: With the text of PyGrid: none was sent, or it is not valid. Why it is
                not is for the log; a stranger is not told.
        """
        if token is None:
            raise ServiceError(texts.TOKEN_REQUIRED)
        if len(token) > LONGEST_TOKEN:
            logger.info("Refused a token of %d characters", len(token))
            raise ServiceError(texts.TOKEN_INVALID)
        keys = self._keys()
        if keys and not any(self._is_signed(token, key, names) for key, names in keys):
            raise ServiceError(texts.TOKEN_INVALID)

    def _keys(self) -> list[tuple[str | PublicKey, tuple[str, ...]]]:
        keys: list[tuple[str | PublicKey, tuple[str, ...]]] = []
        if self.secret:
            keys.append((self.secret, _HMAC))
        if self.pub_key:
            public = _load(self.pub_key)
            keys.append((public, _algorithms(public)))
        return keys

    def _is_signed(self, token: str, key: str | PublicKey, algorithms: tuple[str, ...]) -> bool:
        options: Any = {**_OPTIONS, "require": list(self.required_claims)}
        try:
            jwt.decode(
                token,
                key,
                algorithms=list(algorithms),
                options=options,
                audience=self.audience,
                issuer=self.issuer,
            )
        except Exception as error:
            # Any: claims of the wrong type, half characters and the like end in all kinds of
            # errors, and whatever happens to a stranger's token, it has not been found good.
            logger.info("Refused a token: %s", type(error).__name__)
            return False
        return True


def _text(config: Mapping[str, Any], key: str, problems: list[str]) -> str | None:
    value = config.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        problems.append(f"authentication.{key} must be a text")
    elif len(value) > LONGEST_TEXT:
        problems.append(f"authentication.{key} must have at most {LONGEST_TEXT} characters")
    elif not _is_unicode(value):
        problems.append(f"authentication.{key} has half a surrogate pair in it")
    else:
        return value
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _claims(value: object, problems: list[str]) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list) and all(isinstance(claim, str) and claim for claim in value):
        return tuple(value)
    problems.append("authentication.required_claims must be a list of names of claims")
    return ()


def _check_keys(rules: Authentication, problems: list[str]) -> None:
    if rules.secret:
        try:
            jwt.get_algorithm_by_name("HS256").prepare_key(rules.secret)
        except jwt.InvalidKeyError:
            problems.append(
                "authentication.secret is a key file, and those may be public; put a public key "
                "into authentication.pub_key, or give a long random text"
            )
    if rules.pub_key:
        try:
            _load(rules.pub_key)
        except ValueError as error:
            problems.append(f"authentication.pub_key {error}")
    if rules.endpoint and (problem := _problem_of_address(rules.endpoint)):
        problems.append(f"authentication.endpoint {problem}")
    if rules.claims_asked and rules.endpoint and not (rules.secret or rules.pub_key):
        problems.append(
            f"authentication has {' and '.join(rules.claims_asked)}, but no secret or pub_key: "
            "only the claims of a signed token count"
        )


@lru_cache(maxsize=64)
def _load(pem: str) -> PublicKey:
    """The key in a PEM text; ValueError says what else it is."""
    if "PRIVATE KEY" in pem:
        raise ValueError("is a private key: keep that to yourself, and make a new pair")
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(
            "is no public key in PEM form: it must begin with -----BEGIN PUBLIC KEY-----"
        ) from None
    if not isinstance(key, PublicKey) or not _algorithms(key):
        raise ValueError(
            "is of a kind that tokens are not signed with; there are RSA, EC on P-256, P-384, "
            "P-521 or secp256k1, Ed25519 and Ed448"
        )
    if isinstance(key, RSAPublicKey) and key.key_size < SMALLEST_RSA:
        raise ValueError(f"is RSA of {key.key_size} bits; at least {SMALLEST_RSA} are needed")
    return key


def _algorithms(key: PublicKey) -> tuple[str, ...]:
    if isinstance(key, RSAPublicKey):
        return _RSA
    if isinstance(key, EllipticCurvePublicKey):
        return (_CURVES[key.curve.name],) if key.curve.name in _CURVES else ()
    return ("EdDSA",)


def _problem_of_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        whole = False
    if not whole or not (url.isascii() and url.isprintable()) or " " in url:
        return "must be an address that begins with http:// or https://"
    if "@" in parts.netloc or parts.fragment:
        return "must have no user name, password or fragment in it"
    return ""
