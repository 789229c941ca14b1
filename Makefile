# `make` alone lists what there is. Every target sets up what it needs first (tools/setup); a second run only looks.

.DEFAULT_GOAL := help
.PHONY: help demo test check bench locum lock setup
MAKEFLAGS += --no-print-directory
export PYTHON YES
python := .venv/bin/python

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-14s%s\n", $$1, $$2 }'

demo: ## the story on a real mail host, then you play it until Ctrl-C; ONCE=1 stops after the story
	@tools/setup demo
	@.venv/bin/locum demo $(if $(ONCE),--once)

test: ## everything, servers and browser included; the last line counts
	@tools/setup test
	@tools/run-tests $(ARGS)

check: ## format, lint, types, house, docs and fast tests; under two minutes
	@tools/setup check
	$(python) -m ruff format --check .
	$(python) -m ruff check .
	$(python) -m mypy
	.venv/bin/lint-imports --no-logo
	$(python) -m pytest -n 2 -m "not slow" $(ARGS)

bench: ## the table of docs/bench.md and bench.json; ONLY=name for one row
	@tools/setup test
	@$(python) -m bench $(ONLY)

locum: ## Locum itself in .venv, to run it (docs/operate.md)
	@tools/setup locum
	@echo "Installed: $(CURDIR)/.venv/bin/locum"

lock: ## requirements*.txt anew from pyproject.toml
	@tools/setup check
	@tools/lock

setup: ## only what `make test` needs, without running anything
	@tools/setup test
