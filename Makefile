# Two commands for a fresh machine: `make demo` and `make test`. Both set the machine up first, and repeat quickly.
PY := .venv/bin/python
.PHONY: setup demo test test-long check bench bench-privacy clean

setup:
	@bash packaging/setup.sh

demo: setup
	@.venv/bin/localrouter demo

test: setup
	@$(PY) -m pytest

test-long: setup
	@$(PY) -m pytest -m "long or not long" --timeout 1800

check: setup
	@.venv/bin/ruff check . && .venv/bin/mypy && .venv/bin/lint-imports

# Beside LiteLLM and Portkey, which are installed once into ~/.cache/localrouter-bench. BENCH="--quick" or "--readme", say.
bench: setup
	@$(PY) tests/bench/run.py --json build/bench.json --table build/bench.md $(BENCH)

# What is found, missed and what it costs, on public data: DATA is the folder of the unpacked sets.
bench-privacy: setup
	@$(PY) tests/bench/privacy/run.py $(or $(DATA),$(error say where the data lies: make bench-privacy DATA=DIR)) $(BENCH)

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache build dist
