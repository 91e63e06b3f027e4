# Installs what is missing; sourced by ./run and ./check.  With everything in place it costs a few
# milliseconds: packages are asked for only when dpkg does not know them all.

build_packages="g++ cmake ninja-build ccache libboost1.81-dev libboost-json1.81-dev
    libboost-url1.81-dev libssl-dev libexpected-dev libtomlplusplus-dev libcli11-dev
    libfmt-dev prometheus-cpp-dev zlib1g-dev libutf8proc-dev libsqlite3-dev"
# The kernel path (turn.fastpath); without them the program is built without it.
kernel_packages="clang libbpf-dev"
check_packages="clang clang-tidy clang-format lld llvm libclang-rt-14-dev libgtest-dev libgmock-dev
    curl chromium firefox-esr coturn openssl iproute2 nftables ethtool bpftool python3"
e2e_packages="libnss3-tools"
clients_packages="golang-go golang-github-pion-turn.v2-dev golang-github-pion-dtls.v2-dev python3-aioice
    python3-aiortc python3-websockets python3-gi gir1.2-gstreamer-1.0 gir1.2-nice-0.1
    gstreamer1.0-nice"
natlab_packages="libnss3-tools python3-aioice"
instructions_packages="libbenchmark-dev valgrind"
bench_packages="liburing-dev"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
    local missing=()
    local package
    for package in "$@"; do
        [ -e "/var/lib/dpkg/info/$package.list" ] || [ -e "/var/lib/dpkg/info/$package:amd64.list" ] ||
            [ -e "/var/lib/dpkg/info/$package:arm64.list" ] || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return
    echo "Installing: ${missing[*]}" >&2
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# Debian's node, unless there is one already.
install_node() {
    command -v node >/dev/null && command -v npm >/dev/null || install_packages nodejs npm
}

# npm_ci FOLDER: once, and again when the lock file has changed.
npm_ci() {
    local stamp="$1/node_modules/.installed"
    [ -e "$stamp" ] && [ ! "$1/package-lock.json" -nt "$stamp" ] && return
    npm ci --prefix "$1" --no-audit --no-fund --loglevel=error >&2
    touch "$stamp"
}

# build PRESET TARGET...  What is built depends on which packages there are.
build() {
    local preset="$1"
    shift
    [ "build/$preset/build.ninja" -nt /var/lib/dpkg/status ] || cmake --preset "$preset" >"build-$preset.log" 2>&1 ||
        { cat "build-$preset.log" >&2; return 1; }
    rm -f "build-$preset.log"
    ninja -C "build/$preset" --quiet "$@" >&2
}
