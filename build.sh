#!/usr/bin/env bash
# Builds, runs and tests syft_web. Needs Python 3.11 or newer and Node with npm.
# What it installs goes to .venv/, what it makes to build/, what it downloads to
# ${XDG_CACHE_HOME:-~/.cache}/syft_web. The work itself is in the Python modules of web/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

py=.venv/bin/python

usage() {
  cat <<'END'
usage: ./build.sh COMMAND

  demo [options]     grid, models and web pages in one go; opens a browser.
                     --headless --workers 3 --cycles 5 [--json FILE] drives Chromium itself;
                     --model mnist_conv is a convolutional network, --model mnist_mlp and
                     mnist_cnn are models written in PyTorch
  test [pytest args] everything: wheel, site, linters, types, all tests;
                     with arguments only pytest, with these
  docs               the reference of the Python and JavaScript API, build/site/reference
  wheel              build/dist/syft_web-*.whl
  site               build/site: the page, Pyodide, the wheels, a package index, MNIST
  bench [NAME ...]   the benchmarks of tests/bench; --quick for less, --json FILE for numbers
  clean              remove build/ and .venv/ (downloads stay in the cache)
  help               this text
END
}

say() { printf '==> %s\n' "$*" >&2; }
die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  die "Python 3.11 or newer is needed; set PYTHON to one"
}

need_npm() { command -v npm >/dev/null || die "npm is needed; install Node.js 18 or newer"; }

# .venv with the project and all that its tools need; made anew only when pyproject.toml changed.
# need_venv test also brings PyTorch, which is large and which only some commands need.
need_venv() {
  local python wanted=${1:-dev} stamp
  if [ ! -x "$py" ]; then
    say "making .venv"
    python=$(find_python)
    if ! "$python" -m venv .venv; then
      rm -rf .venv
      die "'$python -m venv' failed; on Debian and Ubuntu: apt-get install python3-venv"
    fi
  fi
  stamp=.venv/installed-$("$py" -c 'import hashlib, os, sys
parts = open("pyproject.toml", "rb").read(), sys.version.encode(), os.fsencode(os.getcwd())
print(hashlib.sha256(b"".join(parts)).hexdigest()[:16])')
  if [ -e "$stamp" ] && { [ "$wanted" = dev ] || grep -qx "$wanted" "$stamp"; }; then
    return
  fi
  say "installing the project and its tools into .venv"
  "$py" -m pip install --quiet --disable-pip-version-check --editable ".[$wanted]"
  [ -e "$stamp" ] || rm -f .venv/installed-*
  echo "$wanted" >>"$stamp"
}

# A Chromium for the tests and the headless demo.
need_chromium() {
  "$py" -m web.chromium >/dev/null 2>&1 && return
  say "looking for a Chromium to install"
  "$py" -m web.chromium --install ||
    { [ -z "${CI:-}" ] || die "no browser, no CI"; say "browser tests will be skipped"; }
}

# Some tests of pages run in Firefox as well; without one they say that they were left out.
need_firefox() {
  "$py" -m web.firefox >/dev/null 2>&1 || say "looking for a Firefox to install"
  "$py" -m web.firefox --install >/dev/null || say "no Firefox; its tests will be skipped"
}

check() {
  say "ruff"
  "$py" -m ruff check .
  "$py" -m ruff format --check .
  say "mypy --strict"
  "$py" -m mypy
  say "tsc --checkJs"
  "$py" -m web.typings
}

run_docs() { need_npm; need_venv test; run_site >/dev/null; "$py" -m web.reference; }

run_wheel() { need_venv; "$py" -m web.wheel; }

run_site() { need_npm; need_venv; "$py" -m web.site; }

run_demo() {
  # The models in PyTorch are captured here; the others need none.
  case " $* " in *mnist_mlp* | *mnist_cnn*) need_venv test ;; esac
  run_site >/dev/null
  case " $* " in *" --headless "*) need_chromium ;; esac
  exec "$py" -m web.demo "$@"
}

run_test() {
  need_npm
  need_venv test
  if [ $# -gt 0 ]; then
    exec "$py" -m pytest "$@"
  fi
  need_chromium
  need_firefox
  say "wheel and site"
  "$py" -m web.site
  check
  run_tests
}

# Pages are tested one by one: each has a whole browser to itself.
run_tests() {
  local failed=0
  say "tests of parts, conformance and grid"
  OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 "$py" -m pytest --durations=10 \
    --numprocesses auto --dist loadfile tests/unit tests/conformance tests/grid || failed=1
  say "tests of pages"
  "$py" -m pytest --durations=10 tests/browser || failed=1
  return $failed
}

run_bench() { need_npm; need_venv test; need_chromium; exec "$py" -m tests.bench "$@"; }

run_clean() {
  say "removing build/ and .venv/"
  rm -rf build .venv
}

command=${1:-help}
[ $# -eq 0 ] || shift
case $command in
  wheel | site | docs | demo | test | bench | clean) "run_$command" "$@" ;;
  help | -h | --help) usage ;;
  *) usage >&2; die "unknown command: $command" ;;
esac
