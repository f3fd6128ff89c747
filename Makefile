# Every target does its own set-up in .venv and needs only python3 (3.11 or newer) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Without cached bytecode every command compiles its libraries anew: importing Great Expectations 11 s, not 5 s.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo dev test test-all test-fast lint format bench docs lock clean

help: ## list these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $(READY)

demo: $(READY) ## start the pretend group, run the nightly job, print the 2024Q3 claims
	$(BIN)/jibao demo up
	$(BIN)/jibao nightly
	$(BIN)/jibao claims 2024Q3

dev: $(READY) ## the Dagster UI on http://127.0.0.1:3000 with the demo's systems running
	$(BIN)/jibao demo up
	$(BIN)/jibao dev

test: $(READY) ## unit, integration over loopback, end to end; under half an hour on two cores
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not extended"

test-all: $(READY) ## the same and the extended ones: other seeds and scales, a killed run, a rebuild, five weeks later
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

test-fast: $(READY) ## unit tests only, seconds
	$(BIN)/pytest -m "not slow and not integration and not extended"

lint: $(READY) ## ruff, mypy, one-way imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## rewrite to the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## time and memory of the nightly job, and where they go
	$(BIN)/python -m benchmarks.nightly

docs: $(READY) ## render the reference pages that tests compare
	$(BIN)/python -m pipelines.reference

lock: $(READY) ## resolve requirements.lock anew (exact versions and hashes, no index address)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --group dev --no-emit-index-url \
	  --generate-hashes --no-header pyproject.toml --output-file requirements.lock

clean: ## stop the demo and remove .jibao
	-@test ! -x $(BIN)/jibao || $(BIN)/jibao demo down
	rm -rf .jibao
