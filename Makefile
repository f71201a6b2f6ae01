# Countersign's commands. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.8
# What Ansible's programs import. In their jail nothing can be written, so each start of one would compile it again.
JAILED := ansible ansible_compat ansible_runner ansiblelint black bracex cryptography jinja2 jsonschema \
	jsonschema_specifications markupsafe packaging pexpect ptyprocess referencing resolvelib ruamel subprocess_tee \
	wcmatch yaml yamllint
export DJANGO_SETTINGS_MODULE := portal.settings
unexport PYTHONDONTWRITEBYTECODE # where it is set every process would compile everything again

.PHONY: help run test ready test-hosts check format openapi bench chaos screenshots lock browser prometheus bubblewrap nspawn clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: .venv/installed ## start everything and stay: PORT, DATA_DIR and DATABASE_URL change where
	@exec $(BIN)/python -m portal.launch

test: ready ## every test, in parallel; ARGS="-k words" runs some
	@$(BIN)/python -m pytest -n auto --dist worksteal --durations=15 $(ARGS)

ready: .venv/installed browser prometheus bubblewrap # all that the tests use; .ci/run makes it too

test-hosts: .venv/installed bubblewrap nspawn ## worker hosts in network namespaces, and four real hosts for roles: as root
	@$(BIN)/python -m remediation.execution.tests.hosts
	@$(BIN)/python -m remediation.execution.tests.machines || true
	@TEST_HOSTS=all $(BIN)/python -m pytest -q -s remediation/execution/tests/test_three_hosts.py \
		remediation/execution/tests/test_role_hosts.py remediation/execution/tests/test_role_proofs.py \
		remediation/playbooks/tests/test_proving.py remediation/playbooks/tests/test_roles_table.py $(ARGS)

check: .venv/installed ## lint, format, types, migrations, API document, order of the rooms
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/python -m portal.launch.rooms
	@$(BIN)/mypy
	@$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@mkdir -p var
	@$(BIN)/python manage.py spectacular --validate --fail-on-warn --file var/openapi.yaml
	@diff -u docs/openapi.yaml var/openapi.yaml || { echo "docs/openapi.yaml is not current: make openapi"; exit 1; }

format: .venv/installed ## put the code into the house format
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

openapi: .venv/installed ## write docs/openapi.yaml from the code
	@$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

bench: .venv/installed ## measure the running product on a data folder of its own: BENCH_RUNS=20000 for a short past
	@DATA_DIR=var/bench PORT=$${PORT:-8765} LAB_CROWD=$${LAB_CROWD:-40} AUTO_REMEDIATION_MAX_ACTIONS_PER_HOUR=30000 \
		AUTO_REMEDIATION_MAX_FAILURES_IN_A_ROW=30000 $(BIN)/python -m portal.launch --then bench

chaos: .venv/installed ## kill everything at random under 1,000 runs (6 minutes): RUNS, SEED
	@rm -rf var/chaos
	@DATA_DIR=var/chaos PORT=$${PORT:-8767} LAB_CROWD=$${LAB_CROWD:-200} AUTO_REMEDIATION_MAX_ACTIONS_PER_HOUR=30000 \
		AUTO_REMEDIATION_MAX_FAILURES_IN_A_ROW=30000 $(BIN)/python -m portal.launch --then chaos

screenshots: .venv/installed browser ## take the pictures of docs/ from the running product
	@rm -rf var/screenshots
	@DATA_DIR=var/screenshots PORT=$${PORT:-8766} $(BIN)/python -m portal.launch --then screenshots

lock: .venv/installed ## resolve the pins again, with hashes
	@$(BIN)/uv pip compile requirements-dev.txt --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --quiet --output-file requirements.lock

clean: ## remove what the tools made; data under var/ stays
	@rm -rf "$$(readlink -f var/test-pg/postgres)" var/test-pg var/pytest .venv .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -prune -exec rm -rf {} +

.venv/installed: requirements.lock $(addprefix remediation/playbooks/inside/,packing.py playbook.py countersign_state.py)
	@command -v $(PYTHON) >/dev/null || { echo "No $(PYTHON) here: install Python 3.11 or newer, or name one: make PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$$($(PYTHON) --version) is too old: Countersign needs 3.11 or newer. Name one: make PYTHON=python3.12"; exit 2; }
	@echo "Installing the pinned requirements into .venv (once) ..."
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv || { echo "No venv module: apt-get install python3-venv"; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) && \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock || \
		{ echo "uv could not do it; pip takes over, more slowly ..."; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; }
	@cd $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') && \
		$(CURDIR)/$(BIN)/python -m compileall -q -j 0 $(JAILED)
	@$(BIN)/python -m remediation.playbooks.inside.packing
	@touch $@

browser:
	@command -v chromium-headless-shell >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing Chromium for the browser tests (once) ..."; \
			export DEBIAN_FRONTEND=noninteractive; \
			apt-get update -qq; \
			apt-get install -y -qq --no-install-recommends chromium-headless-shell fonts-inter >/dev/null 2>&1 || \
				apt-get install -y -qq --no-install-recommends chromium fonts-inter >/dev/null; \
		fi; } || true
	@command -v chromium-headless-shell chromium >/dev/null || \
		echo "NO CHROMIUM: browser tests are skipped. Debian: apt-get install chromium-headless-shell fonts-inter"

prometheus:
	@command -v prometheus >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing Prometheus for the tests of watched signals (once) ..."; \
			export DEBIAN_FRONTEND=noninteractive; \
			apt-get update -qq; \
			apt-get install -y -qq --no-install-recommends prometheus >/dev/null 2>&1; \
		fi; } || true
	@command -v prometheus >/dev/null || \
		echo "NO PROMETHEUS: tests of watched signals are skipped. Debian: apt-get install prometheus"

bubblewrap:
	@command -v bwrap >/dev/null && command -v ssh-keygen >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing bubblewrap and ssh for the jail of Ansible's programs (once) ..."; \
			export DEBIAN_FRONTEND=noninteractive; \
			apt-get update -qq; \
			apt-get install -y -qq --no-install-recommends bubblewrap openssh-client >/dev/null 2>&1; \
		fi; } || true
	@command -v bwrap >/dev/null || \
		echo "NO BUBBLEWRAP: no role passes its gates, and tests of roles fail. Debian: apt-get install bubblewrap"

nspawn:
	@command -v systemd-nspawn >/dev/null && command -v debootstrap >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing systemd-nspawn and debootstrap for the hosts of roles (once) ..."; \
			export DEBIAN_FRONTEND=noninteractive; \
			apt-get update -qq; \
			apt-get install -y -qq --no-install-recommends systemd-container debootstrap openssh-client iproute2 >/dev/null 2>&1; \
		fi; } || true
