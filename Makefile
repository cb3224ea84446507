# Every command works on a fresh checkout: the first one makes the environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Tests on all cores; WORKERS=0 runs them in one process.
WORKERS ?= auto
# How many hostile messages, and which ones.
MESSAGES ?= 1000000
SEED ?= 1
# How often the properties are tried with new examples.
ROUNDS ?= 10
# Trials of mutants at a time.
JOBS ?= 1

# Where `make install` puts the program: PREFIX/bin/layerline, its libraries below PREFIX/share.
PREFIX ?= $(HOME)/.local
INSTALLED := $(PREFIX)/share/layerline/venv
# Which stories, a folder with OctoPrint's MQTT plugin, and other options of `python -m tests.real`.
STORIES ?=
REAL ?=

.PHONY: help install uninstall demo test check fix docs bench fuzz explore mutants real clean

help:
	@echo "make install the program for use, without what developers need: PREFIX/bin/layerline (~/.local)"
	@echo "make demo    a farm of simulated and replayed printers, with its page"
	@echo "make test    all tests"
	@echo "make check   types, lint, import contracts, dead code, formatting, known vulnerabilities: only looks"
	@echo "make fix     what can be put right by itself: formatting, import order"
	@echo "make docs    the generated tables of docs/{configuration,cli,kpis,outcomes}.md"
	@echo "make bench   the benchmarks of docs/benchmarks.md"
	@echo "make fuzz    a million hostile messages (MESSAGES, SEED) among good ones: docs/testing.md"
	@echo "make explore the properties of the suite with new examples, ROUNDS times"
	@echo "make real    real OctoPrints and a real Moonraker, killed and restarted: docs/real-printers.md"
	@echo "make mutants one rule changed at a time: do the quick tests notice?"

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(STAMP)

install:
	$(PYTHON) -m venv --clear "$(INSTALLED)"
	"$(INSTALLED)/bin/python" -m pip install --quiet --upgrade pip
	"$(INSTALLED)/bin/python" -m pip install --quiet .
	mkdir -p "$(PREFIX)/bin"
	ln -sf "$(INSTALLED)/bin/layerline" "$(PREFIX)/bin/layerline"
	@"$(PREFIX)/bin/layerline" --version
	@case ":$$PATH:" in *":$(PREFIX)/bin:"*) ;; *) echo "Not on your PATH yet: $(PREFIX)/bin";; esac

# The data of a farm stays where it is.
uninstall:
	rm -rf "$(INSTALLED)"
	rm -f "$(PREFIX)/bin/layerline"

demo: $(STAMP)
	$(BIN)/layerline demo

test: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/python -m tests.audit

fix: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP)
	$(BIN)/python -m tests.reference

bench: $(STAMP)
	$(BIN)/python -m tests.bench

fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz --messages $(MESSAGES) --seed $(SEED)

explore: $(STAMP)
	for round in $$(seq $(ROUNDS)); do \
	  $(BIN)/python -m pytest -q -n $(WORKERS) -m hypothesis --hypothesis-profile=explore || exit 1; done

# STORIES="starts_idle emergency_stop" for some; REAL="--mqtt-plugin ../OctoPrint-MQTT" for a plugin at hand.
real: $(STAMP)
	$(BIN)/python -m tests.real $(REAL) $(STORIES)

# TARGETS="octoprint kpi" for some; JOBS=2 for two at a time. A run that was broken off goes on.
mutants: $(STAMP)
	nice -n 10 $(BIN)/python -m tests.mutants --jobs $(JOBS) $(TARGETS)

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .mutants
