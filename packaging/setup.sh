#!/usr/bin/env bash
# Makes .venv and installs localrouter into it. Repeats in well under a second when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."
stamp=.venv/.localrouter-setup
want=$(cksum pyproject.toml packaging/setup.sh | cksum | cut -d' ' -f1)
# As pip compiles what it installs: where Python may not write bytecode, each process would compile these again as it starts.
compiled() { .venv/bin/python -m compileall -q localrouter tui; }
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then compiled; exit 0; fi

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "localrouter needs Python 3.11 or newer; $("$python" --version) is older. Set PYTHON to a newer one." >&2
  exit 2
}
if command -v uv >/dev/null 2>&1; then
  echo "==> making .venv with uv"
  [ -x .venv/bin/python ] || uv venv --quiet --seed --python "$python" .venv
else
  echo "==> making .venv with venv and pip"
  [ -x .venv/bin/python ] || "$python" -m venv .venv
fi
pip=(.venv/bin/python -m pip --disable-pip-version-check)

# llama-cpp-python is the one part that may have to be compiled. Its project publishes wheels for common machines on an
# index of its own; it is asked for this one package only, and for a short time, since it may be out of reach.
if ! .venv/bin/python -c 'import llama_cpp' >/dev/null 2>&1; then
  index=${LLAMA_CPP_WHEELS:-https://abetlen.github.io/llama-cpp-python/whl/cpu}
  echo "==> llama-cpp-python: looking for a prebuilt wheel (20 seconds at most)"
  if timeout 20 "${pip[@]}" install --quiet --only-binary llama-cpp-python --retries 0 --timeout 8 \
      --extra-index-url "$index" llama-cpp-python >/dev/null 2>&1; then
    echo "    found one"
  else
    echo "==> llama-cpp-python: building from source. This compiles llama.cpp for this machine: 8 to 14 minutes on two"
    echo "    cores, once; pip keeps the result and takes seconds the next time. A dot is printed every 10 seconds."
    log=$(mktemp)
    CMAKE_ARGS="${CMAKE_ARGS:--DLLAVA_BUILD=OFF}" "${pip[@]}" install llama-cpp-python >"$log" 2>&1 &
    build=$!
    while kill -0 "$build" 2>/dev/null; do printf .; sleep 10; done
    echo
    if ! wait "$build"; then
      tail -n 30 "$log" >&2
      echo "llama-cpp-python did not build. It needs a C++ compiler and cmake (Debian: apt install build-essential cmake)." >&2
      exit 2
    fi
  fi
fi
echo "==> installing localrouter and its libraries"
"${pip[@]}" install --quiet --editable '.[dev]'
compiled
echo "$want" >"$stamp"
