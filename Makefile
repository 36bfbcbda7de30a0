# `make help` lists what there is. Everything installs itself; `make up` and `make test` are the two to know.
PYTHON ?= python3
STACK ?= local
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
BIN := .venv/bin
# The SDKs are large: where Python may not keep their byte code, every start compiles them anew, for seconds.
export PYTHONDONTWRITEBYTECODE :=
READY := .venv/.ready
POLICIES := --policy-pack policy --policy-pack-config policy-config.json
# What AWS and applications say must not be a command to GitHub's runner, which obeys lines of a step's output until it is told to stop.
NO_COMMANDS := test -z "$$GITHUB_ACTIONS" || echo "::stop-commands::$$(od -An -N16 -tx1 /dev/urandom | tr -d ' ')"

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(READY) ## Run everything here, without AWS: ends with the load balancer's answer
	@$(BIN)/python -m local up

refresh: $(READY) ## As `up`, but first read what really runs and repair drift
	@$(BIN)/python -m local up --refresh

preview: $(READY) ## Preview offline, with policies and deploy risk: make preview STACK=dev FAIL_ON=interrupts, or PROGRAM=examples/worker; ALL=1 lists each resource, JSON=1 is for scripts
	@$(BIN)/python -m local preview $(if $(PROGRAM),--program $(PROGRAM),--stack $(STACK)) $(if $(FAIL_ON),--fail-on $(FAIL_ON)) $(if $(PRICES),--prices $(PRICES)) $(if $(MARKDOWN),--markdown $(MARKDOWN)) $(if $(RECORD),--record $(RECORD)) $(if $(ALL),--all) $(if $(JSON),--json)

picture: $(READY) ## Draw a stack from its resources, offline: make picture STACK=dev writes docs/pictures/dev.svg
	@$(BIN)/python -m local preview --stack $(STACK) --picture docs/pictures/$(STACK).svg

risk: $(READY) ## Judge previews that were made elsewhere by the rules here: make risk PREVIEWS=folder, where each has one with events.jsonl and plan.json
	@report="$(or $(MARKDOWN),/dev/null)"; failed=0; found=0; \
	for preview in $(PREVIEWS)/*/; do \
	  test -e "$$preview" || continue; found=1; name=$$(basename "$$preview"); \
	  $(BIN)/python -m risk "$$preview/events.jsonl" --plan "$$preview/plan.json" --title "Deploy risk of $${name#*-}" --markdown "$$preview/report.md" \
	  $(if $(FAIL_ON),--fail-on $(FAIL_ON)) $(if $(PRICES),--prices $(PRICES)) || failed=1; \
	  cat "$$preview/report.md" >> "$$report" || failed=1; \
	done; \
	test $$found = 1 || { echo 'error: PREVIEWS: got $(PREVIEWS) without a folder, expected one for each preview; see the run that made them' >&2; exit 1; }; \
	exit $$failed

plan: $(READY) ## Preview against AWS with policies, deploy risk and a saved plan: make plan STACK=prod FAIL_ON=interrupts
	@rm -rf .plan/$(STACK); mkdir -p .plan/$(STACK)
	@$(NO_COMMANDS)
	@PULUMI_DEBUG_COMMANDS=true pulumi preview --stack $(STACK) --refresh --diff --non-interactive --color never $(POLICIES) \
	--save-plan .plan/$(STACK)/plan.json --event-log .plan/$(STACK)/events.jsonl; previewed=$$?; \
	test ! -e .plan/$(STACK)/plan.json || $(BIN)/python -m risk.plan .plan/$(STACK)/plan.json; \
	$(BIN)/python -m risk .plan/$(STACK)/events.jsonl --title "Deploy risk of $(STACK)" --markdown .plan/$(STACK)/report.md \
	$(if $(FAIL_ON),--fail-on $(FAIL_ON)) $(if $(PRICES),--prices $(PRICES)); judged=$$?; \
	test ! -e .plan/$(STACK)/plan.json || echo "Plan: SHA-256 $$(sha256sum < .plan/$(STACK)/plan.json | cut -d' ' -f1)" | tee -a .plan/$(STACK)/report.md; \
	test $$judged = 0 && exit $$previewed

seal: $(READY) ## Encrypt the saved plan by the stack's key, so that who may deploy the stack reads it and nobody else: make seal STACK=prod
	@cp Pulumi.$(STACK).yaml .plan/$(STACK)/sealed.yaml
	@pulumi config set plan --secret --stack $(STACK) --config-file .plan/$(STACK)/sealed.yaml < .plan/$(STACK)/plan.json

unseal: $(READY) ## The plan that `make seal` encrypted, if it is the one that was approved: make unseal STACK=prod PLAN_SHA256=...
	@printf %s "$$(pulumi config get plan --stack $(STACK) --config-file .plan/$(STACK)/sealed.yaml)" > .plan/$(STACK)/plan.json
	@echo '$(PLAN_SHA256)  .plan/$(STACK)/plan.json' | sha256sum --check --quiet --strict \
	|| { rm .plan/$(STACK)/plan.json; echo 'error: PLAN_SHA256: got $(PLAN_SHA256), expected that of the plan; this is not the plan that was approved' >&2; exit 1; }
	@echo 'Plan: SHA-256 $(PLAN_SHA256)'

deploy: $(READY) ## Deploy to AWS, by the plan that `make plan` saved or else after a preview: make deploy STACK=prod
	@$(NO_COMMANDS)
	@plan=.plan/$(STACK)/plan.json; test ! -e $$plan || set -- --skip-preview --plan $$plan; \
	pulumi up --stack $(STACK) --refresh --yes --non-interactive $(POLICIES) "$$@" && rm -rf .plan/$(STACK)

drift: $(READY) ## Fail where AWS no longer looks as the state says: make drift STACK=prod
	@$(NO_COMMANDS)
	@pulumi refresh --stack $(STACK) --preview-only --expect-no-changes --diff --non-interactive

approve: $(READY) ## Let a deployment that waits for approval go on: make approve STACK=prod; YES=1 does not ask
	@$(BIN)/python -m operations approve --stack $(STACK) $(if $(YES),--yes)

abort: $(READY) ## Roll back the deployment that is under way: make abort STACK=prod; YES=1 does not ask
	@$(BIN)/python -m operations abort --stack $(STACK) $(if $(YES),--yes)

rename: $(READY) ## Make this checkout a project of another name: make rename NAME=shop
	@$(BIN)/python -m tools.rename '$(NAME)'

environment: $(READY) ## A stack file for a new environment: make environment NAME=staging FROM=dev
	@$(BIN)/python -m environment '$(NAME)' '$(or $(FROM),dev)'

bootstrap: $(READY) ## Once an AWS account: states, keys, roles for GitHub: make bootstrap REPOSITORY=owner/name REVIEWERS=octocat
	@REPOSITORY='$(REPOSITORY)' REPOSITORY_ID='$(REPOSITORY_ID)' ENVIRONMENTS='$(ENVIRONMENTS)' REVIEWERS='$(REVIEWERS)' \
	$(BIN)/python -m bootstrap.command

guarded: $(READY) ## Fail where nobody has to approve what GitHub deploys: make guarded ENVIRONMENT=prod
	@$(BIN)/python -m bootstrap.github guarded $(ENVIRONMENT)

status: $(READY) ## Service, tasks, target health, image, address; JSON=1 is for scripts
	@$(BIN)/python -m local status $(if $(JSON),--json)

logs: $(READY) ## Log of the tasks; FOLLOW=1 keeps reading
	@$(BIN)/python -m local logs $(if $(FOLLOW),--follow)

shell: $(READY) ## Shell in a running task's container
	@$(BIN)/python -m local shell

down: $(READY) ## Remove what `up` made; the layers of the image stay, for the next build
	@$(BIN)/python -m local down

image: $(READY) ## Build the image alone; CACHE=folder keeps its layers for a Docker that has none
	@$(BIN)/python -m local.image build $(if $(CACHE),--cache $(CACHE))

newest-base: $(READY) ## Pin image.base to the digest that its tag has in the registry today
	@$(BIN)/python -m local.newest_base

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
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile -m 'not engine and not docker and not emulator and not fuzz'

quick: $(READY) ## Format, lint, types, and the tests that name what changed since the main branch
	@$(BIN)/python -m tests.quick

test: $(READY) ## Everything: `check`, then the tests with the real engine and real containers
	@$(BIN)/python -m tests

fuzz: $(READY) ## Draw configurations and hold what they make against AWS's models: make fuzz COUNT=20000 SEED=1
	@$(BIN)/python -m tests.configurations $(or $(COUNT),20000) $(or $(SEED),1)

bench: $(READY) ## Measure up, preview and policies against their floor
	@$(BIN)/python -m tests.local.bench
	@$(BIN)/python -m tests.policy.benchmark

chaos: $(READY) ## Break the local stack under load, in every way there is, and report; KILLS=3 is quicker than 20
	@$(BIN)/python -m tests.local.chaos $(if $(KILLS),--kills $(KILLS))

format: $(READY) ## Format the code
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

docs: $(READY) ## Generate the generated documents again
	@$(BIN)/python -m docs

instance-types: $(READY) ## The policy pack's table of EC2 instance types, from a newer moto if you raise its version here
	@PYTHONPATH=. $(BIN)/uv run --quiet --no-project --isolated --with moto==5.2.5 python -m tests.policy.record_instance_types

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
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-setup.txt
	@$(BIN)/uv pip sync --quiet --require-hashes --only-binary :all: --python $(BIN)/python requirements-dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable policy
	@test -x policy/.venv/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python policy/.venv
	@$(BIN)/uv pip sync --quiet --require-hashes --only-binary :all: --python policy/.venv/bin/python policy/requirements.txt
	@touch $@

clean: ## `down` with the image's layers, virtual environments and local state; engine and base image, which checkouts share, stay
	@if [ -e $(READY) ]; then $(BIN)/python -m local down --layers; fi
	@rm -rf .venv policy/.venv .local .plan .previews .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -prune -exec rm -rf {} +

# Every target with a description is a command, not a file.
.PHONY: $(shell awk -F: '/^[a-z-]+:.*## / {print $$1}' $(firstword $(MAKEFILE_LIST)))
