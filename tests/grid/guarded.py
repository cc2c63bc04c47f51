"""A grid in a process of its own, for tests that mean it harm; run with ``-m``.

``python -m tests.grid.guarded DATABASE CLOCK LIMITS`` serves on a free port, prints its
address and logs to its standard error. CLOCK is a file with the seconds that its clock is
ahead, LIMITS are a JSON object for `Limits`.
"""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from syft_web.grid import Limits, Server, create_app
from tests.grid.talk import Talk, host_data
from tests.paths import ROOT


@dataclass
class Guarded:
    """The process as tests see it."""

    url: str
    process: subprocess.Popen[str]
    clock: Path
    log_path: Path
    read: int = 0

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self.url.rpartition(":")[2])

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def set_clock(self, seconds_ahead: float) -> None:
        beside = self.clock.with_suffix(".new")
        beside.write_text(str(seconds_ahead))
        beside.replace(self.clock)

    def assert_well(self) -> None:
        """Another client is served, by the same process, and nothing went wrong unforeseen."""
        assert self.process.poll() is None, self.log()
        with Talk(self.url) as talk:
            assert talk.frame('{"type": "socket-ping"}') == {"alive": "True"}
            assert talk.authenticate("calm")
        new, self.read = self.log()[self.read :], len(self.log())
        assert "Traceback" not in new, new


@contextmanager
def guarded_process(folder: Path, **limits: Any) -> Iterator[Guarded]:
    """Run one, with a process ``calm`` hosted for clients that mean well."""
    clock, log_path = folder / "clock", folder / "log"
    clock.write_text("0")
    words = [f"sqlite:///{folder / 'grid.sqlite'}", str(clock), json.dumps(limits)]
    with log_path.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.grid.guarded", *words],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, log_path.read_text()
        guarded = Guarded(found[0], process, clock, log_path)
        with Talk(guarded.url) as talk:
            reply = talk.call("host-training", host_data("calm"))
            assert reply == {"status": "success"}, reply
        yield guarded
    finally:
        process.kill()
        process.wait()


class _Steppable(Server):
    """A grid whose clock can be set."""

    def __init__(self, database: str, clock: Path, limits: Limits) -> None:
        super().__init__(database=database, limits=limits)
        self._ahead = clock

    def make_app(self) -> Starlette:
        self._app = create_app(
            self._database,
            limits=self._limits,
            loopback=True,
            memory=self._memory,
            clock=lambda: time.time() + float(self._ahead.read_text()),
        )
        return self._app


def main() -> None:
    database, clock, limits = sys.argv[1:]
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    with _Steppable(database, Path(clock), Limits(**json.loads(limits))) as server:
        print(server.url, flush=True)
        # Until its parent is gone.
        threading.Thread(target=sys.stdin.read).run()


if __name__ == "__main__":
    main()
