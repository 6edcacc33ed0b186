# Python >= 3.11 and make are all that a machine needs; everything else comes pinned into .venv.
PYTHON ?= python3
BIN := .venv/bin
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install demo test check attacks bench lock build clean

install: .venv/.installed

.venv/.installed: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11; name a newer one: make install PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: install
	$(BIN)/bra demo $(ARGS)

# The house rules first (seconds), then everything else.
test: check
	$(BIN)/pytest -n 2 --dist loadscope $(ARGS)

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Takes each defence out of a copy of the product: the test of its attack has to fail. Some minutes; ARGS="frozen" is one.
attacks: install
	$(BIN)/python -m tests.attacks.campaign $(ARGS)

# make bench NAME=cold_sync RECORDS=20000
RECORDS ?= 20000
bench: install
	$(BIN)/python -m benchmarks.$(NAME) --records $(RECORDS) $(ARGS)

build: install
	$(BIN)/python -m build --no-isolation

# The lock files hold names, versions and hashes, never an address.
LOCK = uv pip compile pyproject.toml --universal --generate-hashes --no-header --no-annotate --quiet --upgrade
lock: install
	$(BIN)/python -m venv .venv/lock && .venv/lock/bin/pip install --quiet uv
	.venv/lock/bin/$(LOCK) --output-file requirements.txt
	.venv/lock/bin/$(LOCK) --extra dev --output-file requirements-dev.txt

clean:
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
