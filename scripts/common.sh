# What the entry scripts share: packages, and building by preset. To be sourced by bash.
# shellcheck shell=bash disable=SC2034

build_packages=(
  g++ cmake ninja-build pkg-config ccache python3
  libzmq3-dev cppzmq-dev capnproto libcapnp-dev libspdlog-dev libgtest-dev libcli11-dev
  libtomlplusplus-dev nlohmann-json3-dev
)
# Only ./test --all needs these.
all_packages=(
  clang clang-format clang-tidy libclang-rt-14-dev iproute2 nftables shellcheck libjemalloc-dev
)

# What was compiled is found again in another clone, and in the copy that has the planted bugs.
export CCACHE_BASEDIR="${CCACHE_BASEDIR:-$PWD}" CCACHE_NOHASHDIR=1

say() { printf '\n== %s\n' "$*"; }

is_installed() {
  [[ "$(dpkg-query -W -f='${Status}' "$1" 2>/dev/null)" == "install ok installed" ]]
}

# Installs those of the named Debian packages that are missing, or says which they are and fails.
install_packages() {
  local missing=() package
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then return 0; fi

  local as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
      echo "These Debian packages are missing: ${missing[*]}" >&2
      echo "Install them as root: apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo -n)
  fi
  say "Installing ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null
}

# configure_and_build PRESET [--target TARGET...]
configure_and_build() {
  local preset="$1" output
  shift
  say "Building $preset"
  if ! output="$(cmake --preset "$preset" 2>&1)"; then
    printf '%s\n' "$output" >&2
    return 1
  fi
  cmake --build --preset "$preset" --parallel "$(nproc)" "$@"
}
