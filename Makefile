# make demo | test | studies | calibrate | check | wheel | bench | peers | clean: each sets up .venv first; PYTHON=python3.12 chooses the interpreter
PYTHON ?= python3
BIN := .venv/bin
INSTALL := install --quiet --disable-pip-version-check --root-user-action=ignore -c constraints.txt

.PHONY: demo test studies calibrate check wheel bench peers clean

demo: .venv/.installed
	$(BIN)/consistency demo

test: .venv/.installed
	$(BIN)/pytest -n 2 --dist loadfile

studies: .venv/.installed
	$(BIN)/pytest -m slow -s tests/calibration/test_studies.py

calibrate: .venv/.installed
	$(BIN)/consistency calibrate --fast

check: .venv/.installed
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/pytest --quiet tests/architecture
	$(BIN)/consistency check

wheel: .venv/.installed
	rm -rf dist
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m build --quiet --wheel
	$(BIN)/python -m zipfile --list dist/*.whl
	fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && \
	$(PYTHON) -m venv "$$fresh/venv" && \
	"$$fresh/venv/bin/pip" $(INSTALL) dist/*.whl && \
	mkdir "$$fresh/empty" && cd "$$fresh/empty" && "$$fresh/venv/bin/consistency" demo

# The server is no benchmark, and other tools are installed only where they are asked for.
bench: .venv/.installed
	@for file in $(filter-out %/fixed_latency_server.py %/peers.py,$(wildcard benchmarks/*.py)); do \
		echo "== $$file"; $(BIN)/python "$$file" || exit; \
	done

peers: .venv/.installed
	$(BIN)/python benchmarks/peers.py

clean:
	rm -rf .venv dist build .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find consistency tests benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

.venv/.installed: pyproject.toml constraints.txt
	[ -x $(BIN)/pip ] || $(PYTHON) -m venv .venv
	$(BIN)/pip $(INSTALL) -e '.[dev]'
	touch $@
