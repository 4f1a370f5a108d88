# Thin on purpose: each target is one script or one command. `make help` lists them.
.PHONY: run test test-unit test-fresh bench build help clean
BUILD ?= build

help:            ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

run:             ## install what is missing, build, start cluster and server, print the address
	@./server/launch/run $(if $(YES),--yes)

test:            ## install what is missing, build, run every test
	@./tests/run

test-unit:       ## unit tests alone; needs no cluster
	@./tests/run --unit

test-fresh:      ## both commands in a new minimal Debian root
	@./tests/fresh

bench:           ## measure against peers in the same run
	@./tests/bench/run

build:           ## the programs and the page, into build/ and web/dist/
	@./server/launch/build

clean:
	rm -rf build build-* web/dist
