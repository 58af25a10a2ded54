#!/bin/sh
# Makes the virtual environment that `make` works in, and only if it isn't there already.
#
#   systemd/bootstrap.sh appliance   what the gate needs (systemd/requirements.lock), and gatectl
#   systemd/bootstrap.sh screens     the same, and what the screens need (systemd/screens.lock, and Debian packages)
#   systemd/bootstrap.sh hub         the first, and what the central server needs (systemd/hub.lock)
#   systemd/bootstrap.sh tests       the same, and what the tests and checks need (tests/requirements.lock)
#   systemd/bootstrap.sh peers       the same, and what the bench compares with (tests/bench/requirements.lock)
#   systemd/bootstrap.sh browser     beside it, a browser for the test that walks the server's page
#
# Every package is pinned with its hashes. A stage counts as complete when its mark is there and names these very lock
# files, this place and this Python; an installation that was cut short leaves `unfinished`, and begins afresh.
# PYTHON names another Python than the first good one on the PATH, VENV another place than .venv.
set -eu
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
marks=$venv/.menshen
log=$venv/install.log
packages="python3 python3-venv"

say() { printf 'menshen: %s\n' "$*"; }

fail() {
    printf 'menshen: %s\n' "$*" >&2
    exit 1
}

# Runs a command with its output in the log; shows the log's end when it fails.
logged() {
    what=$1
    shift
    printf '\n$ %s\n' "$*" >>"$log"
    "$@" >>"$log" 2>&1 && return
    tail -n 25 "$log" >&2
    fail "$what failed; the whole story is in $log"
}

# A Python with everything that the environment is made of. 3.15 and later are unknown to the lock files.
suits() {
    "$1" -c 'import ensurepip, sqlite3, ssl, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null
}

find_python() {
    for python in ${PYTHON:-python3 python3.13 python3.12 python3.11 /usr/bin/python3}; do
        suits "$python" && return
    done
    return 1
}

# How to become root without being asked; fails where there is no such way.
as_root() {
    root=
    [ "$(id -u)" -eq 0 ] && return
    root="sudo -n"
    sudo -n true 2>/dev/null
}

install_python() {
    command -v apt-get >/dev/null || fail "Python 3.11 to 3.14 with its venv module is missing: install it, then try again"
    as_root || fail "Python is missing and installing it needs root. Type: sudo apt-get install -y $packages"
    say "installing $packages with apt-get"
    # shellcheck disable=SC2086  # the words are meant to be split
    logged "apt-get update" $root apt-get -o DPkg::Lock::Timeout=120 update
    # shellcheck disable=SC2086
    logged "apt-get install" $root env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $packages
    find_python || fail "this system's Python is not one of 3.11 to 3.14: name a newer one, as in make PYTHON=/path/to/python3 demo"
}

key_of() {
    case $1 in
    appliance) files="setup.py systemd/build.lock systemd/requirements.lock" ;;
    hub) files="systemd/hub.lock" ;;
    screens) files="systemd/screens.lock" ;;
    tests) files="systemd/build.lock tests/requirements.lock" ;;
    peers) files="tests/bench/requirements.lock" ;;
    *) fail "no such stage: $1 (appliance, screens, hub, tests or peers)" ;;
    esac
    # shellcheck disable=SC2086
    { pwd && cat $files && if [ "$1" = tests ]; then for_tests_missing; fi; } | sha256sum
}

ready() { [ "$(cat "$marks/$1" 2>/dev/null)" = "$(key_of "$1")" ]; }

healthy() { [ ! -e "$marks/unfinished" ] && ready appliance && "$venv/bin/python" -c '' 2>/dev/null; }

# Debian's names of what the tests of card readers need beside Python packages, as far as it isn't there.
native_missing() {
    building_missing
    command -v pcscd >/dev/null || [ -x /usr/sbin/pcscd ] || echo pcscd
    for library in /usr/lib/pcsc/drivers/serial/libifdvpcd.so /usr/lib/*/pcsc/drivers/serial/libifdvpcd.so; do
        [ ! -e "$library" ] || return 0
    done
    echo vsmartcard-vpcd
}

# All that tests need from Debian.
for_tests_missing() {
    native_missing
    database_missing
    screens_missing
    command -v Xvfb >/dev/null || echo xvfb
    command -v xdotool >/dev/null || echo xdotool
    command -v strace >/dev/null || echo strace
}

database_missing() { ls -d /usr/lib/postgresql/*/bin >/dev/null 2>&1 || echo postgresql; }

# The part of it that building pyscard needs.
building_missing() {
    command -v gcc >/dev/null || echo gcc
    [ -e /usr/include/stdio.h ] || echo libc6-dev
    [ -e /usr/include/PCSC/winscard.h ] || echo libpcsclite-dev
    "$venv/bin/python" -c 'import os, sysconfig; open(os.path.join(sysconfig.get_path("include"), "Python.h"))' \
        2>/dev/null || echo python3-dev
}

# Where PyPI has no PyQt5 for this machine, it is Debian's.
has_qt_wheel() { [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ]; }

chinese_font() {
    for font in /usr/share/fonts/truetype/wqy/wqy-microhei.ttc /usr/share/fonts/*/noto*/NotoSansCJK*; do
        [ ! -e "$font" ] || return 0
    done
    return 1
}

# Debian's names of what the screens need, as far as it isn't there: a font with Chinese glyphs, Qt's X11 libraries. The
# font is 1.6 MB to fetch and has all of GB 2312; of the 55 MB of fonts-noto-cjk most is for Japanese and Korean.
screens_missing() {
    chinese_font || echo fonts-wqy-microhei
    if ! has_qt_wheel; then
        /usr/bin/python3 -c 'import PyQt5.QtWidgets' 2>/dev/null || echo python3-pyqt5
        return
    fi
    for pair in libGL.so.1:libgl1 libEGL.so.1:libegl1 libfontconfig.so.1:libfontconfig1 libdbus-1.so.3:libdbus-1-3 \
        libglib-2.0.so.0:libglib2.0-0 libxkbcommon-x11.so.0:libxkbcommon-x11-0 libxcb-icccm.so.4:libxcb-icccm4 \
        libxcb-image.so.0:libxcb-image0 libxcb-keysyms.so.1:libxcb-keysyms1 libxcb-randr.so.0:libxcb-randr0 \
        libxcb-render-util.so.0:libxcb-render-util0 libxcb-shape.so.0:libxcb-shape0 \
        libxcb-xinerama.so.0:libxcb-xinerama0 libxcb-xkb.so.1:libxcb-xkb1; do
        for library in /usr/lib/*/"${pair%%:*}" /usr/lib64/"${pair%%:*}" /usr/lib/"${pair%%:*}"; do
            [ ! -e "$library" ] || continue 2
        done
        echo "${pair#*:}"
    done
}

# Lets the environment see Debian's PyQt5. It fits Debian's own Python alone.
borrow_qt() {
    has_qt_wheel && return
    theirs=$(/usr/bin/python3 -c 'import os, PyQt5; print(os.path.dirname(PyQt5.__file__))' 2>/dev/null) || return 0
    ours=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    ln -sfn "$theirs" "$ours/PyQt5"
    "$venv/bin/python" -c 'import PyQt5.QtWidgets' 2>>"$log" && return
    rm -f "$ours/PyQt5"
    say "Debian's PyQt5 is not for $("$venv/bin/python" --version): make the environment with PYTHON=/usr/bin/python3"
}

# Tries to install Debian packages, named after the sentence that says what is the matter without them.
try_apt() {
    without=$1
    shift
    [ $# -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null || ! as_root; then
        say "$without: $*"
        return 1
    fi
    say "installing $* with apt-get"
    # shellcheck disable=SC2086
    { $root apt-get -o DPkg::Lock::Timeout=120 update && $root env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@"; } >>"$log" 2>&1 && return
    say "that failed (see $log). $without: $*"
    return 1
}

# Tries to have a real pcscd, a real PostgreSQL and a real display for the tests. Without them some are skipped: nothing
# here is a failure.
install_native() {
    wanted=$(for_tests_missing | tr '\n' ' ')
    # shellcheck disable=SC2086
    try_apt "the tests that need these will be skipped" $wanted || return 0
    # vpcd listens on all addresses: what came for the tests does not run unless they start it.
    case $wanted in
    *pcscd*) $root systemctl disable --now pcscd.socket pcscd.service >>"$log" 2>&1 || true ;;
    esac
    case $wanted in
    *postgresql*) $root systemctl disable --now postgresql >>"$log" 2>&1 || true ;;
    esac
}

# A browser and its driver, for the test that walks the server's page. Without them it is skipped.
browser() {
    tests
    wanted=
    command -v chromium >/dev/null || wanted=chromium
    command -v chromedriver >/dev/null || wanted="$wanted chromium-driver"
    # shellcheck disable=SC2086
    try_apt "the test in a browser will be skipped; it needs" $wanted || true
}

# The tests' lock, without pyscard where it can't be built.
test_lock() {
    if [ -z "$(building_missing)" ]; then
        cat tests/requirements.lock
    else
        awk '/^[a-zA-Z]/ { wanted = !/^pyscard==/ } wanted' tests/requirements.lock
    fi
}

# Two packages come as source alone and are built: face_recognition_models (it is data), and pyscard with swig. The
# builds use setuptools and swig of build.lock, since pip's isolated builds would fetch some without a hash.
pip_install() {
    PATH="$(cd "$venv/bin" && pwd):$PATH" "$venv/bin/python" -m pip --disable-pip-version-check --no-input install \
        --progress-bar off --no-build-isolation --use-pep517 \
        --only-binary :all: --no-binary face_recognition_models,pyscard "$@"
}

# Clears the place. An environment that somebody else made there is put aside, not deleted.
make_room() {
    if [ -d "$marks" ] || [ ! -e "$venv" ]; then
        rm -rf "$venv"
    else
        [ ! -e "$venv.before" ] || fail "$venv and $venv.before were not made by this Makefile: remove one of them"
        say "$venv was not made by this Makefile: kept as $venv.before"
        mv "$venv" "$venv.before"
    fi
    mkdir -p "$marks"
    : >"$marks/unfinished"
}

appliance() {
    healthy && return
    make_room
    find_python || install_python
    say "making $venv with $("$python" --version) (about 200 MB to fetch, once; progress in $log)"
    logged "making $venv" "$python" -m venv "$venv"
    logged "installing the build tools" pip_install --require-hashes -r systemd/build.lock
    logged "installing the libraries" pip_install --require-hashes -r systemd/requirements.lock
    logged "installing gatectl" pip_install --no-deps --editable .
    rm -rf menshen.egg-info build
    finish appliance
}

screens() {
    appliance
    if ! ready screens; then
        : >"$marks/unfinished"
        say "adding PyQt5 to $venv"
        logged "installing the screens' libraries" pip_install --require-hashes -r systemd/screens.lock
        finish screens
    fi
    # shellcheck disable=SC2046
    try_apt "the screens may lack glyphs, or not open at all; install" $(screens_missing) || true
    borrow_qt
}

hub() {
    appliance
    ready hub && return
    : >"$marks/unfinished"
    say "adding what the central server needs to $venv"
    logged "installing the server's libraries" pip_install --require-hashes -r systemd/hub.lock
    finish hub
}

tests() {
    appliance
    ready tests && return
    : >"$marks/unfinished"
    say "adding the test tools to $venv"
    install_native
    test_lock >"$venv/tests.lock"
    logged "installing the test tools" pip_install --require-hashes -r "$venv/tests.lock"
    borrow_qt
    finish tests
}

peers() {
    appliance
    ready peers && return
    rm -rf "$venv/peers"
    say "fetching the bench's peers into $venv/peers"
    logged "installing the peers" pip_install --require-hashes --no-deps --target "$venv/peers" -r tests/bench/requirements.lock
    finish peers
}

finish() {
    key_of "$1" >"$marks/$1"
    rm -f "$marks/unfinished"
}

exec 9<"$0"
flock 9 # two makes at once take turns
case ${1:-} in
appliance | screens | hub | tests | peers | browser) "$1" ;;
*) fail "usage: systemd/bootstrap.sh appliance|screens|hub|tests|peers|browser" ;;
esac
