# The only entry points. On a fresh machine: `npx -y rust-just <recipe>`.
# Needed: git, Rust, Node with npm, Python 3 with pip. Never Go, Java, docker or protoc.
# Every recipe builds `--workspace`: of `-p stoa` all that it leans on has other features, and would be built twice.

set shell := ["bash", "-euo", "pipefail", "-c"]
# What a recipe is given reaches it as it was written, quotes and all: as "$@", never {{ … }}.
set positional-arguments

just := quote(just_executable())
export PATH := justfile_directory() / ".tools/py/bin:" + justfile_directory() / ".tools/lint/bin:" + justfile_directory() / ".tools/go:" + env("PATH")

# List the recipes.
default:
    @{{ just }} --list --unsorted

# Build everything and run the whole shop in one process: http://localhost:8080
up *arguments: web
    cargo build --locked --workspace --bin stoa
    @"${CARGO_TARGET_DIR:-target}/debug/stoa" up "$@"

# Unit, rpc and web tests, on SQLite and on a real PostgreSQL.
test *arguments: tools web
    cd web-client && npm run --silent test
    cargo nextest run --locked --workspace "$@"

# Format, clippy, dependencies, spelling, contract, web client.
lint: lint-tools web-modules
    cargo fmt --all --check
    cargo clippy --locked --workspace --all-targets -- -D warnings
    cargo deny --log-level error check bans licenses sources
    @.ci/advisories
    cargo shear --locked
    typos
    python3 .ci/rows.py --check
    cd proto && ../web-client/node_modules/.bin/buf lint
    .ci/breaking
    cd web-client && npm run --silent lint

# Write the generated Rust and TypeScript anew from the contract.
gen: web-modules
    cargo run --locked -p proto --example gen
    cd web-client && npm run --silent gen

# The shop in a real browser, a part of what multiplies: `SIZE=whole just e2e` is all of it, pictures in target/shots.
e2e *arguments: web
    @.ci/chromium
    cargo build --locked --workspace --bin stoa
    cd web-client && npm run --silent e2e -- "$@"

# The official conformance runner against our own edge.
conformance:
    .ci/conformance

# Ratios of speed against the bare libraries and against peers, all in one run.
bench *arguments: tools web
    @.ci/wheels .ci/bench.txt .tools/bench
    @bench/engines/install "$@"
    @.ci/chromium
    cargo build --locked --release -p stoa -p bench
    @"${CARGO_TARGET_DIR:-target}/release/bench" "$@"

# Which rows of the contract are done, which in part, and which are open.
rows:
    @python3 .ci/rows.py

# kill -9 amid checkouts, then the audit: `just crash --trials 500 --database postgres`.
crash *arguments: tools
    CRASH="$*" cargo test --locked --quiet --workspace --test it -- --ignored --exact crash::by_hand --nocapture

# Rows of the plan that `just test` runs smaller, at the size they are written at.
full *arguments: tools web
    cargo nextest run --locked --workspace --run-ignored only --no-capture -E 'test(/(^|::)at_full_size_/)' "$@"

# The security rows, one line for each: `just security S-05`; `--sabotage` breaks each on purpose and wants it red.
security *arguments: tools web
    @.ci/security "$@"

# Bytes that break a parser, searched with libFuzzer: `just fuzz token 600`; without a target 60 s for each.
fuzz *arguments:
    @.ci/fuzz "$@"

# Small mistakes in code that must have none: does a test notice? `just mutants money saga`, `just mutants all`.
mutants *arguments: tools
    @.ci/mutants "$@"

# Everything that must pass before a change lands.
ci:
    .ci/all {{ just }}

# Programs the tests run: nextest, PostgreSQL.
tools:
    @.ci/wheels .ci/tools.txt .tools/py

[private]
lint-tools:
    @.ci/wheels .ci/lint.txt .tools/lint

# The web client's packages.
[private]
web-modules:
    @.ci/web modules

# The built web client.
[private]
web:
    @.ci/web build
