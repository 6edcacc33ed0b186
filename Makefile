# Python >= 3.11 and make are all that a machine needs; everything else comes pinned into .venv.
PYTHON ?= python3
BIN := .venv/bin
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install chromium demo screenshots messages test check attacks faults fuzz roaming simulate bench bench-peers lock build clean

install: .venv/.installed

.venv/.installed: requirements-dev.txt pyproject.toml hatch_build.py $(wildcard node/protocol/native/*.[ch])
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11; name a newer one: make install PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@test -e node/protocol/native/libprotocol.so || echo "make: no C compiler was found, or it failed: the node works, but its first syncs are slower; install one and touch hatch_build.py" >&2
	@touch $@

# The browser that the tests of the pages look with.
chromium: install
	@$(BIN)/python -m tests.browser.chromium

demo: install
	$(BIN)/bra demo $(ARGS)

# The pictures of docs/screenshots, of the demonstration as it is now: make screenshots ARGS=search makes those of search.
screenshots: chromium
	$(BIN)/python -m tests.browser.screenshots $(ARGS)

# The texts of the pages into their catalogues, with what is left to translate (docs/translating.md).
messages: install
	$(BIN)/python -m tests.web.catalogues

# The house rules first (seconds), then everything else: three at a time, as on two processors a third waits anyway.
test: check chromium
	$(BIN)/pytest -n 3 --dist loadscope $(ARGS)

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Takes each defence out of a copy of the product: the test of its attack has to fail. Some minutes; ARGS="frozen" is one.
attacks: install
	$(BIN)/python -m tests.attacks.campaign $(ARGS)

# Broken networks, disks and crowds against real processes, the long way (docs/faults.md): make faults FAULTS=50
FAULTS ?= 20
faults: install
	BRA_FAULTS=$(FAULTS) $(BIN)/pytest tests/faults -s $(ARGS)

# The members' API against a program that tries to break it, the long way: make fuzz FUZZ=50
FUZZ ?= 20
fuzz: install
	BRA_FUZZ=$(FUZZ) $(BIN)/pytest tests/api/test_contract.py -s $(ARGS)

# Visits between real nodes that are killed at random: make roaming RUNS=50
RUNS ?= 50
roaming: install
	BRA_RUNS=$(RUNS) $(BIN)/pytest tests/system/test_visit_kills.py $(ARGS)

# Many made-up runs of many real nodes on a made-up network (docs/simulation.md): make simulate SEEDS=1000 FIRST=0 NODES=200
SEEDS ?= 100
FIRST ?= 0
simulate: install
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) --first $(FIRST) $(if $(NODES),--nodes $(NODES)) $(ARGS)

# make bench NAME=cold_sync RECORDS=20000 is one benchmark. Without NAME it is all of them and the race against what one
# could use instead, and writes the tables and plots of docs/performance.md: hours. QUICK=1: minutes, and no docs.
RECORDS ?= 20000
ifdef NAME
bench: install
	$(BIN)/python -m benchmarks.$(NAME) --records $(RECORDS) $(ARGS)
else
bench: .venv/.installed-bench
	$(BIN)/python -m benchmarks.report $(if $(QUICK),--quick) $(ARGS)
endif

.venv/.installed-bench: requirements-bench.txt .venv/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-bench.txt
	@touch $@

# Gets the systems to race against, into BRA_PEERS or a folder among the system's temporary ones.
bench-peers: install
	$(BIN)/python -m benchmarks.peers.install

build: install
	$(BIN)/python -m build --no-isolation

# The lock files hold names, versions and hashes, never an address.
LOCK = uv pip compile pyproject.toml --universal --generate-hashes --no-header --no-annotate --quiet --upgrade
lock: install
	$(BIN)/python -m venv .venv/lock && .venv/lock/bin/pip install --quiet uv
	.venv/lock/bin/$(LOCK) --output-file requirements.txt
	.venv/lock/bin/$(LOCK) --extra dev --output-file requirements-dev.txt
	.venv/lock/bin/$(LOCK) --extra bench --constraint requirements-dev.txt --output-file requirements-bench.txt

clean:
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
