# make test   everything that must hold before a change is taken: packages, checks, all tests. This is what CI runs.
# make help   the other targets.

# The main module and every Go module below it.
MODULES := $(patsubst ./%,%,$(patsubst %/go.mod,%,$(sort $(shell find . -name go.mod -not -path '*/testdata/*'))))

# What go vet, staticcheck and govulncheck look at in a module: all of it, but for what contains Vault. They work through the
# source of everything that a package imports, and Vault is 1600 packages: minutes of it. golangci-lint checks these as well.
PACKAGES          = ./...
PACKAGES_test/devvault = ./fault ./front ./faultproxy
packages-of       = $(or $(PACKAGES_$(1)),$(PACKAGES))

# What is checked is compiled as what is tested, so that it is compiled once; a fresh machine takes minutes for that. The tests
# of devvault run Vault without the race detector, which is also how it is checked.
flags-of          = $(if $(filter test/devvault,$(1)),,GOFLAGS=-race)

BIN       := tools/bin
TOOLS     := $(BIN)/gofumpt $(BIN)/staticcheck $(BIN)/golangci-lint
TIMEOUT   := 25m
TESTFLAGS ?=

export CGO_ENABLED := 1

.PHONY: help test packages check format-check format vet staticcheck lint vulncheck go-test race test-apps pictures module-path dist test-dist fuzz-short bench tools clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

test: ## install what the tests need, check, and run all tests
	@$(MAKE) --no-print-directory packages
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory go-test

packages: ## install what the tests drive, where missing: Debian packages, and axe-core from npm
	scripts/install-test-packages
	@scripts/axe-core >/dev/null

check: format-check vet staticcheck lint ## formatting and static analysis

format-check: $(BIN)/gofumpt ## fail and name the files that `make format` would change
	@unformatted=$$($(BIN)/gofumpt -l .); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run make format:"; echo "$$unformatted"; exit 1; fi

format: $(BIN)/gofumpt ## rewrite the Go files in gofumpt's format
	$(BIN)/gofumpt -w .

vet: ## go vet
	@$(foreach module,$(MODULES),echo "go vet: $(module)"; (cd $(module) && $(call flags-of,$(module)) go vet $(call packages-of,$(module))) || exit 1;)

staticcheck: $(BIN)/staticcheck ## staticcheck
	@$(foreach module,$(MODULES),echo "staticcheck: $(module)"; (cd $(module) && $(call flags-of,$(module)) $(CURDIR)/$< $(call packages-of,$(module))) || exit 1;)

lint: $(BIN)/golangci-lint ## golangci-lint, see .golangci.yml
	@$(foreach module,$(MODULES),echo "golangci-lint: $(module)"; \
		(cd $(module) && $(call flags-of,$(module)) $(CURDIR)/$< run --config $(CURDIR)/.golangci.yml ./...) || exit 1;)

vulncheck: $(BIN)/govulncheck ## known vulnerabilities; asks the Go project's database, or VULNDB=file:///a/copy/of/it
	@$(foreach module,$(MODULES),echo "govulncheck: $(module)"; \
		(cd $(module) && $(CURDIR)/$< $(if $(VULNDB),-db $(VULNDB)) $(call packages-of,$(module))) || exit 1;)

empty :=
comma := ,
# The tests over the wire build the binary from the main module, which Go does not look at when it keeps their results.
go-test: $(BIN)/gotest ## all tests with the race detector; a skipped test is a failure
	$< -modules $(subst $(empty) $(empty),$(comma),$(strip $(MODULES))) -fresh test/e2e -- -race -timeout $(TIMEOUT) $(TESTFLAGS) ./...

race: go-test ## another name for go-test

# What the suite of real apps is run on besides the light ones. Debian's own start of their servers is not wanted, nor used.
APPS := mariadb-server-core=mariadbd mariadb-client-core=mariadb php-mysql=php:mysqli php-sqlite3=php:sqlite3 php-intl=php:intl \
	php-curl=php:curl php-gd=php:gd mediawiki=/usr/share/mediawiki wordpress=/usr/share/wordpress \
	phpmyadmin=/usr/share/phpmyadmin tt-rss=/usr/share/tt-rss icingaweb2=/usr/share/icingaweb2 \
	prometheus=prometheus apache2-utils=htpasswd

test-apps: ## the suite of real apps, all of them (docs/apps.md); WALK=10m is how long each is walked over at random
	scripts/install-test-packages $(APPS)
	SALLYPORT_WALK=$(or $(WALK),10m) go -C test/e2e test -count=1 -race -tags allapps -timeout 4h $(TESTFLAGS) ./presets

dist: ## what is handed out: static binaries, a .deb and an SBOM each, checksums, into artifacts/dist
	scripts/dist

test-dist: ## build that twice, compare, install the .deb into a Debian of its own, start the service, purge it
	scripts/install-test-packages debootstrap=debootstrap
	scripts/test-dist

module-path: ## give the module its public path, everywhere: make module-path NEW=example.org/you/sallyport
	scripts/module-path "$(NEW)"

fuzz-short: ## every fuzz test for a short while (FUZZTIME=10s each)
	scripts/fuzz-short

PICTURES ?= artifacts
pictures: ## take pictures of every page and state, and contact sheets of them, into $(PICTURES) (docs/pages.md)
	scripts/install-test-packages
	SALLYPORT_ARTIFACTS=$(abspath $(PICTURES)) go -C test/e2e test -count=1 -timeout 60m ./pages -run 'TestScreenshots|TestBrandInABrowser|TestDocsPictures'

bench: ## what the gateway costs, beside the same Caddy without it: one table of ratios (docs/performance.md)
	scripts/install-test-packages wrk=wrk nghttp2-client=h2load
	go build -o $(BIN)/sallyport ./cmd/sallyport
	SALLYPORT_BINARY=$(CURDIR)/$(BIN)/sallyport go test ./test/bench -run '^$$' -bench Gateways -benchtime 1x -timeout 2h
	go test ./gateway -run '^$$' -bench . -count 6

tools: $(TOOLS) $(BIN)/govulncheck $(BIN)/gotest ## build the tools of tools/go.mod

# Versions are pinned in tools/go.mod, apart from the product's own go.mod: what checks the code is no part of it.
$(BIN)/gofumpt:       PACKAGE = mvdan.cc/gofumpt
$(BIN)/staticcheck:   PACKAGE = honnef.co/go/tools/cmd/staticcheck
$(BIN)/golangci-lint: PACKAGE = github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(BIN)/govulncheck:   PACKAGE = golang.org/x/vuln/cmd/govulncheck
$(BIN)/gotest:        PACKAGE = ./gotest
$(BIN)/gotest: $(wildcard tools/gotest/*.go)
$(TOOLS) $(BIN)/govulncheck $(BIN)/gotest: tools/go.mod tools/go.sum
	@echo "building $(notdir $@)"
	@cd tools && go build -o bin/$(notdir $@) $(PACKAGE)
	@touch $@

# What makes packages needs versions of modules that the checkers above cannot have, so each has those of its own release.
$(BIN)/nfpm:            RELEASE = github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.48.0
$(BIN)/cyclonedx-gomod: RELEASE = github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
$(BIN)/nfpm $(BIN)/cyclonedx-gomod: Makefile
	@echo "building $(notdir $@)"
	@GOBIN=$(CURDIR)/$(BIN) GOFLAGS= go install $(RELEASE)
	@touch $@

clean: ## remove what building and testing leave behind
	rm -rf $(BIN) test/devvault/bin test/mailpit/bin artifacts sallyport coverage.out
