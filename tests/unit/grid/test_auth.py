from __future__ import annotations

import base64
import contextlib
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web.errors import HostingError, ServiceError
from syft_web.grid.auth import LONGEST_TOKEN, Authentication
from syft_web.grid.configs import ServerConfig
from syft_web.grid.service import Question, Service
from tests.grid.talk import host_data
from tests.unit.grid.tokens import (
    SECRET,
    hand_made,
    in_seconds,
    private_pem,
    public_pem,
    signed,
)
from tests.unit.grid.workers import Workers, refused

pytestmark = pytest.mark.filterwarnings("ignore:The HMAC key is")

INVALID = "The 'auth_token' you sent is invalid."


def rules(**config: Any) -> Authentication:
    problems: list[str] = []
    read = Authentication.read(config, problems)
    assert not problems
    assert read is not None
    return read


def is_good(wanted: Authentication, token: str) -> bool:
    try:
        wanted.check(token)
    except ServiceError as error:
        if (error.text, error.status) != (INVALID, 400):
            raise
        return False
    return True


# Keys and algorithms


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_secret(algorithm: str) -> None:
    wanted = rules(secret=SECRET, type="jwt")
    assert is_good(wanted, signed(SECRET, algorithm))
    assert not is_good(wanted, signed(SECRET + "x", algorithm))


def test_the_known_token() -> None:
    """Secret ``abc``, header HS256/JWT, payload ``{}`` (protocol.md section 1.7)."""
    token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.yYhP2xosmpuyV5aoT8mz7GFESzq3hKSy-CRWC-vYOIU"
    assert is_good(rules(secret="abc"), token)
    assert not is_good(rules(secret="abd"), token)


KINDS = [("rsa", name) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")]
KINDS += [(name, name) for name in ("ES256", "ES384", "ES512", "ES256K")]
KINDS += [("ed25519", "EdDSA"), ("ed448", "EdDSA")]


@pytest.mark.parametrize(("kind", "algorithm"), KINDS)
def test_a_public_key(kind: str, algorithm: str) -> None:
    wanted = rules(pub_key=public_pem(kind))
    token = signed(kind, algorithm)
    assert is_good(wanted, token)
    head, payload, signature = token.split(".")
    other = "A" if signature[10] != "A" else "B"
    assert not is_good(wanted, f"{head}.{payload}.{signature[:10]}{other}{signature[11:]}")
    assert not is_good(wanted, f"{head}.eyJhIjoxfQ.{signature}")


@pytest.mark.parametrize("kind", ["rsa", "ES256", "ed25519"])
def test_tokens_of_other_kinds(kind: str) -> None:
    wanted = rules(pub_key=public_pem(kind))
    for other, algorithm in KINDS:
        if other != kind:
            assert not is_good(wanted, signed(other, algorithm))
    assert not is_good(wanted, signed("another rsa", "RS256"))
    assert not is_good(wanted, signed(SECRET))


@pytest.mark.parametrize("kind", ["rsa", "ES256", "ed25519"])
@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "EdDSA", "none"])
def test_a_public_key_is_no_secret(kind: str, algorithm: str) -> None:
    """The confusion of algorithms: a token signed by HMAC with what everybody may know."""
    pem = public_pem(kind)
    for key in (pem, pem.strip(), pem.replace("\n", "\r\n")):
        forged = hand_made({"alg": algorithm, "typ": "JWT"}, {}, key.encode())
        assert not is_good(rules(pub_key=pem), forged)
        assert not is_good(rules(pub_key=pem, secret=SECRET), forged)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, "HS257", [], {"a": 1}, 5])
@pytest.mark.parametrize("key", [None, b"", SECRET.encode()])
def test_no_algorithm_but_those_of_the_key(algorithm: Any, key: bytes | None) -> None:
    forged = hand_made({"alg": algorithm, "typ": "JWT"}, {}, key)
    assert not is_good(rules(secret=SECRET), forged)
    assert not is_good(rules(secret=SECRET, pub_key=public_pem("rsa")), forged)


@pytest.mark.parametrize(
    "header", [{}, {"typ": "JWT"}, {"alg": "HS256", "crit": ["x"]}, {"alg": "HS256", "b64": False}]
)
def test_headers_that_mean_something_else(header: dict[str, Any]) -> None:
    assert not is_good(rules(secret=SECRET), hand_made(header, {}, SECRET.encode()))


def test_either_key_is_enough() -> None:
    wanted = rules(secret=SECRET, pub_key=public_pem("rsa"))
    assert is_good(wanted, signed(SECRET))
    assert is_good(wanted, signed("rsa", "RS256"))
    assert not is_good(wanted, signed("no such secret"))
    assert not is_good(wanted, signed("another rsa", "RS256"))


@pytest.mark.parametrize(
    "config", [{"secret": "", "pub_key": "rsa"}, {"secret": SECRET, "pub_key": ""}]
)
def test_an_empty_secret_signs_nothing(config: dict[str, str]) -> None:
    config = {**config, "pub_key": public_pem("rsa") if config["pub_key"] else ""}
    assert not is_good(rules(**config), hand_made({"alg": "HS256", "typ": "JWT"}, {}, b""))


# Claims


def test_times_are_honoured() -> None:
    wanted = rules(secret=SECRET)
    assert is_good(wanted, signed(exp=in_seconds(60), nbf=in_seconds(-60)))
    assert not is_good(wanted, signed(exp=in_seconds(-1)))
    assert not is_good(wanted, signed(nbf=in_seconds(60)))
    assert is_good(wanted, signed(iat=in_seconds(600)))  # as PyGrid has it: clocks differ


@pytest.mark.parametrize("time", ["soon", [1], {}, None, float("inf"), float("nan")])
def test_times_that_are_none(time: Any) -> None:
    for claim in ("exp", "nbf"):
        forged = hand_made({"alg": "HS256", "typ": "JWT"}, {claim: time}, SECRET.encode())
        assert not is_good(rules(secret=SECRET), forged)


def test_audience_and_issuer() -> None:
    plain = rules(secret=SECRET)
    assert not is_good(plain, signed(aud="grid"))
    assert is_good(plain, signed(iss="anybody", sub="worker"))
    strict = rules(secret=SECRET, audience="grid", issuer="us", required_claims=["exp", "sub"])
    good = {"aud": "grid", "iss": "us", "exp": in_seconds(60), "sub": "worker"}
    assert is_good(strict, signed(**good))
    assert is_good(strict, signed(**{**good, "aud": ["grid", "another"]}))
    for key in good:
        assert not is_good(strict, signed(**{k: v for k, v in good.items() if k != key}))
    assert not is_good(strict, signed(**{**good, "aud": "another"}))
    assert not is_good(strict, signed(**{**good, "iss": "them"}))


def test_a_payload_that_is_no_object() -> None:
    for payload in ([1], "x", 5, None):
        forged = hand_made({"alg": "HS256", "typ": "JWT"}, payload, SECRET.encode())
        assert not is_good(rules(secret=SECRET), forged)


# Tokens of any kind


@given(st.text())
def test_junk_is_no_token(token: str) -> None:
    assert not is_good(rules(secret=SECRET, pub_key=public_pem("ed25519")), token)


PARTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "alg": st.sampled_from(["HS256", "none", "RS256", "EdDSA"]) | PARTS,
        "typ": PARTS,
        "kid": PARTS,
        "jwk": PARTS,
        "jku": PARTS,
        "x5c": PARTS,
        "crit": PARTS,
        "b64": PARTS,
    },
)


@given(HEADERS | PARTS, PARTS, st.sampled_from([None, b"", b"abc", b"another secret"]))
def test_forged_parts_are_no_token(header: Any, payload: Any, key: bytes | None) -> None:
    token = hand_made(header, payload, key)
    assert not is_good(rules(secret=SECRET, pub_key=public_pem("ed25519")), token)


@given(st.dictionaries(st.sampled_from(["exp", "nbf", "aud", "iss", "iat", "sub", "jti"]), PARTS))
def test_any_claims_are_judged(claims: dict[str, Any]) -> None:
    token = hand_made({"alg": "HS256", "typ": "JWT"}, claims, SECRET.encode())
    if is_good(rules(secret=SECRET), token):
        assert not claims.get("aud")


def test_the_length_is_bounded() -> None:
    size = LONGEST_TOKEN * 3 // 4 - 200
    assert is_good(rules(secret=SECRET), signed(a="x" * size))
    assert not is_good(rules(secret=SECRET), signed(a="x" * LONGEST_TOKEN))
    assert not is_good(rules(secret=SECRET), "[" * 10_000_000)
    assert not is_good(rules(endpoint="https://x.example"), "x" * (LONGEST_TOKEN + 1))


def test_a_header_nested_without_end() -> None:
    header = base64.urlsafe_b64encode(b'{"alg":' + b"[" * 5000).rstrip(b"=").decode()
    assert not is_good(rules(secret=SECRET), f"{header}.e30.AAAA")


def test_no_token() -> None:
    for wanted in (rules(secret=SECRET), rules(endpoint="https://x.example")):
        with refused("Authentication is required, please pass an 'auth_token'."):
            wanted.check(None)
    assert not is_good(rules(secret=SECRET), "")
    assert is_good(rules(endpoint="https://x.example"), "")


# Hosting


def problems_of(config: object, **more: Any) -> str:
    with pytest.raises(HostingError) as caught:
        ServerConfig.read({"cycle_length": 1, "authentication": config}, **more)
    return caught.value.text


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"secret": 1}, "authentication.secret must be a text"),
        ({"secret": "x" * 20_000}, "authentication.secret must have at most"),
        ({"secret": "\ud800"}, "half a surrogate pair"),
        ({"pub_key": "x"}, "authentication.pub_key is no public key in PEM form"),
        ({"pub_key": ["x"]}, "authentication.pub_key must be a text"),
        ({"endpoint": "ftp://x"}, "authentication.endpoint must be an address"),
        ({"endpoint": "x"}, "authentication.endpoint must be an address"),
        ({"endpoint": "http://"}, "authentication.endpoint must be an address"),
        ({"endpoint": "http://x:99999999"}, "authentication.endpoint must be an address"),
        ({"endpoint": "http://x/\r\nA: b"}, "authentication.endpoint must be an address"),
        ({"endpoint": "http://u:p@x/"}, "no user name, password or fragment"),
        ({"secert": SECRET}, "'secert' is unknown"),
        ({"secret": SECRET, "required_claims": "exp"}, "must be a list of names"),
        ({"audience": "us"}, "everybody could take part"),
        ({"endpoint": "http://x", "issuer": "us"}, "only the claims of a signed token count"),
    ],
)
def test_what_is_no_authentication(config: dict[str, Any], text: str) -> None:
    assert text in problems_of(config)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("small rsa", "is RSA of 1024 bits"),
        ("dsa", "is of a kind"),
        ("x25519", "is of a kind"),
        ("brainpool", "is of a kind"),
        ("P-224", "is of a kind"),
    ],
)
def test_public_keys_of_other_kinds(kind: str, text: str) -> None:
    assert text in problems_of({"pub_key": public_pem(kind)})


def test_a_private_key_is_not_taken_and_not_repeated() -> None:
    pem = private_pem("rsa")
    text = problems_of({"pub_key": pem, "secret": pem})
    assert "is a private key" in text
    assert "authentication.secret is a key file" in text
    assert pem.splitlines()[3] not in text


def test_a_public_key_as_secret() -> None:
    assert "put a public key into authentication.pub_key" in problems_of(
        {"secret": public_pem("rsa")}
    )


def test_every_problem_is_listed() -> None:
    text = problems_of({"secret": 5, "pub_key": "no key", "endpoint": "nowhere", "oops": 1})
    for key in ("secret", "pub_key", "endpoint", "oops"):
        assert key in text
    assert "no key" not in text


def test_short_secrets_are_for_loopback() -> None:
    config = {"cycle_length": 1, "authentication": {"secret": "hunter2"}}
    assert ServerConfig.read(config).authentication is not None
    text = problems_of(config["authentication"], short_secrets=False)
    assert "fewer than 32 bytes" in text
    assert "hunter2" not in text
    long = {"cycle_length": 1, "authentication": {"secret": SECRET}}
    assert ServerConfig.read(long, short_secrets=False).authentication is not None


def test_keys_are_in_no_repr() -> None:
    shown = repr(ServerConfig.read({"cycle_length": 1, "authentication": {"secret": SECRET}}))
    assert SECRET not in shown


@given(
    st.dictionaries(
        st.sampled_from(["secret", "pub_key", "endpoint", "audience", "required_claims", "x"]),
        PARTS,
    )
)
def test_any_authentication_is_read_or_refused(config: dict[str, Any]) -> None:
    with contextlib.suppress(HostingError):
        ServerConfig.read({"cycle_length": 1, "authentication": config})


# The service


def test_joining_a_protected_process(service: Service) -> None:
    service.host(host_data(authentication={"secret": SECRET}))
    with refused("Authentication is required"):
        service.authenticate({"model_name": "m"})
    for token in ("", 5, {"a": 1}, ["x"], True, signed("x" * 40)):
        with refused(INVALID):
            service.authenticate({"model_name": "m", "auth_token": token})
    assert service.authenticate({"model_name": "m", "auth_token": signed()}).worker_id


def test_a_worker_of_an_open_process_stays_outside(service: Service, workers: Workers) -> None:
    service.host(host_data("open"))
    service.host(host_data("closed", authentication={"secret": SECRET}))
    stranger = workers.authenticate("open")
    assert workers.request(stranger, "open").request_key
    with refused("User is not authorized for this operation!", status=401):
        workers.request(stranger, "closed")
    token = {"model_name": "closed", "auth_token": signed()}
    member = service.authenticate(token).worker_id
    assert workers.request(member, "closed").request_key
    assert workers.request(member, "open").request_key


def test_a_third_party_is_asked_last(service: Service) -> None:
    keys = {"secret": SECRET, "endpoint": "https://party.example/verify"}
    service.host(host_data(authentication=keys))
    with refused(INVALID):
        service.authenticate({"model_name": "m", "auth_token": "opaque"})
    token = signed()
    question = service.authenticate({"model_name": "m", "auth_token": token})
    assert isinstance(question, Question)
    assert (question.endpoint, question.token) == (keys["endpoint"], token)
    assert token not in repr(question)
    assert service.enroll(question.process).worker_id


def test_numbers_are_sent_as_text(service: Service) -> None:
    service.host(host_data(authentication={"endpoint": "https://party.example/verify"}))
    question = service.authenticate({"model_name": "m", "auth_token": 5})
    assert isinstance(question, Question)
    assert question.token == "5"


def test_pyjwt_knows_every_algorithm() -> None:
    for _, algorithm in [*KINDS, ("", "HS256"), ("", "HS384"), ("", "HS512")]:
        assert jwt.get_algorithm_by_name(algorithm)
