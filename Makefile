# `make help` lists what there is. Everything installs itself; `make up` and `make test` are the two to know.
PYTHON ?= python3
STACK ?= local
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
BIN := .venv/bin
READY := .venv/.ready

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(READY) ## Run everything here, without AWS: ends with the load balancer's answer
	@$(BIN)/python -m local up

refresh: $(READY) ## As `up`, but first read what really runs and repair drift
	@$(BIN)/python -m local up --refresh

preview: $(READY) ## Preview a stack offline with the policy pack: make preview STACK=dev
	@$(BIN)/python -m local preview --stack $(STACK)

status: $(READY) ## Service, tasks, target health, image, address
	@$(BIN)/python -m local status

logs: $(READY) ## Log of the tasks; FOLLOW=1 keeps reading
	@$(BIN)/python -m local logs $(if $(FOLLOW),--follow)

shell: $(READY) ## Shell in a running task's container
	@$(BIN)/python -m local shell

down: $(READY) ## Remove everything that `up` made
	@$(BIN)/python -m local down

image: $(READY) ## Build the image alone
	@$(BIN)/python -m local.image build

image-run: $(READY) ## Run the image alone as h4b-local-run on http://localhost:8080
	@$(BIN)/python -m local.image run

image-shell: $(READY) ## Shell in h4b-local-run
	@$(BIN)/python -m local.image shell

image-stop: $(READY) ## Stop and remove h4b-local-run
	@$(BIN)/python -m local.image stop

check: $(READY) ## Format, lint, types, unit and policy tests: the loop of every day, needs neither Docker nor engine
	@$(BIN)/ruff format --check --quiet . || { echo 'format: run `make format`'; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/python -m pytest -m 'not engine and not docker'

test: $(READY) ## Everything: `check`, then the tests with the real engine and real containers
	@$(BIN)/python -m tests

bench: $(READY) ## Measure up, preview and policies against their floor
	@$(BIN)/python -m tests.local.bench

chaos: $(READY) ## Break the local stack under load, in every way there is, and report; KILLS=3 is quicker than 20
	@$(BIN)/python -m tests.local.chaos $(if $(KILLS),--kills $(KILLS))

format: $(READY) ## Format the code
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

docs: $(READY) ## Generate the generated documents again
	@$(BIN)/python -m docs

lock: $(READY) ## Compile the hash-pinned requirements from pyproject.toml
	@lock() { $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header "$$@"; }; \
	lock pyproject.toml -o requirements.txt && \
	lock pyproject.toml --group local --group dev -o requirements-dev.txt && \
	lock --group setup -o requirements-setup.txt && \
	lock policy/pyproject.toml -o policy/requirements.txt

setup: $(READY) ## Install the virtual environments only
$(READY): requirements-setup.txt requirements-dev.txt policy/requirements.txt policy/pyproject.toml
	@echo '… virtual environments from the locks'
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	|| { echo "error: Python: $$($(PYTHON) -V 2>&1), 3.10 or newer is needed; run make PYTHON=python3.12 up" >&2; exit 1; }
	@test -x .venv/bin/pip || $(PYTHON) -m venv .venv \
	|| { rm -rf .venv; echo 'error: Python has no venv module; apt-get install python3-venv' >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-setup.txt
	@$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements-dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable policy
	@test -x policy/.venv/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python policy/.venv
	@$(BIN)/uv pip sync --quiet --require-hashes --python policy/.venv/bin/python policy/requirements.txt
	@touch $@

clean: ## `down`, then remove the virtual environments and all local state; the engine stays in the user's cache
	@if [ -e $(READY) ]; then $(BIN)/python -m local down; fi
	@rm -rf .venv policy/.venv .local .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -prune -exec rm -rf {} +

.PHONY: help up refresh preview status logs shell down image image-run image-shell image-stop check test bench chaos format docs lock setup clean
