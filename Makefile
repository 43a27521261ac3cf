# What people type. `make help` lists it.

# The distribution's Python before another on the PATH: pyenv builds its own without profile-guided optimization, and
# importing the definitions took 1.8 s in that instead of 1.45.
PYTHON ?= $(shell /usr/bin/python3.11 -c "import ensurepip, venv" 2>/dev/null && echo /usr/bin/python3.11 || echo python3.11)
UV_VERSION := 0.13.9
BIN := .venv/bin
# Byte code at once, ours below too: where PYTHONDONTWRITEBYTECODE is set, as in many containers, every process would
# compile all that it imports. The extraction worker took 0.65 s to start instead of 0.28.
export PYTHONDONTWRITEBYTECODE =
UV = $(BIN)/uv pip install --quiet --system-certs --compile-bytecode --python $(BIN)/python
DAYS ?= 14
PORT ?= 3000
# Test processes. Much of the suite waits for servers, so four pay on two cores; with its servers each takes more than 1 GB.
WORKERS ?= $(shell cores=$$(nproc 2>/dev/null || echo 4); echo $$((cores < 4 ? 4 : cores > 8 ? 8 : cores)))

# What is local is never mistaken for production: the shell's variables of the platform do not reach the local runs. Only
# `radar local up` looks at RADAR_HOST and its kin, to use a MySQL of your own, and says so.
LOCAL := env -u DAGSTER_HOME $(shell sed -nE 's/^(\# )?([A-Z0-9_]+)=.*/-u \2/p' .env.example) RADAR_ENV_FILE=.radar/local/env

.DEFAULT_GOAL := help
.PHONY: help run ui history test suite test-fast test-mysql lint style types bench lock down clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.installed: requirements.lock setup.py
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is not installed: install Python 3.11 with venv, or name another with PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "error: no virtual environment could be made: on Debian and Ubuntu, apt-get install python3.11-venv"; exit 1; }
	@echo "installing the locked dependencies into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(UV) --require-hashes -r requirements.lock || { echo "uv could not; trying pip, which takes a minute"; $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q radar_pipeline
	@touch $@

run: .venv/.installed  ## start the local stack, seed it, land today's partition, print what landed
	@$(BIN)/radar local up
	@$(LOCAL) $(BIN)/radar run

ui: .venv/.installed  ## the Dagster UI (webserver and daemon) on the same state
	@$(BIN)/radar local up
	@$(LOCAL) $(BIN)/radar ui --port $(PORT)

history: .venv/.installed  ## play the last days through, so that plots and checks have a past (DAYS=14)
	@$(BIN)/radar local up
	@$(LOCAL) $(BIN)/radar local history --days $(DAYS)

lint: style types  ## ruff and mypy

style: .venv/.installed
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: .venv/.installed
	@$(BIN)/mypy

test-fast: .venv/.installed  ## the tests that start no server
	@$(BIN)/pytest -m "not integration and not e2e and not mysql and not browser"

# mypy takes one core for most of a minute: the tests begin beside it.
test: style  ## everything that CI runs: lint, types, unit, integration, end to end
	@$(MAKE) --no-print-directory -j2 types suite

suite: .venv/.installed
	@$(BIN)/pytest -m "not mysql" -n $(WORKERS) --dist loadfile --no-loadscope-reorder || { \
		echo "once more, one after another, what failed: real servers on a busy machine can be late, a fault is not"; \
		$(BIN)/pytest -m "not mysql" --last-failed --last-failed-no-failures none; }

test-mysql: .venv/.installed  ## the source part of the suite on a real MySQL
	@$(BIN)/pytest -m mysql

bench: .venv/.installed  ## measure against peers and limits, one table
	@$(BIN)/python -m benchmarks

lock: .venv/.installed  ## resolve setup.py anew into requirements.lock
	@$(BIN)/uv pip compile setup.py --extra local --extra dev --generate-hashes --no-header --quiet --upgrade -o requirements.lock

down: .venv/.installed  ## stop the local stack; its state stays
	@$(BIN)/radar local down

clean: down  ## stop the local stack and delete all local state
	@rm -rf .radar .venv
