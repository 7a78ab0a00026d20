"""The mean of two trainings of the encoder, as one GGUF without biases.

    python packaging/encoder/average.py --base DIR A/checkpoint.safetensors B/checkpoint.safetensors --share 0.7 --out DIR

Weights of runs that began at one point lie in one basin, and their mean is often better than either on text unlike the training set
(Wortsman et al., "Model soups", ICML 2022). `--share` is B's part. Needs what `train.py` needs. DIR of --out gets encoder.gguf and checkpoint.safetensors.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from safetensors.torch import load_file, save_file
from train import TYPES, Tagger, export


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--base", type=Path, required=True, help="the folder with vocab.txt")
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    if not 0 <= given.share <= 1:
        parser.error("--share lies between 0 and 1")
    one, two = load_file(str(given.first)), load_file(str(given.second))
    if {k: v.shape for k, v in one.items()} != {k: v.shape for k, v in two.items()}:
        parser.error("the two checkpoints are not of one model")
    mean = {k: ((1 - given.share) * v.float() + given.share * two[k].float()).to(v.dtype).contiguous() for k, v in one.items()}
    vocabulary = (given.base / "vocab.txt").read_text(encoding="utf-8").splitlines()
    model = Tagger(len(vocabulary))
    model.load_state_dict(mean)
    given.out.mkdir(parents=True, exist_ok=True)
    save_file(mean, str(given.out / "checkpoint.safetensors"))
    about = {
        "base": "sentence-transformers/all-MiniLM-L6-v2",
        "licence": "Apache-2.0",
        "mean": f"{given.share} of the second run",
    }
    export(model, vocabulary, dict.fromkeys(TYPES, 0.0), given.out / "encoder.gguf", about)
    return 0


if __name__ == "__main__":
    sys.exit(main())
