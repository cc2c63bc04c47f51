"""The nginx configuration and the systemd unit of `examples`, the former with Debian's nginx."""

from __future__ import annotations

import datetime
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from syft_web.grid import Server
from syft_web.plan import State
from tests.grid.debian import find, install
from tests.grid.talk import Talk, host_data, retrieve
from tests.paths import ROOT

# Installing the package, where that is possible at all, takes its time.
pytestmark = pytest.mark.timeout(480)

EXAMPLES = ROOT / "examples"
TOKEN = "token-of-the-one-who-hosts"
NAME = "localhost"


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[tuple[str, ssl.SSLContext, Server]]:
    """A grid behind nginx: the address, what to trust, the grid itself."""
    program = find("nginx", "/usr/sbin")
    if program is None:
        install("nginx")
        program = find("nginx", "/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    database = f"sqlite:///{tmp_path / 'grid.sqlite'}"
    with Server(database=database, admin_token=TOKEN) as grid:
        certificate(tmp_path)
        port = configure(tmp_path, grid)
        command = [program, "-p", str(tmp_path), "-c", str(tmp_path / "main.conf")]
        subprocess.run([*command, "-t"], check=True, capture_output=True)
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            wait_for(port, server)
            trust = ssl.create_default_context(cafile=str(tmp_path / "fullchain.pem"))
            yield f"https://{NAME}:{port}", trust, grid
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)


def configure(folder: Path, grid: Server) -> int:
    """The example with a port, a certificate and a grid of this test; gives the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = (EXAMPLES / "nginx.conf").read_text(encoding="utf-8")
    for old, new in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/grid", str(folder)),
        ("127.0.0.1:5000", grid.url.removeprefix("http://")),
        ("grid.example.org", NAME),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "grid.conf").write_text(text)
    temporary = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    main = [
        "daemon off; worker_processes 1;",
        "user root;" if os.geteuid() == 0 else "",
        f"pid {folder}/nginx.pid; error_log {folder}/error.log;",
        "events { worker_connections 64; }",
        f"http {{ access_log off; include {folder}/grid.conf;",
        *(f"{name}_temp_path {folder}/{name};" for name in temporary),
        "}",
    ]
    (folder / "main.conf").write_text("\n".join(main))
    return port


def certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + 60
    while True:
        assert server.poll() is None
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            assert time.monotonic() < limit
            time.sleep(0.05)


def test_a_cycle_through_nginx(nginx: tuple[str, ssl.SSLContext, Server]) -> None:
    url, trust, grid = nginx
    # Larger than nginx takes by default.
    old = np.zeros(500_000, np.float32)
    diff = np.random.default_rng(0).normal(size=old.size).astype(np.float32)
    model, report = State.of([old]).dumps(), State.of([diff]).dumps()
    with Talk(url, trust=trust) as talk:
        hosting = host_data(model=model, max_diffs=2, num_cycles=1)
        assert "error" in talk.call("host-training", hosting)
        hosting["admin_token"] = TOKEN
        assert talk.call("host-training", hosting) == {"status": "success"}
    for http in (False, True):
        with Talk(url, trust=trust, http=http) as talk:
            place = talk.join()
            query = {"model_id": "1", **place}
            got = httpx.get(f"{url}/model-centric/get-model", params=query, verify=trust)
            assert got.content == model
            assert talk.report(place, report) == {"status": "success"}
    assert grid.settle(60)
    new = State.loads(retrieve(grid.url, checkpoint=2).content).tensors[0]
    np.testing.assert_array_equal(new, -diff)


def test_the_unit_starts_a_grid_with_options_that_exist() -> None:
    text = (EXAMPLES / "syft-web-grid.service").read_text(encoding="utf-8")
    found = re.search(r"^ExecStart=(.*?[^\\])$", text, flags=re.MULTILINE | re.DOTALL)
    assert found
    program, command, *words = shlex.split(found[1].replace("\\\n", " "))
    assert program.endswith("/bin/syft-web")
    shown = subprocess.run(
        [sys.executable, "-m", "syft_web.cli", command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    options = [word for word in words if word.startswith("--")]
    assert options
    assert [option for option in options if option not in shown] == []
