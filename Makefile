# Every task of this repository; `make help` lists them. Needs GNU make, a POSIX shell and Python 3.11 or newer, nothing
# else: each target sets up what it needs in .venv from the locks, once.

PYTHON ?= python3
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PEERS := build/peers
WORKERS ?= logical
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCKED := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet
INPUTS := pyproject.toml locks/build.in

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo up down test test-kafka test-deep mutation fuzz bench check lint format types imports generated
.PHONY: generate lock audit clean

help: ## list the targets
	@awk -F ':.*## ' '/^## / { print "\n" substr($$0, 4) } \
	  /^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

## Running it

demo: $(VENV)/for-use ## start everything, play a year of a province through it, show the result, end by itself
	@$(BIN)/tiendo demo $(ARGS)

up: $(VENV)/for-use ## start everything and stay, data kept in .tiendo (BROKER=kafka: on Apache Kafka)
	@$(BIN)/tiendo up $(if $(BROKER),--broker $(BROKER)) $(ARGS)

down: $(VENV)/for-use ## end what `make up` started
	@$(BIN)/tiendo down $(ARGS)

## Checking it

test: $(VENV)/for-development ## run the tests side by side (ARGS="-k name" chooses, WORKERS=0 runs one after the other)
	@$(BIN)/pytest -m "not slow" -n $(WORKERS) --maxprocesses 4 --dist loadfile $(ARGS)

test-kafka: $(VENV)/for-development ## run the tests on Apache Kafka, from its jars or in a container
	@TIENDO_TEST_BROKER=kafka $(BIN)/pytest -m "not slow" $(ARGS)

test-deep: $(VENV)/for-development ## run all tests, the slow ones too, and let property tests try harder
	@TIENDO_TEST_DEEP=1 $(BIN)/pytest -o faulthandler_timeout=3600 $(ARGS)

mutation: $(VENV)/for-development ## change the arithmetic and see whether a test notices (MUTANTS="services.metrics.plan.* …" chooses)
	@nice -n 19 $(BIN)/python -P tests/mutation.py $(MUTANTS)

fuzz: $(VENV)/for-development ## let atheris look for bytes that break a decoder (SECONDS=60, TARGETS="kafka http")
	@$(BIN)/python -m tests.fuzz $(or $(SECONDS),60) $(TARGETS)

bench: $(VENV)/for-development $(PEERS)/ready ## measure (BENCH="name …" chooses); results in build/bench.json
	@$(BIN)/python -m tests.bench $(BENCH)

check: lint types imports generated test ## everything that must hold before a change goes in

lint: $(VENV)/for-development ## ruff: mistakes and format
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

format: $(VENV)/for-development ## ruff: correct what it can, and format
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

types: $(VENV)/for-development ## mypy, strict
	@$(BIN)/mypy

imports: $(VENV)/for-development ## import-linter: layers and purity
	@$(BIN)/lint-imports

generated: $(VENV)/for-development ## whether the committed generated files are what the code generates
	@$(BIN)/python -m contracts check
	@$(BIN)/python -m services.gateway.openapi check

## Changing it

generate: $(VENV)/for-development ## write the generated files anew: schemas, AsyncAPI, OpenAPI, table of settings
	@$(BIN)/python -m contracts export
	@$(BIN)/python -m services.runtime.catalog.files deploy/catalogs/schemas
	@$(BIN)/python -m services.gateway.openapi
	@$(BIN)/python -m docs.generate_settings

lock: $(VENV)/for-development ## write the locks anew (UPGRADE=1: with the newest versions)
	@for lock in "runtime" "embedded --extra embedded" "dev --all-extras"; do \
	  set -- $$lock; name=$$1; shift; \
	  $(BIN)/uv pip compile $(LOCKED) $(if $(UPGRADE),--upgrade) "$$@" $(INPUTS) --output-file "locks/$$name.lock" || exit 1; \
	done
	@$(BIN)/uv pip compile $(LOCKED) $(if $(UPGRADE),--upgrade) locks/peers.in --output-file locks/peers.lock

audit: $(VENV)/for-development ## whether a locked package has a known weakness (asks a public database)
	@$(BIN)/pip-audit --require-hashes --disable-pip --requirement locks/runtime.lock

clean: ## remove what can be made again (not .tiendo, where `make up` keeps its data)
	@rm -rf $(VENV) build dist mutants .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -type d -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

# The environment. A stamp for each lock; what was set up for development serves for use too.

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "$(PYTHON) was not found: install Python 3.11 or newer, or name one with \`make PYTHON=…\`." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed and $(PYTHON) is $$($(PYTHON) -V 2>&1): name another with \`make PYTHON=python3.11\`." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "No virtual environment could be made; on Debian and Ubuntu \`apt-get install python3-venv\` brings what is missing." >&2; exit 1; }

$(VENV)/for-use: $(BIN)/python locks/embedded.lock pyproject.toml
	@if [ -e $(VENV)/for-development ] && [ -z "$$(find locks/dev.lock pyproject.toml -newer $(VENV)/for-development)" ]; then \
	  touch $@; \
	else \
	  $(call install,embedded); \
	fi

$(VENV)/for-development: $(BIN)/python locks/dev.lock pyproject.toml
	@$(call install,dev)

# What metrics is compared with, apart from us: Quix Streams does not go together with the pydantic that we use.
$(PEERS)/ready: locks/peers.lock
	@echo "Setting up $(PEERS) from locks/peers.lock, once." >&2
	@rm -rf $(PEERS) && $(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement locks/peers.lock
	@touch $@

define install
echo "Setting up $(VENV) from locks/$(1).lock; this takes a minute, once." >&2 && \
$(PIP) install --require-hashes --requirement locks/$(1).lock && \
$(PIP) install --no-deps --no-build-isolation --editable . && \
touch $@
endef
