# Everything a contributor runs. Works on a fresh clone: what is missing is created under .venv.

PYTHON ?= python3
VENV   ?= .venv
# Installed before the package, alone: name the build that fits your machine in the words of pip install.
TORCH  ?= torch==2.13.0
OUT    ?= demo_out
SCALE  ?= 32
# The data pack of `make eval`: a folder as docs/guide.md describes it; and more options of `ursat benchmark`.
DATA   ?= $(URSAT_DATA)
EVAL_ARGS ?=
PYTEST_ARGS ?= -n auto

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# OpenMP threads that spin while another process wants the core slow both down; one thread a test process.
export OMP_WAIT_POLICY ?= PASSIVE
export GOMP_SPINCOUNT ?= 0
export KMP_BLOCKTIME ?= 0

.DEFAULT_GOAL := help
.PHONY: help setup lint type test test-slow bench eval demo docs soak clean

help:  ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.dev  ## create the environment with the development tools

$(VENV)/.torch:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(TORCH)
	@touch $@

$(VENV)/.package: $(VENV)/.torch pyproject.toml
	$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.package
	$(PIP) --editable '.[dev]'
	@touch $@

lint: $(VENV)/.dev type  ## style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(VENV)/.dev  ## mypy, strict
	$(BIN)/mypy

test: $(VENV)/.dev  ## the tests (a few minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS)

test-slow: $(VENV)/.dev  ## the long tests as well
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS) -m ''

bench: $(VENV)/.dev  ## speed and memory against GDAL, and against DAT-light
	$(BIN)/python scripts/bench.py

eval: $(VENV)/.dev  ## tables on the validation images: make eval DATA=folder [EVAL_ARGS="--images 7"]
	@test -n "$(DATA)" || { echo "name the data pack: make eval DATA=folder" >&2; exit 2; }
	@$(BIN)/ursat benchmark --dataset places --task all --root "$(DATA)" $(EVAL_ARGS)

demo: $(VENV)/.package  ## the sample scene x32 with its reference, into demo_out/
	@mkdir -p $(OUT)
	$(BIN)/ursat upscale sample_data/landsat8.tif --ref sample_data/sentinel2.tif --scale $(SCALE) \
		-o $(OUT)/landsat8_x$(SCALE).tif --overwrite
	$(BIN)/ursat verify $(OUT)/landsat8_x$(SCALE).tif --input sample_data/landsat8.tif

docs: $(VENV)/.package  ## the option reference, from the program itself, into docs/options.md
	$(BIN)/python scripts/option_reference.py > docs/options.md

soak: $(VENV)/.dev  ## 5000 damaged inputs; 100 kills and 20 full disks of a run in shards and of one of one file; peak memory; a whole scene (hours)
	OMP_NUM_THREADS=1 $(BIN)/python scripts/fuzz_inputs.py
	OMP_NUM_THREADS=1 $(BIN)/python scripts/soak_kill.py
	OMP_NUM_THREADS=1 $(BIN)/python scripts/soak_disk.py
	$(BIN)/python scripts/memory_contract.py --sparse 100000x100000
	$(BIN)/python scripts/rehearsal.py --run

clean:  ## remove what was made here, the environment included
	rm -rf $(VENV) $(OUT) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
