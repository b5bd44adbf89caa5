# Temper: from labeled images to a small, fast classifier whose accuracy is verified. `make` lists the commands.
PYTHON    ?= python3
VENV      ?= .venv
PY        := $(VENV)/bin/python

DATA      ?= photos/cats-and-dogs
WEIGHTS   ?= imagenet
PRECISION ?= fp16
MODEL     ?= artifacts/model.keras
# Passed to train only when they are given: its defaults depend on how the training starts.
TRAIN_OPTIONS := $(if $(BACKBONE),--backbone $(BACKBONE)) $(if $(EPOCHS),--epochs $(EPOCHS)) $(if $(SIZE),--size $(SIZE))
# Passed to choose only when they are given.
CHOICE := $(if $(BACKBONES),--backbones $(BACKBONES)) $(if $(SIZES),--sizes $(SIZES)) \
  $(if $(BUDGET_MS),--max-ms $(BUDGET_MS)) $(if $(MAX_LOSS),--max-loss $(MAX_LOSS))
OPTIONS   ?=
# make would ignore a misspelled one.
VARIABLES := PYTHON VENV DATA WEIGHTS PRECISION MODEL BACKBONE EPOCHS SIZE BACKBONES SIZES BUDGET_MS MAX_LOSS OPTIONS
UNKNOWN   := $(sort $(filter-out $(VARIABLES) -*-command-variables-*-,$(foreach name,$(.VARIABLES),\
  $(if $(filter command,$(origin $(name))),$(name)))))
$(if $(UNKNOWN),$(error no target has the variable $(UNKNOWN). There are: $(VARIABLES)))
# Where the images are now, if DATA is named.
MOVED     := $(if $(filter-out file,$(origin DATA)),--data $(DATA))

SAMPLE    := photos/drawn-sample
DEMO      := artifacts/demo
DEMO_TRAINING := --weights none --trainable all --size 64 --epochs 5 --batch 32 \
  --rotation 8 --zoom 0.05 --shift 0.05 --shear 0.05 --brightness 0.1
# The small network starts from ImageNet's weights, and only its head is trained.
SMALL     := $(DEMO)/small/lite0
DEMO_SMALL := --backbone efficientnetlite0 --head lbfgs --size 64
# The method that `auto` chooses for the drawn sample, without the trials of the others.
DEMO_INT8 := --precision int8 --calibration-method percentile
# One of 400 images is a quarter of a percentage point, and a model of five epochs is unsure of many.
DEMO_GATE := --max-drop 2 --max-class-drop 4 --min-agreement 95
# With it, every worker of every run would compile the tests again.
unexport PYTHONDONTWRITEBYTECODE
# A crashed worker ends the tests: the others would wait for it.
TESTS     := $(VENV)/bin/pytest --numprocesses 2 --dist loadfile --max-worker-restart 0
COMPILE   := $(VENV)/bin/uv pip compile --quiet --no-config --universal --python-version 3.10 --generate-hashes --no-header --no-annotate --no-strip-extras
LOCKED    := requirements requirements-build requirements-serve requirements-docs requirements-dev
DEPLOYED  := deploy/onnx deploy/openvino deploy/gpu
COVERAGE  := --cov --cov-report=term:skip-covered

.DEFAULT_GOAL := help
.PHONY: help demo venv data train convert bench choose gpu-check serve wheel docs tutorial lint test coverage test-fast test-slow chaos lock audit sbom clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(VENV)/.run ## two networks from nothing to a benchmark table, on images drawn by code; needs no GPU
	@$(PY) data/run.py draw $(SAMPLE) --train 1000 --test 200
	@$(PY) train/run.py --data $(SAMPLE) --out $(DEMO)/model.keras $(DEMO_TRAINING)
	@$(PY) train/run.py --data $(SAMPLE) --out $(SMALL).keras $(DEMO_SMALL)
	@$(PY) convert/run.py $(DEMO)/model.keras $(DEMO)/model.fp32.onnx $(DEMO)/model.fp32.xml --precision fp32
	@$(PY) convert/run.py $(DEMO)/model.keras --precision fp16
	@$(PY) convert/run.py $(DEMO)/model.keras $(DEMO_INT8) $(DEMO_GATE) || [ $$? -eq 7 ] # 7: the gate rejected it
	@$(PY) convert/run.py $(SMALL).keras $(SMALL).int8.onnx $(SMALL).int8.xml $(DEMO_INT8) $(DEMO_GATE) || [ $$? -eq 7 ]
	@$(PY) infer/run.py --engine $(DEMO)/model.fp16.onnx $(SAMPLE)/test/cat/cat.0000[0-2]* $(SAMPLE)/test/dog/dog.0000[0-2]*
	@$(PY) benchmarks/run.py $(DEMO) $$(ls $(SMALL).int8.onnx $(SMALL).int8.xml 2>/dev/null) --quick --seconds 1

venv: $(VENV)/.run ## install what the commands need into VENV, which demo and others do too
	@echo "enter it: . $(VENV)/bin/activate"

data: $(VENV)/.run ## download the public photos of cats and dogs (69 MB) to DATA
	@$(PY) data/run.py fetch $(DATA)

train: $(VENV)/.run ## images to MODEL: DATA=folder BACKBONE=resnet50 WEIGHTS=imagenet|none|path EPOCHS=2 SIZE=224
	@$(PY) train/run.py --data $(DATA) --weights $(WEIGHTS) --out $(MODEL) $(TRAIN_OPTIONS) $(OPTIONS)

convert: $(VENV)/.run ## MODEL to verified artifacts: PRECISION=fp32|fp16|int8
	@$(PY) convert/run.py $(MODEL) --precision $(PRECISION) $(OPTIONS)

bench: $(VENV)/.run ## latency and accuracy of every artifact beside MODEL, compared with Keras
	@$(PY) benchmarks/run.py $(dir $(MODEL)) $(OPTIONS)

choose: $(VENV)/.run ## the fastest network that is accurate enough: DATA=folder BACKBONES="resnet50 efficientnetlite0" SIZES="160 224" BUDGET_MS=5 MAX_LOSS=1
	@$(PY) choose/run.py --data $(DATA) --weights $(WEIGHTS) $(CHOICE) $(OPTIONS)

gpu-check: $(VENV)/.gpu ## on a machine with an NVIDIA GPU: build, self-test and benchmark every precision of MODEL
	@$(PY) experiments/gpu_check/run.py $(MODEL) $(MOVED) $(if $(OPTIONS),"--options=$(OPTIONS)")

serve: $(VENV)/.serve ## serve the best artifact beside MODEL that runs here: http://127.0.0.1:8000/
	@$(PY) infer/run.py serve $(dir $(MODEL)) $(OPTIONS)

wheel: $(VENV)/.build ## the library as dist/temper_classifier-*.whl, for devices and other programs
	@$(PY) -m build --wheel --no-isolation --outdir dist .

docs: $(VENV)/.docs ## the documentation as a site: dist/docs/index.html
	@$(PY) docs/run.py

tutorial: $(VENV)/.dev ## run docs/tutorial.ipynb on drawn images, and store it with its outputs; two minutes
	@$(PY) docs/run.py tutorial

lint: $(VENV)/.dev ## ruff and mypy --strict
	@$(VENV)/bin/ruff format --check . && $(VENV)/bin/ruff check . && $(VENV)/bin/mypy

test: $(VENV)/.dev ## all tests but the slow extras
	@$(TESTS) -m "not slow"

coverage: $(VENV)/.dev ## the same tests, with the coverage of every file that is not complete; takes longer
	@$(TESTS) $(COVERAGE) -m "not slow"

test-fast: $(VENV)/.dev ## the tests that need no TensorFlow and start no other program
	@$(TESTS) -m "not tensorflow and not programs and not slow"

test-slow: $(VENV)/.dev ## the extras: other backbones, kills, workers on loopback; takes many minutes
	@$(VENV)/bin/pytest -m slow

chaos: $(VENV)/.dev ## try to break publications, commands, artifacts and decoders, within an hour; writes benchmarks/results/reliability.md
	@$(PY) experiments/chaos/run.py

lock: $(VENV)/bin/python ## resolve requirements*.txt to the newest releases, with their hashes: *.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	@$(COMPILE) --upgrade requirements-dev.txt --output-file requirements-dev.lock
	@# The others get the releases that the tests run with.
	@for name in $(filter-out requirements-dev,$(LOCKED)); do \
	  $(COMPILE) --constraint requirements-dev.lock $$name.txt --output-file $$name.lock || exit 1; \
	done
	@for runtime in onnx openvino; do \
	  $(COMPILE) --constraint requirements-dev.lock --extra serve --extra sign --extra $$runtime pyproject.toml \
	    --output-file deploy/$$runtime.lock || exit 1; \
	done
	@$(COMPILE) --constraint requirements-dev.lock --extra serve --extra sign pyproject.toml deploy/gpu.txt \
	  --output-file deploy/gpu.lock

audit: $(VENV)/.dev ## known vulnerabilities of the locked packages (pip-audit); needs a connection
	@$(VENV)/bin/pip-audit --strict --disable-pip --require-hashes $(patsubst %,-r %.lock,$(LOCKED) $(DEPLOYED))

sbom: $(VENV)/.dev ## list the packages of requirements.lock with their hashes: dist/sbom.cdx.json (CycloneDX)
	@mkdir -p dist
	@$(VENV)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-file dist/sbom.cdx.json requirements.lock
	@echo dist/sbom.cdx.json

clean: ## remove artifacts, built wheels and documentation; images and the environment stay
	rm -rf artifacts build dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "Temper runs on Python 3.10 to 3.13; name one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock | $(VENV)/bin/python
	@echo "installing requirements.lock into $(VENV) (once)"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.gpu: requirements-gpu.txt | $(VENV)/bin/python
	@echo "installing requirements-gpu.txt into $(VENV) (once)"
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-gpu.txt
	@touch $@

# .build, .dev, .docs and .serve.
$(VENV)/.%: requirements-%.lock | $(VENV)/bin/python
	@echo "installing $< into $(VENV) (once)"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
