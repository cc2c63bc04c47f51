"""``python -m tests.bench [NAME ...]``: run the benchmarks, all or the named ones.

A benchmark is a file ``bench_NAME.py`` here whose ``main(quick)`` prints its tables and gives
its numbers. Each runs in a process of its own, so that none warms up another, and on one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.targets import summary

HERE = Path(__file__).resolve().parent

RUN = """
import json, pathlib, sys
from tests.bench import {module} as benchmark
found = benchmark.main(quick={quick})
pathlib.Path({path!r}).write_text(json.dumps(found))
"""

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def main(arguments: list[str] | None = None) -> int:
    found = {path.stem.removeprefix("bench_"): path for path in sorted(HERE.glob("bench_*.py"))}
    parser = argparse.ArgumentParser(prog="./build.sh bench", description="Run the benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(found))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")
    parser.add_argument("--quick", action="store_true", help="fewer models and rounds")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in found]
    if unknown:
        parser.error(f"no benchmark named {unknown[0]}; there are: {', '.join(found)}")
    status = 0
    numbers: dict[str, Any] = {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "quick": options.quick,
        "found": {},
    }
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.names or found:
            print(f"== {name}", flush=True)
            path = Path(scratch) / f"{name}.json"
            code = RUN.format(module=found[name].stem, quick=options.quick, path=str(path))
            done = subprocess.run(
                [sys.executable, "-c", code], check=False, env={**os.environ, **ONE_THREAD}
            )
            status = status or done.returncode
            if path.exists():
                numbers["found"][name] = json.loads(path.read_text())
            print(flush=True)
    print(summary(numbers["found"]))
    if options.json is not None:
        options.json.write_text(json.dumps(numbers, indent=1) + "\n")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
