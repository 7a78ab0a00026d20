# Two commands for a fresh machine: `make demo` and `make test`. Both set the machine up first, and repeat quickly.
PY := .venv/bin/python
.PHONY: setup demo test test-long test-clients check bench bench-privacy bench-engine clean

setup:
	@bash packaging/setup.sh

demo: setup
	@.venv/bin/localrouter demo

# A file is one worker's, since its tests share a daemon.
test: setup
	@$(PY) -m pytest -n 3 --dist loadfile

test-long: setup
	@$(PY) -m pytest -m "long or not long" --timeout 1800

# Real clients, unmodified, from npm and PyPI (1 to 3 GB in ~/.cache/localrouter-clients), against a host on loopback; writes README's table.
# CLIENTS="-k codex" for one of them; hours for all, most of it waiting for hosts that say nothing. The files are named so that no other target collects them.
test-clients: setup
	@$(PY) -m pytest -m clients --timeout 900 tests/clients/tasks.py tests/clients/faults.py $(CLIENTS)

check: setup
	@.venv/bin/ruff check . && .venv/bin/mypy && .venv/bin/lint-imports

# Beside LiteLLM and Portkey, which are installed once into ~/.cache/localrouter-bench. BENCH="--quick" or "--readme", say.
bench: setup
	@$(PY) tests/bench/run.py --json build/bench.json --table build/bench.md $(BENCH)

# What is found, missed and what it costs, on public data: DATA is the folder of the unpacked sets.
bench-privacy: setup
	@$(PY) tests/bench/privacy/run.py $(or $(DATA),$(error say where the data lies: make bench-privacy DATA=DIR)) $(BENCH)

# The local engine beside llama-server and llama-cpp-python's server on generated models: 3 GB in ~/.cache/localrouter-bench, built once
# (llama-server compiles for ten minutes). BENCH="--quick", "--models 500M-q8_0", "--threads 4" or "--readme", say.
bench-engine: setup
	@$(PY) tests/bench/engine_run.py --json build/bench-engine.json --table build/bench-engine.md $(BENCH)

# The encoder's weights, again: DATA is the folder of the open sets (packaging/encoder/README.md). An hour of two cores, minutes of a GPU.
# ENCODER="--minutes 100 --out build/encoder", say. The result replaces localrouter/models/encoder.gguf only when it is asked for: --install.
encoder:
	@bash packaging/encoder.sh $(or $(DATA),$(error say where the data lies: make encoder DATA=DIR)) $(ENCODER)

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache build dist
