# The two commands of the README: `make demo` runs the main job, `make test` runs the tests.
# Each sets up all it needs in .venv; a second call finds it there and is fast.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
XDIST ?= -n 2 --dist worksteal

.PHONY: demo test check format lint types setup setup-gp setup-tensorboard setup-servers bench clean

demo: setup
	@echo "==> a real hyperparameter search on this machine, 2 runs at a time"
	$(BIN)/xt demo

test: setup-gp setup-tensorboard setup-servers check
	@command -v tmux >/dev/null || { echo "tmux is missing: install it (apt-get install tmux, brew install tmux)"; exit 1; }
	@PATH="$$PATH:/usr/sbin:/usr/local/sbin" command -v sshd >/dev/null || { echo "sshd is missing: install it (apt-get install openssh-server)"; exit 1; }
	@echo "==> tests"
	$(BIN)/pytest $(XDIST) $(PYTEST_ARGS)

check: lint types

lint: setup
	@echo "==> formatting and lint"
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup
	@echo "==> types"
	$(BIN)/mypy

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup setup-servers
	@for script in benchmarks/*.py; do echo "==> $$script"; env -u PYTHONDONTWRITEBYTECODE $(BIN)/python $$script; done

setup: $(VENV)/.installed

setup-gp: $(VENV)/.installed-gp

setup-tensorboard: $(VENV)/.installed-tensorboard

setup-servers: $(VENV)/.installed-servers

$(VENV)/.installed: pyproject.toml requirements.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is missing: install it first"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "XT needs Python 3.11 or later; $(PYTHON) is older. Use: make PYTHON=/path/to/python3.11"; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing: install it (apt-get install python3-venv)"; exit 1; }
	@echo "==> setting up $(VENV) with $$("$(PYTHON)" --version)"
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q xt_core controller xt_tui
	@touch $@

$(VENV)/.installed-gp: $(VENV)/.installed requirements-gp.lock
	@echo "==> setting up PyTorch, for the Gaussian process search"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-gp.lock
	@touch $@

$(VENV)/.installed-tensorboard: $(VENV)/.installed requirements-tensorboard.lock
	@echo "==> setting up tensorboardX, which writes TensorBoard's event files"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-tensorboard.lock
	@touch $@

$(VENV)/.installed-servers: $(VENV)/.installed requirements-servers.lock tests/servers/package-lock.json
	@echo "==> setting up the servers that tests run against: MongoDB, Azurite"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-servers.lock
	@mkdir -p $(VENV)/azurite
	@cp tests/servers/package.json tests/servers/package-lock.json $(VENV)/azurite
	PATH="$(abspath $(BIN)):$$PATH" npm ci --prefix $(VENV)/azurite --omit=dev --no-audit --no-fund --loglevel=error
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache
