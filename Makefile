# Everything a person needs: make help

GO          ?= go
STATICCHECK := $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2

.DEFAULT_GOAL := help
.PHONY: help setup run demo test soak lint fmt bench bench-readme vendor

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: ## Run the hub: make run ARGS="--port 9000"
	$(GO) run ./cmd/samepage serve $(ARGS)

demo: ## Run the hub with a little shop in it
	$(GO) run ./cmd/samepage demo $(ARGS)

test: setup lint ## Run everything: linters, Go with the race detector, pages, end to end, browser
	$(GO) test -race -shuffle=on -timeout 10m ./...
	$(GO) test -run 'Allocat|Memory' ./sessions ./hub/bolt # what the race detector's own memory hides
	cd web && npm test --silent
	cd web && npm run --silent test:browser

soak: ## Let every storm on several nodes blow for longer and run each race 1,000 times: make soak FOR=10m
	SAMEPAGE_SOAK=$(or $(FOR),2m) $(GO) test -race -timeout 2h -v -run 'Storm|Race' ./cmd/samepage/e2e

lint: setup ## Check format, vet, staticcheck, modernisers, go.mod, types of the pages
	@unformatted=$$(gofmt -l cmd hub presence sessions web/*.go); if [ -n "$$unformatted" ]; then echo "gofmt these (make fmt):"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(STATICCHECK) ./...
	$(GO) fix -diff ./...
	$(GO) mod tidy -diff
	cd web && npm run --silent check

fmt: ## Format and modernise the Go code
	gofmt -w cmd hub presence sessions web/*.go
	$(GO) fix ./...

bench: ## Measure against the reference server: make bench ARGS="--rows P1"
	cd cmd/samepage/bench/reference && $(GO) build -o $(CURDIR)/bin/reference .
	$(GO) build -o bin/samepage ./cmd/samepage
	bin/samepage bench compare --reference bin/reference --growth --out bench/last.json $(ARGS)

bench-readme: ## Show what make bench measured last in README
	bin/samepage bench readme bench/last.json README.md --chart cmd/samepage/bench/growth.svg

vendor: setup ## Make the pages' libraries in web/vendor anew from their packages
	cd web && npm run --silent vendor

setup: ## Install what the tests need, if it is not there
	@.ci/setup
