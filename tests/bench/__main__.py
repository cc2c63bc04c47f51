"""``python -m tests.bench [NAME ...]``: run the benchmarks, all or the named ones.

A benchmark is a file ``bench_NAME.py`` here that prints its own table when it is run as a
module. Each runs in a process of its own, so that none warms up another.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(arguments: list[str] | None = None) -> int:
    found = {path.stem.removeprefix("bench_"): path for path in sorted(HERE.glob("bench_*.py"))}
    parser = argparse.ArgumentParser(prog="./build.sh bench", description="Run the benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(found) or "none yet")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in found]
    if unknown:
        parser.error(f"no benchmark named {unknown[0]}; there are: {', '.join(found) or 'none'}")
    status = 0
    for name in options.names or found:
        print(f"== {name}", flush=True)
        module = f"tests.bench.{found[name].stem}"
        done = subprocess.run(
            [sys.executable, "-c", f"import {module} as m; m.main()"], check=False
        )
        status = status or done.returncode
    if not found:
        print("there are no benchmarks yet (tests/bench/bench_*.py)")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
