"""A row of the engines' state (`Engines.state`) in words, for `status` and `doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHOWN = ("ctx", "threads", "batch", "kv_type", "gpu_layers")
"""Of a fit, what is told; `gpu_layers`: -1 for all."""


def in_words(row: Mapping[str, Any]) -> str:
    """`NAME: loaded, 0.6 GB (context 8192, 2 threads, batches of 512, cache f16, no layers on a GPU), 1 of 4 slots at work`."""
    name = str(row["model"])
    if row.get("why_not"):
        return f"{name}: cannot be loaded. {row['why_not']}"
    if row.get("loading"):
        return f"{name}: is being loaded"
    deaths = f", died {row['deaths']} times" if row.get("deaths", 0) > 1 else ", died once" if row.get("deaths") else ""
    if not row.get("loaded"):
        return f"{name}: not loaded now{deaths}; the next request loads it"
    on_gpu = f", {_gb(row['gpu_memory'])} on the GPU" if row.get("gpu_memory") else ""
    return f"{name}: loaded, {_gb(row.get('memory', 0))}{on_gpu} ({fit_words(row['fit'])}){_work(row)}{deaths}"


def fit_words(fit: Mapping[str, Any]) -> str:
    """What was chosen of `Fit`, by the names in SHOWN."""
    layers = fit["gpu_layers"]
    on = "all layers on the GPU" if layers < 0 else f"{layers} layers on the GPU" if layers else "no layers on a GPU"
    threads = f"{fit['threads']} thread{'' if fit['threads'] == 1 else 's'}"
    return f"context {fit['ctx']}, {threads}, batches of {fit['batch']}, cache {fit['kv_type']}, {on}"


def _work(row: Mapping[str, Any]) -> str:
    if "slots" not in row:
        return ", at work"  # it did not answer at once
    if row["running"] or row["waiting"]:
        waiting = f", {row['waiting']} waiting" if row["waiting"] else ""
        return f", {row['running']} of {row['slots']} slots at work{waiting}"
    return f", idle for {row['idle_s']:.0f} s"


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 0.95e9 else f"{size / 1e6:.0f} MB"
