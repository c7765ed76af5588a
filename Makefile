# Everything starts here, from a fresh clone: each target first gets what it lacks (uv, the locked packages, a Temporal
# server), once. Needed beforehand: GNU make, Python 3.11 or newer, and the way to PyPI.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo up cluster test quick check pythons mutants chaos fuzz bench fmt histories tools lint format types mypy pyright imports lock audit

BIN := .venv/bin
SYNCED := .venv/.synced
TEMPORAL := .tools/.temporal
# Tests wait more than they work, so more of them than two cores; each process starts its own servers.
PARALLEL := $(BIN)/pytest -n 4 --dist loadgroup
UV := $(or $(shell command -v uv 2>/dev/null),.tools/uv/bin/uv)
ARGS ?=

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 10

demo: $(SYNCED) $(TEMPORAL) ## watch cycles on the paper exchanges, from nothing to a checked ledger
	$(BIN)/kimp demo $(ARGS)

up: $(SYNCED) $(TEMPORAL) ## run the whole system here, until Ctrl-C
	$(BIN)/kimp up $(ARGS)

cluster: $(SYNCED) ## the same on real servers, a Temporal of four roles included, until Ctrl-C; Debian. ARGS="--once"
	PYTHONPATH=tests $(BIN)/python -m cluster $(ARGS)

test: $(SYNCED) $(TEMPORAL) ## all tests; ARGS="-k name" for some
ifdef ARGS
	$(BIN)/pytest $(ARGS)
else
	@code=0; set -x; \
		$(PARALLEL) -m "not alone" || code=$$?; \
		$(BIN)/pytest -m alone || code=$$?; \
		exit $$code
endif

quick: $(SYNCED) ## the tests that start no Temporal: unit, property, architecture, contract
	$(PARALLEL) tests/unit tests/property tests/architecture tests/contract

check: lint format types imports lock ## what must hold before a commit, besides the tests

pythons: $(UV) ## unit and property tests on other Pythons; ARGS="3.12 3.13", or paths of interpreters
	set -e; for python in $(or $(ARGS),3.12 3.13 3.14); do \
		$(UV) run --isolated --locked --python $$python pytest -q -n 4 -p no:cacheprovider tests/unit tests/property; done

mutants: $(SYNCED) $(TEMPORAL) ## break kimp by one line at a time: does a test notice? ARGS="orders sql", or "--sample 20 --seed 7"
	PYTHONPATH=tests $(BIN)/python tests/mutations/run.py $(ARGS)

chaos: $(SYNCED) $(TEMPORAL) ## kill, cut and fail everything by seed, then audit; ARGS="--seed 7 --size small"
	PYTHONPATH=tests $(BIN)/python -m chaos $(ARGS)

bench: $(SYNCED) $(TEMPORAL) ## measure latency and throughput
	PYTHONPATH=tests $(BIN)/python -m bench $(ARGS)

fuzz: $(SYNCED) ## changed inputs for every parser of foreign bytes, five minutes; ARGS="--minutes 1 binance rules"
	PYTHONPATH=tests $(BIN)/python -m fuzz $(ARGS)

fmt: $(SYNCED) ## format, and mend what ruff can mend
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

histories: $(SYNCED) $(TEMPORAL) ## record the histories that the replay tests replay; ARGS="branch" for some
	PYTHONPATH=tests $(BIN)/python tests/replay/record.py $(ARGS)

tools: $(SYNCED) $(TEMPORAL) ## only get what the other targets need

lint: $(SYNCED)
	$(BIN)/ruff check .

format: $(SYNCED)
	$(BIN)/ruff format --check .

types: mypy pyright

mypy: $(SYNCED)
	$(BIN)/mypy

pyright: $(SYNCED)
	$(BIN)/pyright

imports: $(SYNCED)
	$(BIN)/lint-imports

lock: $(UV)
	$(UV) lock --check

# uv ends with 1 where it found something and with 2 where it could not look; nothing found is then not the same as nothing there.
audit: $(UV) ## known vulnerabilities of the locked packages, asked of osv.dev
	@said=$$(UV_HTTP_TIMEOUT=10 UV_HTTP_RETRIES=1 $(UV) audit --locked --preview-features audit-command $(ARGS) 2>&1); code=$$?; \
	case "$$code $$said" in \
		"2 "*api.osv.dev*) echo "kimp: nothing was audited, api.osv.dev can't be asked from here: $$(echo "$$said" | tail -n 1)" >&2;; \
		*) echo "$$said";; \
	esac; exit $$code

# Compiled at once: where PYTHONDONTWRITEBYTECODE is set, every process would compile thousands of modules anew.
$(SYNCED): pyproject.toml uv.lock | $(UV)
	@echo "installing the locked packages into .venv"
	@$(UV) sync --locked --quiet --compile-bytecode
	@touch $@

# The program finds or fetches a server and says which; the stamp only spares asking again.
$(TEMPORAL): deploy/temporal/devserver/go.mod deploy/temporal/devserver/go.sum | $(SYNCED)
	@$(BIN)/python -m kimp.adapters.temporal.devserver_binary
	@mkdir -p $(@D) && touch $@

.tools/uv/bin/uv:
	@echo "no uv on PATH, installing it into .tools/uv"
	@python3 -m venv .tools/uv && .tools/uv/bin/pip install --quiet --disable-pip-version-check uv || { rm -rf .tools/uv; \
		echo "kimp: cannot install uv with python3 and pip; install it by hand: https://docs.astral.sh/uv" >&2; exit 1; }
