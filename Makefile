# make app   serve the app on localhost
# make test  style, types and all tests
# Both set themselves up: .venv, then requirements. A second run starts at once.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.PHONY: app test setup clean

VENV := .venv
PY := $(VENV)/bin/python
PIP_FLAGS := --quiet --disable-pip-version-check

app: $(VENV)/.app
	@exec $(PY) -m streamlit run app/main.py

test: $(VENV)/.dev
	@echo "style" && $(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	echo "types" && $(VENV)/bin/mypy
	echo "tests" && $(PY) -m pytest -n auto --dist worksteal

setup: $(VENV)/.dev

$(VENV)/.python:
	@python=""
	for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
	  if command -v $$name >/dev/null && $$name -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
	    python=$$name; break
	  fi
	done
	if [ -z "$$python" ]; then
	  echo "Python 3.11 or newer with its venv module is needed; on Debian or Ubuntu: apt-get install python3 python3-venv" >&2
	  exit 2
	fi
	echo "Setting up $(VENV) with $$($$python --version); a few minutes, once."
	$$python -m venv --clear $(VENV)
	touch $@

$(VENV)/.app: $(VENV)/.python requirements.txt
	@echo "Installing requirements.txt"
	$(PY) -m pip install $(PIP_FLAGS) -r requirements.txt
	touch $@

$(VENV)/.dev: $(VENV)/.app requirements-dev.txt
	@echo "Installing requirements-dev.txt"
	$(PY) -m pip install $(PIP_FLAGS) -r requirements-dev.txt
	touch $@

clean:
	rm -rf $(VENV)
