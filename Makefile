# What can be done here: make setup, demo, test (unit, seal, yaml, api, story), check, fuzz, dist, bench, sweep. .ci/run calls check and test.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/knarr/target
# Programs that run on any Linux of this architecture (ADR 0023)
static := $(shell uname -m)-unknown-linux-musl
step := @tests/step

.PHONY: setup build peers demo test test-k3s unit seal yaml api story fuzz check static dist bench sweep

# Debian packages (when missing, as root), Rust toolchain
setup:
	$(step) setup tests/setup

build: setup
	$(step) build cargo build --workspace --locked

# The real programs that tests run against: minutes when cold, nothing when they are in the cache
peers: setup
	$(step) peers tests/peers/build

# Plays the story on test hosts and removes them; KEEP=1 leaves them
demo: build peers
	@$(CARGO_TARGET_DIR)/debug/demo

# All tests; the story last
test: unit seal yaml api story

unit: build
	$(step) tests cargo test --workspace --locked --no-fail-fast --quiet
	$(step) peers-tests tests/peers/check
	$(step) firewall cargo test --workspace --locked --quiet --test firewall -- --ignored

# The real kubeseal opens what we seal, and we what it seals
seal: build peers
	$(step) seal cargo test -p knarr-tests --locked --quiet --test seal

# Kubernetes' YAML library, go-yaml and PyYAML read back what we write
yaml: build peers
	$(step) yaml cargo test -p knarr-tests --locked --quiet --test yaml

# The real API server takes what knarrd makes of rendered/cluster.yaml, and judges manifests as knarr check does
api: build peers
	$(step) api cargo test -p knarrd --locked --quiet --lib cluster::tests -- --ignored
	$(step) api-check cargo test -p knarr --locked --quiet --test cases -- --ignored api::

# STORY="name …" plays these scenarios only, with what they need
story: build peers
	$(step) story cargo test -p knarr-tests --locked --quiet --test story -- $(STORY)

# K3S=/path/to/k3s [K3S_NEW=/path/to/a/newer/k3s]: the scenarios with K3s, by these binaries in place of the stand-in
test-k3s: build peers
	$(step) test-k3s tests/with-k3s "$(K3S)" $(K3S_NEW)

# libFuzzer on each reader of what others wrote for TIME seconds (60), minutes more when cold; READER="name …" for some of them
fuzz:
	$(step) setup tests/setup g++
	$(step) fuzz tests/fuzz/run "$(or $(TIME),60)" $(READER)

# Everything that can be said without running the programs; node/ alone first, so that a mistake shows at once
check: setup
	$(step) format cargo fmt --all --check
	$(step) node cargo test -p knarr-node --locked --quiet
	$(step) clippy cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
	$(step) rustdoc env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

static:
	$(step) setup tests/setup musl-tools
	$(step) target rustup target add $(static)
	$(step) release cargo build --workspace --release --locked --target $(static)

# The programs for users, into dist/; minutes
dist: static
	@install -D --target-directory=dist $(addprefix $(CARGO_TARGET_DIR)/$(static)/release/,knarr knarrd) && ls -l dist

# Figures beside their peers, written to docs/benchmarks.md; release builds take minutes. BENCH="seal app": these alone, unwritten
bench: static peers
	$(step) bench-peers tests/peers/build --bench
	$(step) bench cargo bench -p knarr-tests --locked --target $(static) --bench figures -- $(BENCH)

# Removes test hosts that were kept or left behind
sweep: build
	@$(CARGO_TARGET_DIR)/debug/demo sweep
