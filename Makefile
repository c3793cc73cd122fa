# PYTHON=python3.13 chooses the interpreter, EXTRA=cuda13 (or cuda12, tpu) the accelerator.
PYTHON ?= python3
EXTRA ?=
VENV ?= .venv
RUN = $(VENV)/bin/python
VERSIONS = python3.11 python3.13
COMMA = ,
SPACE = $() $()
# jax 0.12, which Python 3.12 and newer get, has no such flag, and XLA ends the process at a flag that it does not know.
EMITTERS = $(shell $(PYTHON) -c 'import sys; print("--xla_cpu_use_fusion_emitters=false" * (sys.version_info < (3, 12)))')
FAST = XLA_FLAGS="--xla_backend_optimization_level=0 $(EMITTERS) --xla_cpu_parallel_codegen_split_count=1"
ONCE = JAX_COMPILATION_CACHE_DIR=$(abspath $(VENV))/compiled JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0
# Without bytecode, every process would compile jax's Python anew: over a second each.
unexport PYTHONDONTWRITEBYTECODE
STAMP = $(VENV)/installed-$(shell $(PYTHON) -c 'import hashlib, sys; print("%d.%d-" % sys.version_info[:2] + hashlib.sha256(open("requirements.txt", "rb").read()).hexdigest()[:12])')$(if $(EXTRA),-$(EXTRA))


.DEFAULT_GOAL := help
.PHONY: help bench-versions demo docs installed keys lint quick test tests lock clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP) ## Train, evaluate and draw the lecture's VAE on embedded digits (runs/demo).
	$(RUN) -m experiments.train --config=configs/vae.py --workdir=runs/demo
	$(RUN) -m experiments.evaluate --workdir=runs/demo

lint: $(STAMP) ## Check style, format and types.
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m basedpyright --level error --pythonpath $(RUN)

quick: $(STAMP) ## Run the tests that compile nothing large (under a minute).
	$(FAST) $(RUN) -m pytest -n 2 --dist loadfile -m "not bits and not slow"

test: ## Run lint and all tests.
	@$(MAKE) --no-print-directory --jobs=2 lint tests

tests: $(STAMP)
	rm -rf $(VENV)/compiled
	$(FAST) $(ONCE) $(RUN) -m pytest -n 2 --dist worksteal -m "not bits"
	$(ONCE) $(RUN) -m pytest -n 2 --dist loadfile -m bits

installed: $(STAMP)

bench-versions: $(STAMP) ## Time a step under the oldest and the newest supported Python and its JAX, in turn.
	@for python in $(VERSIONS); do $(MAKE) --no-print-directory PYTHON=$$python VENV=.venv-$$python installed || exit; done
	$(RUN) -m experiments.benchmark --batch_sizes=128 --pythons=$(subst $(SPACE),$(COMMA),$(VERSIONS:%=.venv-%/bin/python))

keys: $(STAMP) ## Write the table of docs/keys.md anew from aejax/keys.py.
	{ grep -v '^|' docs/keys.md; $(RUN) -m experiments.train --keys; } > $(VENV)/keys.md && mv $(VENV)/keys.md docs/keys.md

docs: .venv-docs/bin/mkdocs ## Build docs/ and notebooks/ as a site that opens from disk (site/index.html).
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build

# Its tools need neither jax nor the lock: the versions of the extra `docs`, in an environment of their own.
.venv-docs/bin/mkdocs: pyproject.toml
	$(PYTHON) -m venv --clear .venv-docs
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["docs"], sep="\n")' > .venv-docs/docs.txt
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check -r .venv-docs/docs.txt
	touch $@

lock: ## Make requirements.txt anew from pyproject.toml (needs uv): hashes, no index URLs, all platforms.
	uv pip compile pyproject.toml --extra test --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade -o requirements.txt

clean: ## Delete the environments, the runs and the site.
	rm -rf $(VENV) .venv-docs runs site

# The environment, from hashes; made anew when the interpreter, the lock or the extra changes.
$(STAMP):
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "aejax needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv --clear $(VENV)
	$(RUN) -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements.txt
	$(if $(EXTRA),$(RUN) -m pip install --quiet --disable-pip-version-check "jax[$(EXTRA)]==$$($(RUN) -c 'import jax; print(jax.__version__)')")
	echo '$(CURDIR)' > "$$($(RUN) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/aejax.pth"  # from anywhere
	touch $@
