# Targets for people and for CI. `make` alone lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup console console-types demo serve test check format fuzz screenshots bench testbed clean

UV_VERSION := 0.13.9
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
UV := UV_PROJECT_ENVIRONMENT=.venv UV_PYTHON_DOWNLOADS=never .venv/bin/uv
FUZZ_SECONDS ?= 60
# Processes of the test bed.
JOBS ?= 2
# Tests without processes of their own; they run beside the others, for which there are two cores.
IN_PROCESS := tests/unit tests/vectors tests/contract tests/http
COMMA := ,

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready .venv/.console ## Make .venv with everything that is needed, versions from uv.lock

.venv/.ready: pyproject.toml uv.lock
	@test -n "$(PYTHON)" || { echo "Roadstead needs Python 3.11 or newer with venv; none was found on the PATH." >&2; exit 1; }
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(UV) sync --quiet --locked --inexact
	@touch $@

CONSOLE_SOURCES := $(shell find console -type f -not -path 'console/node_modules/*' -not -name .installed)

# Without the npm registry everything but the console works; the page at / then says so.
.venv/.console: .venv/.ready $(CONSOLE_SOURCES)
	@.venv/bin/python console/build.py && touch $@ || \
		{ test -z "$$CI" && echo "The console was not built (see above); the page at / says so. Try: make console" >&2; }

console: .venv/.ready ## Build the console into the package
	@.venv/bin/python console/build.py && touch .venv/.console

console-types: .venv/.ready ## Write the console's types from the table of operations
	@.venv/bin/python console/write_openapi.py
	@.venv/bin/python console/build.py npm run --silent types

demo: setup ## Start a server with 25 simulated fridges and show what happens (Ctrl-C ends it)
	@.venv/bin/roadstead demo

serve: setup ## Start the server with its data in ./roadstead-data
	@.venv/bin/roadstead serve

test: setup ## Run a short fuzz and all tests
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=15
	@.venv/bin/python console/build.py npm run --silent test -- --silent || test -z "$$CI"
	@$(MAKE) --no-print-directory -j3 --output-sync=target test-within test-beyond test-browser

.PHONY: test-within test-beyond test-browser
test-within: # Tests without processes of their own
	@.venv/bin/python -m pytest $(IN_PROCESS)

test-beyond: # Tests with processes, sockets, kills, official clients; they wait more than they work
	@.venv/bin/python -m pytest $(addprefix --ignore=,$(IN_PROCESS) tests/browser)

test-browser: # Tests in a browser
	@.venv/bin/python -m pytest tests/browser

check: setup ## Formatting, lint, types, import rules
	@.venv/bin/ruff format --check src tests fuzz bench console hatch_build.py
	@.venv/bin/ruff check src tests fuzz bench console hatch_build.py
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/python console/build.py npm run --silent lint

format: setup ## Put the code into its one format
	@.venv/bin/ruff format src tests fuzz bench console hatch_build.py
	@.venv/bin/ruff check --fix src tests fuzz bench console hatch_build.py

fuzz: setup ## Coverage-guided fuzzing of the decoders and the DTLS server (FUZZ_SECONDS=60 each)
	@$(UV) sync --quiet --locked --inexact --group fuzz || echo "No fuzzing engine for this Python; the fuzz targets will say so."
	@for target in fuzz/*.py; do echo "fuzzing $$target for $(FUZZ_SECONDS) s"; \
		.venv/bin/python $$target -max_total_time=$(FUZZ_SECONDS) || exit 1; done

screenshots: setup ## Take a picture of every page of the console (needs a Chromium)
	@.venv/bin/python -m tests.browser.screenshots

bench: setup ## Measure the server beside its peers, write docs/performance.md (QUICK=1: a minute)
	@$(UV) sync --quiet --locked --inexact --group bench
	@.venv/bin/python -m bench $(if $(QUICK),--quick)

testbed: setup ## Roll good and bad versions out over modelled fleets (QUICK=1: a minute; else an hour)
	@.venv/bin/roadstead testbed --jobs $(JOBS) $(if $(QUICK),--devices 200 --good 4 --shaken 2 --bad 2,--devices 200$(COMMA)2000 --out docs/rollout-figures.md)

clean: ## Remove what the targets made
	rm -rf .venv console/node_modules console/.installed src/roadstead/console/static .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis dist build
