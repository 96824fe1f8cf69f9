# `make demo` and `make test` set everything up by themselves.
PYTHON ?= python3
BIN := .venv/bin
# For `make test` and `make quick`: the order of an earlier run, and how many processes share the work.
SEED ?=
WORKERS ?= 6
# With COVERAGE=1, `make test` prints which lines no test runs, in no process.
COVERAGE ?=
# What also runs on Windows.
CLIENT = $(filter-out de_tasks/server/ de_tasks/__pycache__/,$(wildcard de_tasks/*.py de_tasks/*/))
PYTEST = -m pytest -n $(WORKERS) $(if $(SEED),-p randomly --randomly-seed=$(SEED))

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python -m tests.support.install
	touch $@

.PHONY: demo test suite quick lint style types wheels soak faults site clean
demo: .venv/ready
	@$(BIN)/python -m tests.scenarios.demo

# The types beside the tests, and beside what the tests wait for: they take a minute on one core.
test: style
	@$(MAKE) --no-print-directory -j2 types suite

suite: wheels
ifdef COVERAGE
	$(BIN)/coverage erase
	$(BIN)/coverage run $(PYTEST)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
else
	$(BIN)/python $(PYTEST)
endif

# What starts no sandbox, installs nothing and takes no time. Little here waits: of two processes one would wait
# while the other works, and a fourth would only collect the tests once more.
quick: WORKERS = 3
quick: .venv/ready
	$(BIN)/python $(PYTEST) --quick

# Kills the sandbox 200 times while it works; takes about 20 minutes.
soak: .venv/ready
	$(BIN)/python -m tests.scenarios.soak

# Crosses every fault of the network with the commands of docs/faults.md; takes about 20 minutes.
faults: .venv/ready
	$(BIN)/python -m tests.scenarios.matrix

# The packages that the tests install, fetched once for a checkout, and the tests compiled, which each of the
# processes would do for itself.
wheels: .venv/ready
	@$(BIN)/python -m tests.support.wheelhouse
	@$(BIN)/python -m pytest --quiet --collect-only -n 0 >/dev/null

lint: style types

style: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check de_tasks tests

# Each system has a cache of its own: one would throw away what another has just written.
types: .venv/ready
	$(BIN)/mypy de_tasks tests bench
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 --follow-imports silent $(CLIENT)
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin --follow-imports silent $(CLIENT)
	$(BIN)/lint-imports

# The documentation as a site: open site/index.html.
site: .venv/ready
	$(BIN)/zensical build --strict --clean

clean:
	rm -rf .venv .demo .wheels dist site .cache
	rm -f .coverage .coverage.*
