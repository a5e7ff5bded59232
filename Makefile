# Everything runs in .venv, which is made when it is first needed and again when what it depends on has changed.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint bench gallery docs release-check clean

demo: .venv/run
	$(BIN)/gdsim run configs/quickstart.yaml

test: .venv/test
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/test
	-$(BIN)/pip install --quiet --constraint constraints.txt celluloid gif
	$(BIN)/python -m tests.benchmarks

gallery: .venv/run
	$(BIN)/python -m tests.gallery

docs: .venv/docs
	$(BIN)/python -m sphinx -W --keep-going -q -j 2 docs docs/_build/html

release-check:
	bash .ci/release-check

clean:
	rm -rf .venv build dist docs/_build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

.venv/run: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --constraint constraints.txt --editable .
	touch $@

.venv/docs: .venv/run
	$(BIN)/pip install --constraint constraints.txt --editable '.[docs]'
	touch $@

.venv/test: .venv/run
	$(BIN)/pip install --constraint constraints.txt --editable '.[test]'
	touch $@
