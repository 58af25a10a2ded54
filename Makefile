# `make demo` and `make test` begin with nothing: they install what is missing, once (systemd/bootstrap.sh).

VENV ?= .venv
PYTHON ?=
BIN = $(VENV)/bin
UV = uv==0.13.9
export VENV PYTHON
unexport PYTHONDONTWRITEBYTECODE # what pytest compiled once saves ten seconds of every later run
MAKEFLAGS += --no-print-directory

PYTEST = $(BIN)/python -m pytest -q -n 2 --dist worksteal
PACKAGES = gate drivers ui sync models
SUITES = --ignore tests/faults --ignore tests/peers --ignore tests/bench --ignore tests/fuzz \
    --ignore tests/systemd/package

.PHONY: help demo screens test test-long test-faults faults test-peers check bench bench-face bench-hub fuzz lock clean appliance tools deb install test-package

help:
	@echo "make demo         the whole gate at work, without hardware"
	@echo "make screens      what the screens need; then .venv/bin/gatectl ui --demo"
	@echo "make test         every test, on two cores"
	@echo "make check        format, lint, types and the fast tests"
	@echo "make test-long    whole evenings and venues, for minutes"
	@echo "make test-faults  power cuts, full disks, lost devices, cut networks"
	@echo "make faults       the same at ten times the length, killed at every write; MENSHEN_RUNS=1000 for longer"
	@echo "make test-peers   our answers beside those of other programs"
	@echo "make fuzz         a search for inputs that break a parser; MENSHEN_FUZZ_S=60 for longer"
	@echo "make bench        speed and accuracy, with figures"
	@echo "make bench-face   one look at a face beside other programs, on a Pi by projection; prints and replays"
	@echo "make bench-hub    what one server carries: claims, ledgers, the doorbell, a stadium"
	@echo "make deb          the package for this machine; ARCH=arm64 for a Raspberry Pi, from any machine"
	@echo "make install      the same, and install it: sudo make install"
	@echo "make test-package in a Debian of its own, without a network: install, admit, upgrade, downgrade, remove"
	@echo "make lock         choose the libraries' versions anew"
	@echo "make clean        remove what the above made"

appliance:
	@systemd/bootstrap.sh appliance

screens:
	@systemd/bootstrap.sh screens

tools:
	@systemd/bootstrap.sh tests

demo: appliance
	@$(BIN)/gatectl demo

test: tools
	@$(PYTEST) -m "not long" $(SUITES)

test-long: tools
	@$(PYTEST) -m long --dist loadfile $(SUITES)

check: tools
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary $(PACKAGES)
	@MENSHEN_EXAMPLES=few $(PYTEST) -m "not slow and not long" $(SUITES)

# A folder without tests is told on stderr, so that pytest's own last line stays the last.
run-folder = if ls $(1)/test_*.py >/dev/null 2>&1; then $(PYTEST) $(1); else echo "$(1): no tests yet" >&2; fi

test-faults: tools
	@$(call run-folder,tests/faults)

faults: tools
	@MENSHEN_RUNS=$${MENSHEN_RUNS:-200} $(PYTEST) tests/faults/test_history.py tests/faults/test_struck.py \
		tests/faults/test_lost_tail.py

test-peers:
	@systemd/bootstrap.sh browser
	@$(PYTEST) tests/peers tests/sync/server/test_walk_through.py

fuzz: tools
	@$(call run-folder,tests/fuzz)
	@MENSHEN_EXAMPLES=all $(PYTEST) tests/gate/core

bench:
	@systemd/bootstrap.sh peers
	@systemd/bootstrap.sh screens
	@PYTHONPATH=$(VENV)/peers $(BIN)/python -m tests.bench

bench-face:
	@systemd/bootstrap.sh peers
	@PYTHONPATH=$(VENV)/peers $(BIN)/python -m tests.bench --only face,projection,liveness --out build/bench-face.json

bench-hub: tools
	@$(BIN)/python -m tests.bench.hub

# The wheels are unpacked, not run, so that any machine makes the package for any other. TARGET_PYTHON is the target's.
ARCH ?= $(shell dpkg --print-architecture)
TARGET_PYTHON ?= 3.11
ROOM = build/package/room

$(ROOM)/bin/uv:
	@$(or $(PYTHON),python3) -m venv $(ROOM) && $(ROOM)/bin/pip install -q --require-hashes -r systemd/build.lock
	@$(ROOM)/bin/pip install -q $(UV)

deb: $(ROOM)/bin/uv
	@$(or $(PYTHON),python3) systemd/package.py --uv $(ROOM)/bin/uv --arch $(ARCH) --python $(TARGET_PYTHON)

install: deb
	@dpkg -i "$$(ls -t dist/menshen_*_$(ARCH).deb | head -n 1)"

test-package: tools $(ROOM)/bin/uv
	@$(BIN)/python -m pytest -q tests/systemd/package

# uv lives in a throw-away environment. The lock files serve CPython from 3.11 on, on every platform that has wheels.
lock:
	@set -e; room=$$(mktemp -d); trap 'rm -rf "$$room"' EXIT; \
	$(or $(PYTHON),python3) -m venv "$$room"; "$$room/bin/pip" install -q $(UV); \
	compile() { "$$room/bin/uv" pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make lock" "$$@"; }; \
	printf 'pip\nsetuptools\nswig\n' | compile - -o systemd/build.lock --upgrade; \
	compile setup.py -c systemd/build.lock -o systemd/requirements.lock --upgrade; \
	compile setup.py --extra hub -c systemd/requirements.lock -o systemd/hub.lock --upgrade; \
	compile setup.py --extra hub --extra screens --extra gpio --extra hid --extra osdp -c systemd/requirements.lock \
	    -o systemd/package.lock --upgrade; \
	compile setup.py --extra screens -c systemd/requirements.lock -o systemd/screens.lock --upgrade; \
	compile setup.py tests/requirements.txt --extra hub --extra screens --extra onnx --extra ncnn -c systemd/hub.lock \
	    -c systemd/screens.lock -o tests/requirements.lock --upgrade; \
	compile --no-deps tests/bench/requirements.txt -c tests/requirements.lock -o tests/bench/requirements.lock --upgrade

clean:
	@rm -rf $(VENV) build dist menshen.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find $(PACKAGES) tests -name __pycache__ -prune -exec rm -rf {} +
