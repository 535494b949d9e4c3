# The two commands of the README. Each sets up what it needs in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# one folder on the path, and no finder that is imported at every start and costs as much as Python itself
EDITABLE := --config-settings editable_mode=compat --editable
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test coverage lint matrix bench fuzz docs corpus

demo: $(VENV)/.run
	@$(BIN)/envhooks demo

test: $(VENV)/.test
	@$(BIN)/python -m pytest -n auto --dist worksteal

# Which lines and branches the tests reach, in every process that they start; TESTS=tests/git names a part.
coverage: $(VENV)/.coverage
	@rm -rf build/coverage && mkdir -p build/coverage
	-@$(BIN)/python -m coverage run -m pytest -n auto --dist worksteal $(TESTS)
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report --show-missing

# The documentation as a site, build/docs/html, and a manual page, build/docs/man/envhooks.1.
docs: $(VENV)/.docs
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/docs/html
	@$(BIN)/python -m sphinx -q -W --keep-going -b man docs build/docs/man
	@echo build/docs/html/index.html

# The tests on other Debian systems; root only. SUITES and TESTS name a part of it.
matrix:
	@scripts/matrix

# What the gate costs, beside git, pre-commit, prek and the direct peers; BENCH names a part of it.
# A page is written where all of its parts were measured: docs/speed.md by a run of all the usual ones, docs/scale.md
# by BENCH="scale server".
bench: .cache/peers/.made .cache/installed/bin/python
	@rm -rf build
	@.cache/installed/bin/python -m pip install --quiet --force-reinstall --no-deps .
	@.cache/installed/bin/python -m benchmarks $(BENCH) --write

# installed as a user has it: an editable install costs every start some milliseconds more
.cache/installed/bin/python:
	@$(PYTHON) -m venv .cache/installed
	@$@ -m pip install --quiet '.[fast]'

.cache/peers/.made:
	@$(PYTHON) -m venv .cache/peers
	-@for peer in pre-commit prek tag-validate commit-check; do .cache/peers/bin/python -m pip install --quiet $$peer; done
	@touch $@

# Every parser that a push reaches, FUZZ_SECONDS each; what breaks one is kept in tests/fuzz/corpus.
fuzz: .cache/fuzz/.made
	@.cache/fuzz/bin/python tests/fuzz

.cache/fuzz/.made:
	@$(PYTHON) -m venv .cache/fuzz
	@.cache/fuzz/bin/python -m pip install --quiet $(EDITABLE) . atheris
	@touch $@

# The readers of Dockerfiles and of locks against real ones, which are fetched from GitHub; CORPUS="--verbose --from FOLDER"
corpus: $(VENV)/.run
	@$(BIN)/python scripts/score_corpus.py $(CORPUS)
	@$(BIN)/python scripts/score_locks.py $(CORPUS)

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/zizmor --offline --quiet --min-severity=medium .github action.yml
	shellcheck hooks/* .ci/run scripts/matrix scripts/neighbours

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python setup.cfg pyproject.toml
	@$(BIN)/python -m pip install --quiet $(EDITABLE) .
	@touch $@

$(VENV)/.test: $(VENV)/.run
	@$(BIN)/python -m pip install --quiet $(EDITABLE) '.[fast,test,docs]'
	@touch $@

$(VENV)/.coverage: $(VENV)/.test
	@$(BIN)/python -m pip install --quiet 'coverage[toml]>=7.10'
	@touch $@

$(VENV)/.docs: $(VENV)/.run
	@$(BIN)/python -m pip install --quiet $(EDITABLE) '.[docs]'
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	@$(BIN)/python -m pip install --quiet $(EDITABLE) '.[fast,test,docs,lint]'
	@touch $@
