# `make demo` and `make test` set everything up by themselves.
PYTHON ?= python3
BIN := .venv/bin

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[sandbox,dev]'
	touch $@

.PHONY: demo test lint soak faults clean
demo: .venv/ready
	@$(BIN)/python tests/demo.py

test: lint
	$(BIN)/python -m pytest

# Kills the sandbox 200 times while it works; takes about 20 minutes.
soak: .venv/ready
	$(BIN)/python -m tests.soak

# Crosses every fault of the network with the commands of docs/faults.md; takes about 20 minutes.
faults: .venv/ready
	$(BIN)/python -m tests.matrix

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check de_tasks tests
	$(BIN)/mypy de_tasks tests bench
	$(BIN)/lint-imports

clean:
	rm -rf .venv .demo dist
