# Thin names over real commands. `make demo` and `make test` install what they need on a fresh
# Debian or Ubuntu machine (root, Python 3.11, Go 1.26) and say so.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
CLUSTER := $(BIN)/python -m kozutumi_cluster
KUBECONFIG_PATH = $$($(CLUSTER) kubeconfig)
SOURCES := contract cli operator tenant_app hack tests benchmarks
.DEFAULT_GOAL := help
.PHONY: help check test test-full unit integration e2e browser demo bench cluster-up cluster-down kubeconfig install packages

help:  ## show these names
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

.venv/.locked: requirements/dev.txt pyproject.toml
	@echo "==> Installing the locked Python dependencies into .venv"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

check: .venv/.locked  ## ruff, mypy strict, import-linter, sizes
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports
	$(BIN)/python hack/check_sizes.py

packages: .venv/.locked  ## install the Debian packages the tests need
	$(CLUSTER) packages

unit: .venv/.locked  ## pure tests, seconds
	$(BIN)/pytest tests/unit

integration: packages  ## the app over ASGI with a real object store and a real clamd
	$(CLUSTER) binaries
	$(BIN)/pytest tests/integration -m "not slow"

cluster-up: .venv/.locked  ## start the development cluster, or finish starting it
	$(CLUSTER) up

cluster-down: .venv/.locked  ## stop it and leave nothing behind
	$(CLUSTER) down

kubeconfig: .venv/.locked  ## print the path of the kubeconfig
	@$(CLUSTER) kubeconfig

install: cluster-up  ## build the images and install Kozutumi and its platform services
	$(CLUSTER) install

e2e: install packages  ## end-to-end tests on the real cluster
	$(BIN)/pytest tests/e2e -m "not slow" -p no:randomly

browser: packages  ## the pages in Chromium, over the real app and real TLS on loopback
	$(BIN)/pytest tests/browser -m "not slow"

demo: install  ## the main job, on a real cluster, step by step
	$(BIN)/python -m kozutumi_cluster demo

test: check unit integration browser e2e  ## everything that CI runs

test-full: test  ## adds the gigabyte, fuzz and fleet runs
	$(BIN)/pytest tests/integration tests/e2e -m slow -p no:randomly

bench: install  ## figures against a peer measured in the same run
	$(BIN)/python benchmarks/segments.py
