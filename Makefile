# make run    the whole product on this machine, embedded AWS included
# make start P=worker   starts a process of it again that has ended, or was killed
# make test   everything that must be true before a commit lands
PYTHON ?= python3
PORT ?= 8000
EMULATOR_PORT ?= 4566
BIN := .venv/bin
# extras kept: without them pip 23 takes, for `coverage[toml]`, the newest coverage and not the pinned one
UV_COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-strip-extras

.PHONY: run start test lint types unit weights browser redis prometheus lock clean

run: .venv/.local weights
	@$(BIN)/python -m ops.run --port $(PORT) --emulator-port $(EMULATOR_PORT)

start:
	@$(BIN)/python -m ops.keep --again $(P)

test: .venv/.dev weights browser redis prometheus lint types unit

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

unit:
	$(BIN)/python -m pytest

weights: .venv/.local
	@$(BIN)/python -m ops.weights

# what the page's tests need: Chromium from PATH or apt, axe-core from npm; without them they are skipped
browser: .venv/.dev
	@$(BIN)/python -m tests.web.browser

# what the shared cache's tests need: redis-server from PATH or apt; without it they are skipped
redis: .venv/.dev
	@$(BIN)/python -m tests.redis_server

# what the alerts' tests need: promtool, Prometheus, Alertmanager from PATH or Debian's packages; else they are skipped
prometheus: .venv/.dev
	@$(BIN)/python -m tests.alerts.prometheus

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11'; exit 1; }
	$(PYTHON) -m venv .venv || { echo 'no venv module: install it (Debian: apt-get install python3-venv)'; rm -rf .venv; exit 1; }

.venv/.local: requirements-local.lock setup.cfg | .venv/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-local.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.local
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

# After a change of dependencies in setup.cfg; commit what it writes.
lock: .venv/.dev
	$(BIN)/python -m pip install --quiet uv
	$(UV_COMPILE) setup.cfg --extra local --extra otel --extra test -o requirements-dev.lock
	$(UV_COMPILE) setup.cfg --extra local -c requirements-dev.lock -o requirements-local.lock
	$(UV_COMPILE) setup.cfg -c requirements-dev.lock -o requirements.lock

clean:
	rm -rf .venv build *.egg-info
