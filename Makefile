# Everything is installed into .venv, pinned by constraints.txt. `make help` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: help demo test check bench bench-commands fuzz bench-quarter bench-incidents bench-eyes bench-replay chaos soak clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

demo: $(STAMP) ## ingest the sample exports, evaluate all rules, mail through a local SMTP server, show what was sent
	$(BIN)/storewatch demo demo

test: $(STAMP) ## all tests (PostgreSQL ones need STOREWATCH_TEST_POSTGRES)
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

check: $(STAMP) ## lint, types, and the shipped rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/storewatch check

bench: $(STAMP) ## speed against hand-written SQL (minutes)
	$(BIN)/python benchmarks/matching.py
	$(BIN)/python benchmarks/correlation.py
	$(BIN)/python benchmarks/shipped_incidents.py

bench-commands: $(STAMP) ## how long the commands take that people wait for (a minute)
	$(BIN)/python benchmarks/commands.py --tests

fuzz: $(STAMP) ## ten minutes of random and mutilated rules (longer: make fuzz MINUTES=60); crashes are saved in fuzz-crashes/
	$(BIN)/python benchmarks/fuzz.py --minutes $(or $(MINUTES),10) --seed $(or $(SEED),0)

bench-eyes: $(STAMP) ## how well and how fast prices are read from 600 made-up pictures (ten minutes)
	$(BIN)/python benchmarks/eyes.py
	$(BIN)/python benchmarks/eyes.py --speed 60

bench-quarter: $(STAMP) ## recall and precision of every rule over 50 simulated stores and 90 days (half an hour)
	$(BIN)/python benchmarks/quarter.py

bench-incidents: $(STAMP) ## messages with and without incident rules over the same quarter (half an hour)
	$(BIN)/python benchmarks/incidents.py

bench-replay: $(STAMP) ## how long a replay of 30, 90, 365 days takes for 500, 2,000, 8,000 stores (hours); and a simulated month, verified
	$(BIN)/python benchmarks/verify.py
	$(BIN)/python benchmarks/replay.py

chaos: $(STAMP) ## kill daemons at every fault point and 200 times at random, on SQLite and (STOREWATCH_TEST_POSTGRES) PostgreSQL (an hour)
	STOREWATCH_EVERY_POINT=1 $(BIN)/python -m pytest --timeout 7200 tests/crash/test_crash.py
	$(BIN)/python -m tests.crash.chaos --points
	$(BIN)/python -m tests.crash.chaos --kills 200
	test -z "$(STOREWATCH_TEST_POSTGRES)" || $(BIN)/python -m tests.crash.chaos --points --daemons 2 --state $(STOREWATCH_TEST_POSTGRES)
	test -z "$(STOREWATCH_TEST_POSTGRES)" || $(BIN)/python -m tests.crash.chaos --kills 200 --daemons 2 --state $(STOREWATCH_TEST_POSTGRES)

soak: $(STAMP) ## a daemon for an hour at a hundred times the normal rate (longer: make soak MINUTES=600)
	$(BIN)/python benchmarks/soak.py --minutes $(or $(MINUTES),60)

clean: ## remove what the targets made
	rm -rf .venv demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
