# make demo: train, evaluate and draw the lecture's VAE.  make test: lint, types and tests.
# PYTHON=python3.13 chooses the interpreter, EXTRA=cuda13 (or cuda12, tpu) the accelerator.
PYTHON ?= python3
EXTRA ?=
VENV ?= .venv
RUN = $(VENV)/bin/python
FAST = XLA_FLAGS="--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
ONCE = JAX_COMPILATION_CACHE_DIR=$(VENV)/compiled JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0
STAMP = $(VENV)/installed-$(shell $(PYTHON) -c 'import hashlib, sys; print("%d.%d-" % sys.version_info[:2] + hashlib.sha256(open("requirements.txt", "rb").read()).hexdigest()[:12])')$(if $(EXTRA),-$(EXTRA))

.PHONY: demo test lock clean

demo: $(STAMP)
	$(RUN) -m experiments.train --config=configs/vae.py --workdir=runs/demo
	$(RUN) -m experiments.evaluate --workdir=runs/demo

test: $(STAMP)
	$(RUN) -m ruff check .
	$(RUN) -m basedpyright --level error --pythonpath $(RUN)
	$(FAST) $(RUN) -m pytest -n 2 --dist worksteal -m "not bits"
	rm -rf $(VENV)/compiled
	$(ONCE) $(RUN) -m pytest -n 2 --dist load -m bits

# The environment, from hashes; made anew when the interpreter, the lock or the extra changes.
$(STAMP):
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "aejax needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv --clear $(VENV)
	$(RUN) -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements.txt
	$(if $(EXTRA),$(RUN) -m pip install --quiet --disable-pip-version-check "jax[$(EXTRA)]==$$($(RUN) -c 'import jax; print(jax.__version__)')")
	touch $@

# Anew from pyproject.toml; needs uv. Hashes, no index URLs, one file for every Python and platform.
lock:
	uv pip compile pyproject.toml --extra test --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade -o requirements.txt

clean:
	rm -rf $(VENV) runs
