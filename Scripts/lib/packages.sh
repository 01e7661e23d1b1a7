# shellcheck shell=bash
# The Debian packages that building, running and testing need. Needs output.sh.

# One package a word; the comment says who needs it.
required_packages=(
    libavahi-client-dev libavahi-core-dev pkg-config # Discovery links both Avahi libraries
    libsqlite3-dev                                   # Storage, through GRDB
    supervisor bubblewrap                            # the agent: supervises and isolates instances
    memcached redis-server postgresql                # the releases in examples/
    avahi-daemon avahi-utils dbus                    # a LAN whose hosts run the system's Avahi
    iproute2 iputils-ping nftables                   # a LAN of network namespaces, and its partitions
    dnsmasq-base                                     # a name server for `--join NAME` in end-to-end tests
    libfaketime curl openssl                         # end-to-end tests: clocks that are off, doors that hear garbage
    spin gcc libc6-dev                               # the formal models
    python3-pip                                      # gets SNAKES for their Petri net
    hledger libxml2-utils                            # exports and invoices, read by other people's programs
    etcd-server                                      # what `palmier bench ledger` compares with
    protobuf-compiler                                # the wire schema's generated code, checked against its source
)

# Packages whose installation starts, and enables at boot, a service of the whole machine.
service_packages=(avahi-daemon etcd-server memcached postgresql redis-server supervisor)

# Prints the required packages that are not installed, one a line.
missing_packages() {
    local package
    for package in "${required_packages[@]}"; do
        # ${Status} would also be "deinstall ok config-files" after a removal.
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || printf '%s\n' "$package"
    done
}

# Installs what is missing, and leaves no service running or enabled that was not there before. Idempotent; when all is
# there it does nothing, and needs neither root nor network.
install_packages() {
    local missing
    if ! command -v dpkg-query >/dev/null; then
        fail "this machine has no dpkg: packages are installed by name on Debian only" \
            "install the counterparts of: ${required_packages[*]}; then go on with --only build and the parts after it"
        return 1
    fi
    mapfile -t missing < <(missing_packages)
    if ((${#missing[@]} == 0)); then
        say "all ${#required_packages[@]} Debian packages are installed"
        return 0
    fi
    if ((EUID != 0)); then
        fail "${#missing[@]} Debian packages are missing, and installing them needs root" \
            "run as root: apt-get install --no-install-recommends ${missing[*]}"
        return 1
    fi
    say "installing: ${missing[*]}"
    (install_without_services "${missing[@]}")
}

# The Python library that explores the formal models' Petri net, from PyPI into .build. Idempotent; without network when
# it is there.
install_snakes() {
    local python=/usr/bin/python3 # the one that SNAKES was tried with
    [[ -x $python ]] || python=python3
    "$python" Specs/bonjourgrid/net.py --install
}

# Runs in a subshell of its own: its trap is undone with it.
install_without_services() {
    # invoke-rc.d asks this program whether a service may start; 101 is "no" (Debian's invoke-rc.d, README.policy-rc.d).
    local policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" || {
        fail "apt-get could not install: $*" "its own words stand above; repair that and run this again"
        return 1
    }
    disable_new_services "$@"
}

# What was installed for the sake of tests must not start with the machine's next boot either.
disable_new_services() {
    command -v systemctl >/dev/null || return 0
    local package unit
    for package in "$@"; do
        [[ " ${service_packages[*]} " == *" $package "* ]] || continue
        while read -r unit; do
            systemctl disable --quiet "$unit" 2>/dev/null || warn "could not disable $unit, which came with $package"
        done < <(dpkg-query -L "$package" | sed -n -E 's,.*/systemd/system/([^/@]*\.(service|socket))$,\1,p' | sort -u)
        say "$package is installed but not enabled as a service: systemctl enable it if you want it for yourself"
    done
}
