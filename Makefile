# jangin: `make demo` shows the main job, `make check test` is what a change must pass. `make help` lists the rest.

.DEFAULT_GOAL := help
SHELL := /bin/bash

# The oldest supported Python first: the pinned versions in constraints.txt were tested with it.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
PIP_FLAGS ?=
VENV := .venv
BIN := $(VENV)/bin
BENCH_VENV := .venv-bench
GYM_VENV := .venv-gym
BENCH_FLAGS ?=
SEED ?= 7
OUT ?= runs/peg

.PHONY: help demo test check format twin bench gym clean

help:  ## list these targets
	@grep -hE '^[a-z.]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z.]+):.*## /  make \1\t/' | expand -t 18

$(VENV)/.installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "jangin needs Python 3.11 or newer; none was found. Say where it is: make PYTHON=/path/to/python3"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e '.[learn,dev]'
	@touch $@

.venv: $(VENV)/.installed  ## install jangin and its tools into .venv (again only when pyproject or constraints change)

demo: $(VENV)/.installed  ## learn, qualify and ship a peg-in-hole policy into runs/peg, or runs/peg-2 ... (OUT=..., SEED=...)
	@out=$(OUT); n=1; while [ -e "$$out" ]; do n=$$((n + 1)); out=$(OUT)-$$n; done; \
	echo $(BIN)/jangin deliver cell/peg-insert --seed $(SEED) --out "$$out"; \
	$(BIN)/jangin deliver cell/peg-insert --seed $(SEED) --out "$$out"

test: $(VENV)/.installed  ## run the tests
	$(BIN)/python -m pytest

check: $(VENV)/.installed  ## lint, formatting, types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed  ## put every file into the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The programs that speed is compared with have an environment of their own: jangin needs none of them.
$(BENCH_VENV)/.installed: pyproject.toml constraints.txt constraints-bench.txt
	@test -n "$(PYTHON)" || { echo "jangin needs Python 3.11 or newer; none was found. Say where it is: make PYTHON=/path/to/python3"; exit 2; }
	@test -x $(BENCH_VENV)/bin/python || $(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -c constraints-bench.txt -e '.[learn,bench]'
	@touch $@

twin: $(VENV)/.installed  ## measure the evidence physics against its slow twin, as in docs/physics.md (minutes)
	$(BIN)/python tests/measure_twin.py --clearance-mm 0.1 0.2 0.4 --trials 208 evidence twin

bench: $(BENCH_VENV)/.installed  ## measure speed against what is named, and print ratios (BENCH_FLAGS="--quick", "--help" ...)
	$(BENCH_VENV)/bin/python -m bench $(BENCH_FLAGS)

# Some environments of others need another MuJoCo than our cells; constraints-gym.txt says why jangin comes without its own.
$(GYM_VENV)/.installed: pyproject.toml constraints-gym.txt
	@test -n "$(PYTHON)" || { echo "jangin needs Python 3.11 or newer; none was found. Say where it is: make PYTHON=/path/to/python3"; exit 2; }
	@test -x $(GYM_VENV)/bin/python || $(PYTHON) -m venv $(GYM_VENV)
	$(GYM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -r constraints-gym.txt
	$(GYM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) --no-deps -e .
	@touch $@

gym: $(GYM_VENV)/.installed  ## qualify environments that others wrote, in .venv-gym
	$(GYM_VENV)/bin/python -m pytest tests/test_gym_real.py tests/test_gym_task.py tests/test_gym_cli.py

clean:  ## remove the environment, caches and builds; never runs/
	rm -rf $(VENV) $(BENCH_VENV) $(GYM_VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
