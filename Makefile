# Thin over tools/wye-dev: `tools/wye-dev --help` says what each does. More arguments: make up ARGS="-- --port 9000".
.PHONY: setup build up test lint bench fuzz format tidy
.DEFAULT_GOAL := build

setup build up test lint bench fuzz format tidy:
	@tools/wye-dev $@ $(ARGS)
