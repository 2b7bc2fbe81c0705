# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the m365.message_encryption contributors
#
# All output goes to .venv (virtual environments), .cache and build. The only thing written outside of the checkout is
# pip's cache.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

# The oldest and the newest supported ansible-core that this machine's Pythons can run: 2.19 runs on Python 3.11, newer
# releases need 3.12. tests/requirements-test.txt lists the releases.
OLDEST_PYTHON := $(shell scripts/find_python.sh 3.11)
NEWEST_PYTHON := $(shell scripts/find_python.sh 3.14 3.13 3.12)
CORES := $(if $(OLDEST_PYTHON),oldest) $(if $(NEWEST_PYTHON),newest)
CORE := $(firstword $(CORES))
ifeq ($(CORE),)
$(error Found no Python 3.11 to 3.14 that can create a virtual environment. Install one; on Debian, also install its venv package)
endif
PYTHON := $(firstword $(OLDEST_PYTHON) $(NEWEST_PYTHON))
BIN := .venv/$(CORE)/bin

# Tools get a separate home directory, so that neither the user's configuration nor a collection in ~/.ansible changes a
# result. Only pip uses the user's home, for its cache.
PIP_HOME := $(if $(HOME),HOME='$(HOME)',env -u HOME)
export HOME := $(CURDIR)/.cache/home
export XDG_CACHE_HOME := $(CURDIR)/.cache/xdg
export LC_ALL := C.UTF-8
export ANSIBLE_CONFIG := $(CURDIR)/.cache/ansible.cfg
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/build/collections
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
# Python keeps its bytecode: without it, each of the tests' workers compiles every module and every test anew.
unexport PYTHONDONTWRITEBYTECODE
export NO_COLOR := 1
unexport ANSIBLE_INVENTORY ANSIBLE_LOCAL_TEMP ANSIBLE_STDOUT_CALLBACK ANSIBLE_VAULT_PASSWORD_FILE

COLLECTION := build/collections/ansible_collections/m365/message_encryption
SOURCES := $(shell find . \( -path ./.git -o -path ./.venv -o -path ./.cache -o -path ./.hypothesis -o -path ./build -o -path ./tests -o -path ./message_encryption \
    -o -name __pycache__ \) -prune -o -type f -print) tests/config.yml

.PHONY: help
help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | sort | awk -F '\t' '{ printf "make %-13s %s\n", $$1, $$2 }'

.PHONY: clean
clean: ## remove all output
	rm -rf .venv .cache build

## Environments

.PHONY: environments
environments: $(patsubst %,.venv/%/ready,$(CORES) check docs molecule importer) ## set up what the tests and checks run in

.cache/ready:
	@mkdir -p $(HOME) $(ANSIBLE_HOME) build
	@printf '[defaults]\n' > $(ANSIBLE_CONFIG)
	@touch $@

# $(1): directory under .venv, $(2): interpreter, $(3): requirements
define environment
.venv/$(1)/ready: $(3) | .cache/ready
	@echo "Setting up .venv/$(1) with $$$$($(2) --version) ..."
	@rm -rf .venv/$(1)
	@$(2) -m venv .venv/$(1)
	@$(PIP_HOME) .venv/$(1)/bin/python -m pip install --quiet --disable-pip-version-check -r $(3)
	@touch $$@
endef
$(eval $(call environment,oldest,$(OLDEST_PYTHON),tests/requirements-test.txt))
$(eval $(call environment,newest,$(NEWEST_PYTHON),tests/requirements-test.txt))
$(eval $(call environment,check,$(PYTHON),tests/requirements-check.txt))
$(eval $(call environment,docs,$(PYTHON),tests/requirements-docs.txt))
$(eval $(call environment,molecule,$(PYTHON),tests/requirements-molecule.txt))
$(eval $(call environment,importer,$(PYTHON),tests/requirements-importer.txt))
$(eval $(call environment,mutants,$(PYTHON),tests/requirements-mutants.txt))
$(eval $(call environment,pictures,$(PYTHON),tests/requirements-pictures.txt))

## The artifact: tests run on what users install

.PHONY: build
build: build/installed ## build the collection and install it below build/collections

# Changes only when a file is added or removed.
build/sources: FORCE | .cache/ready
	@mkdir -p build
	@new=$$(mktemp $@.XXXXXX); printf '%s\n' $(SOURCES) | sort > $$new; if cmp -s $$new $@; then rm $$new; else mv $$new $@; fi

build/installed: build/sources $(SOURCES) | .venv/$(CORE)/ready
	@rm -rf build/artifact build/collections
	@$(BIN)/ansible-galaxy collection build --output-path build/artifact >/dev/null
	@$(BIN)/ansible-galaxy collection install --offline --no-deps -p build/collections build/artifact/*.tar.gz >/dev/null
	@touch $@

.PHONY: FORCE
FORCE:

## Tests

# A real PowerShell for the tests of the transports psrp and powershell: the program in PWSH, pwsh on PATH, or the contents of PWSH_ARCHIVE.
# Without one, the tests that need it are skipped.
export PATH := $(CURDIR)/.cache/powershell:$(PATH)

.PHONY: pwsh
pwsh: | .cache/ready ## unpack the PowerShell in PWSH_ARCHIVE, for the tests
	@$(PYTHON) scripts/unpack_powershell.py '$(PWSH_ARCHIVE)' .cache/powershell

ifneq ($(PWSH_ARCHIVE),)
test test-all test-costs test-newest soak-engine: | pwsh
endif

# Tests wait for processes and sessions: four workers keep two cores busy. Only loopback connections are allowed. PYTEST_ARGS="-k name" selects tests.
PYTEST_OPTIONS := -n 4 --dist worksteal --allow-hosts=127.0.0.1,::1 --allow-unix-socket
PYTEST := PYTHONPATH=build/collections $(BIN)/python -m pytest $(PYTEST_OPTIONS)

.PHONY: test
test: .venv/$(CORE)/ready build/installed ## unit and integration tests on the installed artifact
	@$(PYTEST) $(PYTEST_ARGS)

.PHONY: test-all
test-all: .venv/$(CORE)/ready build/installed ## the same over every wire, and on the newest ansible-core
	@$(PYTEST) --wires all $(PYTEST_ARGS)
	@$(MAKE) test-newest

.PHONY: test-costs
test-costs: .venv/$(CORE)/ready build/installed ## "make test" with a table of what it costs: processor seconds and started programs, by package and wire
	@$(PYTEST) -p tests.costs $(PYTEST_ARGS)

# SINCE=HEAD~3 says from where a change counts; without it, from origin/main.
.PHONY: quick
quick: .venv/$(CORE)/ready build/installed ## the unit tests of what you have changed, within a minute; of what decides about mail also vectors, agreement and laws, with few rounds
	@$(PYTEST) -q -m "not engine" $$($(BIN)/python scripts/tests_of_changes.py $(SINCE)) $(PYTEST_ARGS)
	@tests=$$($(BIN)/python scripts/tests_of_changes.py --mail $(SINCE)); [ -z "$$tests" ] || ROUNDS=$(or $(ROUNDS),0.2) $(PYTEST) -q $$tests $(PYTEST_ARGS)

# SOAK_ARGS="--schedules 1000 --fuzz 1000 --seed 7" changes the search, ROUNDS=100 how often properties are tried. It takes minutes, and the mutants take
# hours: MUTANTS_ARGS="chain converge" takes only these. It prints figures at the end.
.PHONY: soak
soak: .venv/$(CORE)/ready build/installed ## the fault search: 10,000 schedules of faults over rest and psrp; fuzzing; mail; clocks and disks; properties, 25 times as often; all mutants
	@PYTHONPATH=build/collections $(BIN)/python -m tests.soak $(SOAK_ARGS)
	@ROUNDS=$(or $(ROUNDS),25) $(PYTEST) -q tests/unit -m "rounds and not engine"
	@$(MAKE) mutants MUTANTS_ARGS='$(or $(MUTANTS_ARGS),--all)'

.PHONY: soak-engine
soak-engine: .venv/$(CORE)/ready build/installed ## the fault search over psrp and powershell with a real PowerShell: management host, constrained endpoint, own process
	@PYTHONPATH=build/collections $(BIN)/python -m tests.soak --engine --schedules 1000 --fuzz 1000 --mail 0 --runs 0 --claims 0 --unusual 0 $(SOAK_ARGS)

# Mutates the changed modules. MUTANTS_ARGS="--all" mutates the whole pure core, MUTANTS_ARGS="chain converge" the named modules. It takes hours, so it runs at low priority.
.PHONY: mutants
mutants: .venv/mutants/ready build/installed ## mutants of the pure core: does a test fail when a line is changed?
	@nice -n 19 .venv/mutants/bin/python -m tests.mutants $(MUTANTS_ARGS)

# Microsoft's module is not a part of this repository: MODULE names its folder, which has ExchangeOnlineManagement.psd1.
.PHONY: test-module
test-module: .venv/$(CORE)/ready build/installed ## the tests of Microsoft's module over the one in the folder MODULE, and over the stand-in
	@test -f '$(MODULE)/ExchangeOnlineManagement.psd1' || { echo 'MODULE=FOLDER names no folder with ExchangeOnlineManagement.psd1.' >&2; exit 2; }
	@EXCHANGE_MODULE='$(abspath $(MODULE))' REQUIRE_PWSH=1 PYTHONPATH=build/collections $(BIN)/python -m pytest $(PYTEST_OPTIONS) tests/unit/transports/test_module.py tests/unit/broker/test_endpoints_in_shells.py $(PYTEST_ARGS)

.PHONY: coverage
coverage: .venv/$(CORE)/ready build/installed ## the code coverage of the unit tests
	@PYTHONPATH=build/collections COVERAGE_FILE=.cache/coverage $(BIN)/python -m pytest $(PYTEST_OPTIONS) -q tests/unit \
	    --cov=$(COLLECTION)/plugins --cov-branch --cov-report=term:skip-covered $(PYTEST_ARGS)

.PHONY: role
role: .venv/$(CORE)/ready build/installed ## generate the role's defaults, argument specs and pages from the table of controls
	@PYTHONPATH=build/collections $(BIN)/python scripts/generate_role.py

.PHONY: endpoint
endpoint: .venv/$(CORE)/ready build/installed ## generate the constrained endpoint's files from the tables of settings
	@PYTHONPATH=build/collections $(BIN)/python scripts/generate_endpoint.py

.PHONY: molecule
molecule: .venv/molecule/ready build/installed ## the Molecule scenarios
	@PATH="$(CURDIR)/.venv/molecule/bin:$$PATH" molecule test --all --report

.PHONY: demo
demo: .venv/$(CORE)/ready build/installed ## a demo on an emulated organization: check, apply, apply again, audit, roll back
	@$(BIN)/python scripts/demo.py

# EMULATOR_ARGS="--organization contoso --license ame" changes the organizations.
.PHONY: emulator
emulator: .venv/$(CORE)/ready build/installed ## emulated organizations to try things out, with an inventory and example commands
	@$(BIN)/python scripts/playground.py $(EMULATOR_ARGS)

# BENCH_ARGS="--repeats 5 per_task" selects benchmarks; BENCH_ARGS="--write docs/performance.md" stores the figures.
.PHONY: bench
bench: .venv/$(CORE)/ready build/installed ## benchmarks: ratios measured side by side
	@PYTHONPATH=build/collections $(BIN)/python -m tests.bench $(BENCH_ARGS)

.PHONY: pictures
pictures: .venv/pictures/ready ## draw the chart of many organizations from the benchmarks' figures, and the report from "make demo"
	@.venv/pictures/bin/python scripts/draw_performance.py
	@.venv/pictures/bin/python scripts/draw_report.py

.PHONY: live
live: .venv/$(CORE)/ready build/installed ## test undocumented behavior on a real test tenant: ORGANIZATION=name CONFIRM=name, and MAIL=file to ask by mail
	@PYTHONPATH=build/collections $(BIN)/python -m tests.live --organization '$(ORGANIZATION)' --confirm '$(CONFIRM)' \
	    --wires '$(or $(WIRES),rest)' $(if $(VARIABLES),--variables '$(VARIABLES)') $(if $(MAIL),--mail '$(MAIL)')

.PHONY: live-mail
live-mail: .venv/$(CORE)/ready build/installed ## experiments with mail in a test tenant: STEP=begin ORGANIZATION=name CONFIRM=name ADDRESSES=file, then STEP=end RUN=file
	@PYTHONPATH=build/collections $(BIN)/python -m tests.live.mail '$(STEP)' $(if $(VARIABLES),--variables '$(VARIABLES)') \
	    $(if $(RUN),--run '$(RUN)',--organization '$(ORGANIZATION)' --confirm '$(CONFIRM)' $(if $(ADDRESSES),--addresses '$(ADDRESSES)'))

## Checks

.PHONY: check
check: lint lint-ansible lint-docs sanity units-newest importer docs ## all quality gates: linters, ansible-test, the newest core, galaxy-importer, docs

# What differs by release: imports, argument specs, templating, Display. Every module is imported by "make sanity", and "make test-all" runs all tests.
BY_CORE := tests/unit/action tests/unit/modules tests/unit/engine tests/unit/structure tests/unit/baseline/test_export.py \
    tests/integration/test_same_over_wires.py::test_the_stories_have_each_ending tests/integration/test_role_baseline.py::test_the_whole_job

.PHONY: units-newest
units-newest: ## the tests that may differ on the newest ansible-core, with a run of every module and of the role
	@$(MAKE) test-newest PYTEST_ARGS="-q --wires rest -m 'not engine' $(BY_CORE)"

CHECK := .venv/check/bin

.PHONY: lint
lint: .venv/check/ready build/installed ## ruff, mypy, yamllint, reuse, changelog fragments
	$(CHECK)/ruff check .
	$(CHECK)/ruff format --check .
	cd build/collections && ../../$(CHECK)/mypy --config-file ../../pyproject.toml --cache-dir ../../.cache/mypy \
	    -p ansible_collections.m365.message_encryption.plugins.module_utils \
	    -p ansible_collections.m365.message_encryption.plugins.plugin_utils
	$(CHECK)/yamllint --strict .
	$(CHECK)/reuse lint --quiet || $(CHECK)/reuse lint
	$(CHECK)/antsibull-changelog lint

.PHONY: lint-ansible
lint-ansible: .venv/check/ready build/installed ## ansible-lint's production profile
	PATH="$(CURDIR)/$(CHECK):$$PATH" ansible-lint --profile production --offline --strict -q

.PHONY: lint-docs
lint-docs: .venv/check/ready ## antsibull-docs on the documentation of plugins and roles
	PATH="$(CURDIR)/$(CHECK):$$PATH" antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=all --skip-rstcheck .

.PHONY: sanity
sanity: $(CORES:%=sanity-%) ## ansible-test sanity on the oldest and the newest ansible-core
ifeq ($(OLDEST_PYTHON),)
	@echo "Skipped: ansible-core 2.19, because it needs Python 3.11 and this machine does not have it."
endif
ifeq ($(NEWEST_PYTHON),)
	@echo "Skipped: the newest ansible-core, because it needs Python 3.12 to 3.14 and this machine has none of them."
endif

# ansible-test prints a lot, so its output goes to a log, which is shown only if it fails. SANITY_OLDEST="--skip-test pylint" is for the oldest release only.
.PHONY: sanity-oldest sanity-newest
sanity-oldest sanity-newest: sanity-%: .venv/%/ready
	@echo "ansible-test sanity, $$(.venv/$*/bin/python -c 'from ansible.release import __version__; print(f"ansible-core {__version__}")')"
	@.venv/$*/bin/python scripts/run_ansible_test.py sanity $(if $(filter oldest,$*),$(SANITY_OLDEST)) > .cache/sanity-$*.log 2>&1 || { cat .cache/sanity-$*.log; exit 1; }

.PHONY: importer
importer: .venv/importer/ready build/installed ## Galaxy's checks of an uploaded artifact
	@mkdir -p build/importer
	cd build/importer && PATH="$(CURDIR)/.venv/importer/bin:$$PATH" GALAXY_IMPORTER_CHECK_REQUIRED_TAGS=true \
	    GALAXY_IMPORTER_REQUIRE_V1_OR_GREATER=true python -m galaxy_importer.main ../artifact/*.tar.gz

.PHONY: test-newest
ifneq ($(NEWEST_PYTHON),)
test-newest: .venv/newest/ready build/installed ## all tests on the newest ansible-core
	@PYTHONPATH=build/collections .venv/newest/bin/python -m pytest $(PYTEST_OPTIONS) $(PYTEST_ARGS)
else
test-newest:
	@echo "Skipped: the newest ansible-core, because it needs Python 3.12 to 3.14 and this machine has none of them."
endif

## Documentation

# Labels of Ansible's documentation, which Sphinx can resolve only if it can fetch their inventory.
FOREIGN := intersphinx inventor|any of the inventories with|undefined label: '(ansible_collections\.ansible\.|action_plugins|common_return_values|ansible_configuration_settings)

# ansible-doc does not find roles if the path contains ansible_collections twice, as in a checkout below a collections path. A symbolic link avoids that.
.PHONY: docs
docs: .venv/docs/ready build/installed ## build the documentation site in build/docs/html
	@rm -rf build/docs && mkdir -p build/docs/rst && chmod 755 build/docs/rst
	@links=$$(mktemp -d) && trap 'rm -rf "$$links"' EXIT && ln -s $(CURDIR)/build/collections/ansible_collections "$$links" && \
	    PATH="$(CURDIR)/.venv/docs/bin:$$PATH" ANSIBLE_COLLECTIONS_PATH="$$links" antsibull-docs --config-file docs/antsibull-docs.cfg \
	    collection --use-current --squash-hierarchy --cleanup everything --fail-on-error --dest-dir build/docs/rst m365.message_encryption
	@.venv/docs/bin/python scripts/arrange_docs.py build/docs/rst/index.rst
	@cp -R docs/docsite/rst/images build/docs/rst/docsite/
	@.venv/docs/bin/sphinx-build -q -b html -c docs -w build/docs/warnings build/docs/rst build/docs/html 2>/dev/null
	@! grep -vE "$(FOREIGN)" build/docs/warnings
	@echo "The documentation: file://$(CURDIR)/build/docs/html/index.html"
