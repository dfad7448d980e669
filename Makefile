# Thin wrappers over the CMake presets; `make` without a goal lists them.
SHELL := /bin/bash
STEP := tools/step
JOBS ?= $(shell nproc)

.PHONY: help up down build test unit sanitize e2e bench format lint install
help:
	@echo "make up      build, start a one-node cluster, run examples/lab on it"
	@echo "make down    stop it; nothing of it is left"
	@echo "make test    build, then every test"
	@echo "make build   the release binary: build/release/bin/kpp"
	@echo "make bench   figures beside their targets"
	@echo "make format  clang-format on every source"
	@echo "make lint    includes, formatting, sizes"

install:
	@$(STEP) "install what is missing" tools/install_dependencies

build: install
	@$(STEP) "configure" cmake --preset release
	@$(STEP) "build" cmake --build --preset release -j $(JOBS)

up: build
	@tools/up

down:
	@if [ -x build/release/bin/kpp ]; then $(STEP) "stop the cluster" build/release/bin/kpp down; \
	 else echo "nothing is built, so nothing runs"; fi

# The sanitizer build with the fuzz targets, then everything on the release build: what people run is what is tested last.
test: build
	@$(STEP) "configure with sanitizers" cmake --preset asan $(if $(KPP_FUZZ_SECONDS),-DKPP_FUZZ_SECONDS=$(KPP_FUZZ_SECONDS))
	@$(STEP) "build with sanitizers" cmake --build --preset asan -j $(JOBS)
	@STEP_SHOW=1 $(STEP) "unit tests and fuzzing with sanitizers" \
	  ctest --test-dir build/asan -L 'unit|fuzz' -j $(JOBS) --output-on-failure --no-tests=error
	@ctest --test-dir build/release --output-on-failure --no-tests=error -j $(JOBS)

unit: build
	@ctest --test-dir build/release -L 'unit|lint' --output-on-failure -j $(JOBS)

e2e: build
	@ctest --test-dir build/release -L e2e --output-on-failure

bench: install
	@$(STEP) "configure" cmake --preset release -DKPP_BENCH=ON
	@$(STEP) "build" cmake --build --preset release -j $(JOBS)
	@bench/run

format:
	@git ls-files '*.h' '*.cc' | xargs clang-format-19 -i

lint: build
	@tools/check_includes build/release
	@tools/check_format
	@tools/check_sizes
