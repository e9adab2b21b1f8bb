# The commands of this repository. Everything lands in .venv, web/node_modules, gateway/pages and data/.
#
#   make run      set up and start the demo on http://localhost:8080
#   make test     set up and run every test
#   make install  only .venv with the package and the built pages
#   make lint     ruff, mypy, import-linter, tsc, eslint

BIN := .venv/bin
STAMPS := .venv/stamps
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
NPM := tools/npm --prefix web

# What the tests want to meet, from Debian's packages.
# libatomic1 is what playwright's own Node is linked with.
PEERS := chromium firefox-esr libatomic1 fonts-dejavu-core postgresql iproute2 \
	gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \
	gstreamer1.0-plugins-ugly gstreamer1.0-libav gstreamer1.0-nice python3-gi python3-gst-1.0 \
	gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0

WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*')

.PHONY: run test install develop lint clean
.NOTPARALLEL:
# What broke off half-way is made anew.
.DELETE_ON_ERROR:

run: install
	$(BIN)/gateway demo

install: $(STAMPS)/package $(STAMPS)/pages

develop: install $(STAMPS)/tools

test: develop
	tools/debian-packages $(PEERS)
	$(NPM) test
	$(BIN)/pytest

lint: develop
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NPM) run typecheck
	$(NPM) run lint

clean:
	rm -rf .venv web/node_modules gateway/pages

$(BIN)/python:
	tools/virtual-environment
	mkdir -p $(STAMPS)

$(STAMPS)/package: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	mkdir -p $(STAMPS) && touch $@

$(STAMPS)/tools: $(STAMPS)/package
	$(PIP) --editable '.[dev]'
	touch $@

$(STAMPS)/node-modules: web/package.json web/package-lock.json | $(STAMPS)/package
	$(NPM) ci --no-fund --no-audit
	touch $@

$(STAMPS)/pages: $(STAMPS)/node-modules $(WEB_SOURCES)
	$(NPM) run build
	touch $@
