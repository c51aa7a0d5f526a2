# Two commands do everything on a fresh machine with Python and make: `make run` and `make test`.

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 4
ARGS ?= optimizer=sgd batch=10
SECTIONS ?=
SECONDS ?= 300
TORCH ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile \
	--constraint constraints.txt

# What is imported is compiled once, and kept: pip would compile four times as much beforehand, and
# without keeping it every process that starts would do it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run ui server test check lint format bench browser fuzz book notebook studies clean

help: ## Say what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

run: $(VENV)/.run ## Install, and train on the embedded digits (ARGS="..." for anything else)
	$(BIN)/python -m gdexp $(ARGS)

ui: $(VENV)/.run ## Open the runs in the MLflow UI
	$(BIN)/python -m gdexp ui

server: $(VENV)/.server ## An MLflow server for several people, on PostgreSQL, here (docs/server.md)
	$(BIN)/python -m gdexp server

test: lint browser $(if $(TORCH),$(VENV)/.torch) ## Install, check and test everything (TORCH=1: beside PyTorch, too)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

check: lint ## Lint, formatting, types and import layers
	$(BIN)/python -m pytest tests/test_layers.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev ## Bring the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

book: $(VENV)/.run ## Repeat Nielsen's chapter 1 on MNIST, five seeds each (2 minutes)
	$(BIN)/python -m benchmarks.nielsen

notebook: $(VENV)/.dev ## Execute docs/notebook.ipynb anew, and keep what it shows
	$(BIN)/jupyter execute --inplace --NotebookClient.record_timing=False docs/notebook.ipynb

studies: $(VENV)/.run ## Run the studies of docs/studies/ on MNIST, and write their reports (10 minutes)
	$(BIN)/python -m benchmarks.studies

bench: $(VENV)/.bench ## Measure everything in docs/performance.md anew (20 minutes to an hour; SECTIONS="epochs ...")
	$(BIN)/python -m benchmarks $(SECTIONS)

browser: ## Find Chromium for the browser test, or install it where apt can
	@for name in $$CHROMIUM chromium chromium-browser google-chrome google-chrome-stable; do \
		if command -v $$name >/dev/null; then exit 0; fi; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	else \
		echo "No Chromium: install it for the browser test (or set CHROMIUM to its path)."; \
	fi

fuzz: $(VENV)/.dev ## Read hostile files of every kind (5 minutes; SECONDS=...)
	@$(PIP) 'atheris' || echo "atheris is not there: inputs are made at random."
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

clean: ## Remove what was installed and cached here; runs stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "gdexp needs Python 3.11 or later; name one with make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing into $(VENV): a minute or two ..."
	@$(PIP) --editable '.[compiled,functions,optuna,report]' || $(PIP) --editable '.[functions,optuna,report]'
	@$(BIN)/python -m gdexp.engines.compiled \
		|| echo "engine=compiled is not there, for want of Numba; runs take the other engines."
	@touch $@

$(VENV)/.server: $(VENV)/.run
	$(PIP) --editable '.[server]'
	@touch $@

$(VENV)/.bench: $(VENV)/.run
	$(PIP) --editable '.[compiled,dask,functions,bench]'
	@touch $@

$(VENV)/.torch: $(VENV)/.dev
	@echo "Installing PyTorch, which some tests compare with: several GB ..."
	@$(PIP) --editable '.[torch]' \
		|| echo "PyTorch cannot be installed here: its tests will say that they were not run."
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing into $(VENV), with what the tests need: two minutes or three ..."
	@$(PIP) --editable '.[compiled,dask,functions,optuna,server,report,dev]'
	@$(BIN)/python -m gdexp.engines.compiled
	@touch $(VENV)/.run $@
