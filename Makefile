# Everything a person types. `make help` lists it. Each target sets up .venv first if it is not there.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
HOME_DIR := $(or $(CASE_CLOSURE_HOME),var)
DATE ?= 2017-08-10
SAMPLE_CASEGROUPS ?= 2000
COMMAND := $(BIN)/case-closure

.DEFAULT_GOAL := help
.PHONY: help setup nightly up down test lint format bench soak lock

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | column -t -s '|'

setup: $(STAMP) ## install what is pinned, with hashes, into .venv

$(STAMP): requirements.txt requirements-dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: '$(PYTHON)' was not found. Install it, or set PYTHON=/path/to/python3.11." >&2; exit 1; }
	@echo "Installing into $(VENV) (once; a minute or two)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# As constraints too: Python 3.11's own pip else looks for the newest of what is asked for with an extra, and finds it unpinned.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-dev.txt -c requirements.txt -c requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@# Once here, or every task and test compiles all it imports again where Python is told not to keep bytecode.
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib include > /dev/null || true
	@touch $@

nightly: $(STAMP) ## one night through Airflow, on the embedded database and sample data (DATE=2017-08-10)
	@if [ -z "$(CASE_CLOSURE_LANDING)" ] && [ ! -d "$(HOME_DIR)/landing" ]; then \
		echo "Making a sample landing zone"; \
		rm -rf "$(HOME_DIR)/landing.new" && mkdir -p "$(HOME_DIR)" && \
		$(COMMAND) sample --out "$(HOME_DIR)/landing.new" --from 2017-08-10 --nights 3 --casegroups $(SAMPLE_CASEGROUPS) --seed 1 >/dev/null && \
		mv "$(HOME_DIR)/landing.new" "$(HOME_DIR)/landing"; \
	fi
	@CASE_CLOSURE_COMMAND=$(COMMAND) $(COMMAND) nightly --date $(DATE)

up: $(STAMP) ## Airflow with its pages on loopback, the night scheduled; Ctrl-C stops it
	@exec $(COMMAND) up

down: $(STAMP) ## stop the embedded database
	@$(COMMAND) down

test: lint ## lint, types, import rules, all tests
	@# Each of its processes, and each that they start, would compile all it imports again where Python is told not to keep bytecode.
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations 15

lint: $(STAMP) ## ruff, mypy, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(STAMP) ## rewrite the code in the house's form
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

bench: $(STAMP) ## the figures, as ratios measured in one run; minutes
	@$(BIN)/python -m bench

soak: $(STAMP) ## many nights, each killed and run again, and a whole programme of 200; an hour
	@$(BIN)/python -m tests.simulation.soak
	@$(BIN)/python -m tests.simulation.programme
	@$(BIN)/python -m pytest -m soak tests/property tests/integration

lock: $(STAMP) ## pin requirements*.in again, with hashes
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --python-version 3.11 requirements.in -o requirements.txt
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --python-version 3.11 requirements-dev.in -o requirements-dev.txt
