# `make demo` shows the whole product, `make test` holds it. Both begin with `make setup`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
# The interpreter of .venv: `make PYTHON=python3.13 setup` chooses one, else any that the package runs on.
ANY_PYTHON := >=3.11,<3.14
VENV_PYTHON := $(if $(filter file,$(origin PYTHON)),$(ANY_PYTHON),$(PYTHON))
BIN := .venv/bin
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
# The official batches, unpacked once from a copy beside the checkout, where there is one.
LOCAL_COPY := ../shared/cifar-10/unpack.py
# $CIFARLAB_DATA is obeyed; without it, what `make data` unpacked is used.
USE_DATA = if [ -z "$${CIFARLAB_DATA:-}" ] && [ -f .data/cifar-10-batches-py/test_batch ]; then \
  export CIFARLAB_DATA="$$PWD/.data"; fi;
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help setup data demo notebook test test-fast test-one test-thorough coverage lint types format docs docs-site lock wheel clean

help: ## Show the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

setup: $(BIN)/.locked ## Create .venv with the locked dependencies and .venv/bin/cifarlab.

# Compiled once here: without its bytecode, importing Keras takes twice as long.
$(BIN)/.locked: requirements/dev.txt pyproject.toml
	@command -v $(UV) >/dev/null || { \
	  echo "uv is missing: installing it into .uv"; \
	  $(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target .uv uv; }
	@test -x $(BIN)/python || $(UV) venv --quiet --python "$(VENV_PYTHON)" .venv
	@echo "installing the locked dependencies into .venv"
	@$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

data: setup
	@if [ -z "$${CIFARLAB_DATA:-}" ] && [ -f $(LOCAL_COPY) ] && [ ! -f .data/cifar-10-batches-py/test_batch ]; then \
	  $(BIN)/python $(LOCAL_COPY) .data; fi

demo: data ## Train three dense networks, evaluate them, write one report.
	@$(USE_DATA) $(BIN)/cifarlab demo

notebook: data $(BIN)/.notebook ## Open the notebook in Jupyter.
	@$(USE_DATA) $(BIN)/jupyter notebook $(JUPYTER_FLAGS) notebooks/cifar10_image_classification.ipynb

# Its versions are those of requirements/dev.txt, so that it changes nothing that is there.
$(BIN)/.notebook: $(BIN)/.locked requirements/notebook.txt
	@echo "installing Jupyter into .venv"
	@$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/notebook.txt
	@touch $@

test: setup data lint types test-fast ## Lint, types and all fast tests.

test-fast:
	@$(USE_DATA) $(BIN)/pytest -n 2 --dist loadfile -m "not slow and not thorough" tests

test-one: ## One test file or folder, for the inner loop: make test-one T=tests/web, or with a name, T="tests/cli -k help".
	@$(if $(T),,$(error say which: make test-one T=tests/cli/test_cli.py))
	@$(USE_DATA) $(BIN)/pytest -x -m "not slow and not thorough" $(T)

test-thorough: setup data ## The tests that take long, and the notebook.
	@$(USE_DATA) CIFARLAB_NOTEBOOK_DATA=digits CIFARLAB_NOTEBOOK_EPOCHS=3 \
	  $(BIN)/pytest -n 2 --dist loadfile -m "thorough and not slow" --nbmake tests notebooks

coverage: setup data ## The fast tests, and which branches of the code they take; the page is build/coverage/html.
	@mkdir -p build/coverage
	@$(USE_DATA) $(BIN)/pytest -n 2 --dist loadfile -m "not slow and not thorough" --cov --cov-report=term --cov-report=html tests

lint:
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types:
	@$(BIN)/mypy

format: setup ## Format the code.
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: data ## Run every command shown in docs/commands anew (minutes).
	@$(USE_DATA) $(BIN)/python docs/refresh_outputs.py

docs-site: $(BIN)/.docs ## Make the site of docs/ in build/site; it needs no network to be read.
	@rm -rf build/site
	@$(BIN)/python -m sphinx -b html -c docs -d build/doctrees --fail-on-warning --quiet . build/site
	@echo "build/site/index.html"

# Its versions are those of requirements/dev.txt, so that it changes nothing that is there.
$(BIN)/.docs: $(BIN)/.locked requirements/docs.txt
	@echo "installing Sphinx into .venv"
	@$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/docs.txt
	@touch $@

wheel: setup ## Build the wheel into dist/.
	@rm -f dist/cifarlab-*.whl
	@$(UV) build --quiet --wheel --out-dir dist

lock: ## Resolve the lock files anew.
	$(UV) pip compile --universal --generate-hashes --no-header --quiet --python-version 3.11 pyproject.toml --extra tensorflow -o requirements/tensorflow.txt
	$(UV) pip compile --universal --generate-hashes --no-header --quiet --python-version 3.11 pyproject.toml --extra tensorflow --extra web --extra search --group dev -o requirements/dev.txt
	$(UV) pip compile --universal --generate-hashes --no-header --quiet --python-version 3.11 pyproject.toml --extra tensorflow --extra notebook -c requirements/dev.txt -o requirements/notebook.txt
	$(UV) pip compile --universal --generate-hashes --no-header --quiet --python-version 3.11 pyproject.toml --extra tensorflow --group docs --fork-strategy fewest -c requirements/dev.txt -o requirements/docs.txt

clean: ## Remove what the build and the demo left.
	rm -rf build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
