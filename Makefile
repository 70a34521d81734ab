# Two commands on a fresh machine that has Python >= 3.11 with venv, git and make:
#   make run     sets everything up and runs the daemon on config/firsthand.yaml
#   make test    sets everything up and passes the tests
# Each sets up .venv by requirements/install, which does nothing where nothing has changed. Another interpreter:
#   make test PYTHON=python3.12

PYTHON ?= python3
CONFIG ?= config/firsthand.yaml
PYTEST_OPTIONS ?=
QUALITY ?=
SEED ?= 1
RUNS ?= 10
KILLS ?= 1000
TROUBLES ?= 48
SOAK ?=
AUDIT ?=
FUZZ ?=
STORIES ?= 100000
SCALE ?=
ARTICLES ?= 100000
BENCH ?=
# One process more than processors, since tests wait for their servers; but each costs memory and a start.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); [ "$$n" -gt 3 ] && n=3; echo "$$((n + 1))")
CHROMIUM ?= /usr/bin/chromium

export PYTHON CHROMIUM
# The daemon, its workers and hundreds of processes of the tests would each compile every module anew.
unexport PYTHONDONTWRITEBYTECODE
bin = .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run demo test lint types imports tests coverage quality soak chaos chaos-workers fuzz test-long test-browser screenshots bench bench-pages bench-index bench-scale image-steps wheel lock upgrade \
	audit clean setup setup-dev

help:  ## Show this.
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do \
		printf 'make %-14s %s\n' "$$name" "$$text"; done

run: setup  ## Run the daemon on config/firsthand.yaml (CONFIG=FILE for another).
	@exec $(bin)/firsthand --config "$(CONFIG)" run

demo: setup  ## Do the whole job on an invented news world, without any network, and print the report.
	@exec $(bin)/firsthand demo

test: lint types imports tests  ## Everything that must hold, but the browser.

lint: setup-dev  ## ruff.
	$(bin)/ruff check

types: setup-dev  ## mypy, strict.
	$(bin)/mypy

imports: setup-dev  ## import-linter: which module may know which.
	$(bin)/lint-imports --cache-dir .import_linter_cache

tests: setup-dev  ## pytest (PYTEST_OPTIONS="-k story -x" for a part).
	$(bin)/python -m pytest --numprocesses $(WORKERS) --dist loadscope --ignore tests/browser -m "not long" $(PYTEST_OPTIONS)

test-long: setup-dev  ## The tests that take seconds for what shorter ones hold too.
	$(bin)/python -m pytest -m long $(PYTEST_OPTIONS)

coverage: setup-dev  ## The same with branch coverage, which takes half as long again.
	$(bin)/python -m pytest --numprocesses $(WORKERS) --dist loadscope --cov --cov-report term:skip-covered \
		--ignore tests/browser $(PYTEST_OPTIONS)

quality: setup-dev  ## How good it is, against its floors (QUALITY="--families FOLDER --labels FILE" for more texts).
	$(bin)/python tests/quality/quality.py $(QUALITY)

soak: setup-dev  ## The daemon for days in minutes, and how it drifts (SOAK="--minutes 30 --speed 100").
	$(bin)/python tests/soak/soak.py $(SOAK)

chaos: setup-dev  ## Kill the daemon KILLS times (1000) in RUNS runs (10) among failing servers, from SEED (1).
	$(bin)/python tests/chaos/chaos.py --seed "$(SEED)" --runs $(RUNS) --kills $$(($(KILLS) / $(RUNS)))

chaos-workers: setup-dev  ## Four workers on one PostgreSQL and TROUBLES mishaps (48) in each of RUNS runs (10), from SEED (1).
	$(bin)/python tests/chaos/workers.py --seed "$(SEED)" --runs $(RUNS) --troubles $(TROUBLES)

# The fuzzer has wheels for Linux on x86-64 alone, so that it is no part of .venv: beside it, at the first time.
fuzz: setup-dev  ## Fuzz every door for foreign bytes, a minute each (FUZZ="--door page --seconds 600" for one).
	@cmp -s tests/fuzz/requirements-fuzz.txt .venv/fuzz/made-of || { rm -rf .venv/fuzz && \
		$(bin)/python -m pip install --quiet --no-deps --only-binary :all: --require-hashes --target .venv/fuzz \
		-r tests/fuzz/requirements-fuzz.txt && cp tests/fuzz/requirements-fuzz.txt .venv/fuzz/made-of; }
	@PYTHONPATH=.venv/fuzz exec $(bin)/python tests/fuzz/fuzz.py $(FUZZ)

test-browser: setup-dev  ## What needs Chromium (CHROMIUM=FILE); a test that is skipped there fails.
	@test -x "$(CHROMIUM)" || { echo "$(CHROMIUM) is not there: apt-get install chromium, or CHROMIUM=FILE" >&2; exit 2; }
	$(bin)/python -m pytest tests/browser $(PYTEST_OPTIONS)

screenshots: setup-dev  ## Render the README's screenshots into docs/.
	$(bin)/python tests/browser/screenshots.py docs

bench: setup-dev  ## How fast it is, one table of ratios (BENCH="--pages FOLDER", "--only start", "--help"); some minutes.
	@$(bin)/python tests/bench/bench.py $(BENCH)

bench-pages: setup-dev  ## How long each page takes over STORIES (100000) made-up stories.
	@d=$$(mktemp -d) && trap 'rm -rf "$$d"' EXIT && $(bin)/python tests/bench/crowd.py "sqlite:///$$d/crowd.db" --stories $(STORIES) \
		&& $(bin)/python tests/bench/pages.py "sqlite:///$$d/crowd.db"

bench-scale: setup-dev  ## What more workers on one PostgreSQL bring (SCALE="--workers 1 2 4 8").
	$(bin)/python tests/bench/scale.py $(SCALE)

image-steps: setup-dev  ## Run the steps of the Dockerfile and what it makes, without a container engine (as root, on Linux).
	$(bin)/python tests/containers/steps.py

bench-index: setup-dev  ## What the index costs at up to ARTICLES (100000), on PostgreSQL; 16 KB of disk each.
	$(bin)/python tests/bench/index.py --articles $(ARTICLES) $(BENCH)

wheel: setup-dev  ## Build dist/*.whl.
	$(bin)/python -m pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir dist .

lock:  ## Write requirements/*.txt anew from pyproject.toml; what is pinned stays.
	requirements/lock

upgrade:  ## The same, with the newest versions.
	requirements/lock --upgrade

audit:  ## Ask for known weaknesses of what is locked; needs a network (AUDIT="--vulnerability-service osv").
	@$(PYTHON) requirements/audit $(AUDIT)

clean:  ## Remove what the targets made; var/ stays.
	rm -rf .venv build dist *.egg-info .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis \
		.import_linter_cache

setup:
	@requirements/install run

setup-dev:
	@requirements/install dev
