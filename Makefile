# Everything a fresh Debian machine needs is Python 3.11, pip, venv and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=

CHROMIUM := apt-get install --yes --no-install-recommends chromium

.PHONY: run test browser style types check bench drill fuzz mutants clean

run: $(READY) ## the demo: local exchange and whole system, two series at once, a summary
	@directory=$$(mktemp -d -t understudy-demo-XXXXXX) && \
		$(BIN)/understudy run --demo --series btc-15m,eth-5m --windows 4 \
			--data-dir "$$directory" $(ARGS) && \
		printf '\nIts journal is kept. To look into it:\n%s\n%s\n%s\n' \
			"  $(BIN)/understudy orders --data-dir $$directory" \
			"  $(BIN)/understudy explain order_1 --data-dir $$directory" \
			"  $(BIN)/understudy report --html report.html --data-dir $$directory" >&2

drill: $(READY) ## every fault of the plan injected into a trading system, and its books reconciled
	$(BIN)/understudy drill $(ARGS)

test: $(READY) browser ## every test, four at a time: on two processors, for many wait for processes
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n 4 --dist loadfile $(ARGS)

browser: ## for the tests of the page, where it may be installed; otherwise they are skipped
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
		&& { $(CHROMIUM) || { apt-get update && $(CHROMIUM); }; } >/dev/null 2>&1; } \
		|| echo "no Chromium: the tests of the page in a browser are skipped"

style: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

check: test style types

bench: $(READY) ## every benchmark, about an hour; ARGS=--quick only shows that they work
	$(BIN)/python -m bench.decode $(ARGS)
	$(BIN)/python -m bench.latency $(ARGS)
	$(BIN)/python -m bench.recovery $(ARGS)
	$(BIN)/python -m bench.memory $(ARGS)
	$(BIN)/python -m bench.series $(ARGS)
	$(BIN)/python -m bench.page $(ARGS)
	$(BIN)/python -m bench.many_orders $(ARGS)
	$(BIN)/python -m bench.scheduler $(ARGS)
	$(BIN)/python -m bench.backtest $(ARGS)
	$(BIN)/python -m bench.backtest_memory $(ARGS)
	$(BIN)/python -m bench.fills $(ARGS)
	$(BIN)/python -m bench.simulate $(ARGS)
	$(BIN)/python -m bench.journal $(ARGS)
	$(BIN)/python -m bench.inversion $(ARGS)
	$(BIN)/python -m bench.orders $(ARGS)

fuzz: $(READY) ## what comes from outside, made wrong; ARGS="--cases 1000000 --seed 7" is a campaign
	$(BIN)/python -m bench.fuzz $(ARGS)

mutants: $(READY) ## small changes to order, ledger, desk and books, and which no test notices
	$(BIN)/python -m pip install --quiet 'mutmut >=3.8,<4'
	$(BIN)/python -m bench.mutants $(ARGS)

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis mutants

$(READY): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(READY)
