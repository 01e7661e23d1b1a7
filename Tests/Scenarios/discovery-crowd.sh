#!/bin/bash
# A link of 1,000 machines: which of them do others find by multicast DNS, how soon, and at what cost?
#
# Usage: discovery-crowd.sh PROBE [MACHINES]
# PROBE is the DiscoveryProbe executable. Four hosts on a bridge: `crowd` has all machines, `m` a master with the embedded back
# end, `d` has avahi-daemon as Debian ships it, `e` only listens. Prints a line for each thing that was checked or measured; exits 1
# at the first that is not so. Needs: iproute2, avahi-daemon, avahi-utils, dbus-daemon; root. Ends within 4 minutes.
#
# Everything lives in a process namespace of its own: whatever happens to this script, no process, network namespace or
# mount survives it.

if [ "$1" != inside ]; then
    folder=$(mktemp -d) || exit 1
    timeout --kill-after=5 240 unshare --mount --net --pid --fork --kill-child --mount-proc \
        bash "$0" inside "$1" "${2:-1000}" "$folder"
    status=$?
    rm -rf "$folder"
    exit $status
fi
probe=$2
machines=$3
folder=$4
PATH=$PATH:/usr/sbin:/sbin

fail() {
    echo "FAILED: $*"
    for file in "$folder"/*.out "$folder"/*.err; do
        [ -s "$file" ] && echo "--- ${file##*/}" && tail -n 20 "$file"
    done
    exit 1
}
ok() { echo "ok: $*"; }
become() {
    local host=$1
    shift
    exec env DBUS_SYSTEM_BUS_ADDRESS="unix:path=$folder/bus-$host" nsenter -t "${holder[$host]}" -n "$@"
}
on() { (become "$@"); }
milliseconds() { local now=${EPOCHREALTIME/[.,]/}; echo $((now / 1000)); }

declare -A holder to
ip link add br0 type bridge forward_delay 0 mcast_snooping 0 && ip link set br0 up || fail "no bridge"
number=1
for host in crowd m d e; do
    unshare --net sleep 300 &
    holder[$host]=$!
    until [ "$(readlink "/proc/${holder[$host]}/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
    ip link add "port-$host" type veth peer name eth0 netns "${holder[$host]}" || fail "no veth for $host"
    ip link set "port-$host" master br0 up
    on $host ip link set lo up
    on $host ip address add "10.77.0.$number/16" dev eth0
    on $host ip link set eth0 up
    number=$((number + 1))
done

# daemon HOST: avahi-daemon with the limits that Debian ships, over IPv4 alone as the crowd is.
daemon() {
    cat >"$folder/bus-$1.conf" <<END
<busconfig><type>system</type><listen>unix:path=$folder/bus-$1</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="org.freedesktop.Avahi"/><allow send_destination="*"/>
<allow receive_sender="*"/></policy></busconfig>
END
    printf '[server]\nhost-name=host%s\nallow-interfaces=eth0\nenable-dbus=yes\nuse-ipv6=no\nratelimit-interval-usec=1000000\nratelimit-burst=1000\n[rlimits]\n' \
        "$1" >"$folder/avahi-$1.conf"
    become "$1" dbus-daemon --config-file="$folder/bus-$1.conf" --nofork --nopidfile 2>"$folder/dbus-$1.err" &
    until [ -S "$folder/bus-$1" ]; do sleep 0.05; done
    # The place of its process id is compiled in, so it gets a /run of its own.
    become "$1" unshare --mount bash -c 'mount -t tmpfs tmpfs /run && mkdir /run/avahi-daemon &&
        exec avahi-daemon -f "$1" --no-drop-root --no-chroot' - "$folder/avahi-$1.conf" >>"$folder/avahi-$1.err" 2>&1 &
    until grep -q 'Server startup complete' "$folder/avahi-$1.err"; do sleep 0.05; done
}

# start HOST NAME ARGUMENTS...: its commands go to the file descriptor ${to[NAME]}
start() {
    local host=$1 name=$2 descriptor
    shift 2
    mkfifo "$folder/$name.in"
    become "$host" "$probe" "name=$name" interfaces=eth0 seconds=280 "$@" \
        <"$folder/$name.in" >"$folder/$name.out" 2>"$folder/$name.err" &
    exec {descriptor}>"$folder/$name.in"
    to[$name]=$descriptor
}
tell() { echo "$2" >&"${to[$1]}"; }
counted() { grep -E '^[0-9]+ count ' "$folder/$1.out" | tail -n 1 | cut -d' ' -f3; }
# settled NAME LEAST SECONDS: the count has reached LEAST, or nothing has come for 20 s: who has lost an answer asks again after
# a second, and each time after twice as long
settled() {
    local deadline=$((SECONDS + $3)) last='' since=$SECONDS now
    while [ $SECONDS -lt $deadline ]; do
        now=$(counted "$1")
        [ "${now:-0}" -ge "$2" ] && break
        [ "$now" = "$last" ] || since=$SECONDS
        [ $((SECONDS - since)) -lt 20 ] || break
        last=$now
        sleep 0.2
    done
    counted "$1"
}
# What came out of the bridge to a host that only listens, in packets and bytes.
traffic() { awk '/eth0:/ { sub(/.*:/, ""); print $2, $1 }' <(on e cat /proc/net/dev); }

# Those that watch are there first, and are found themselves.
daemon d
start m master id=a1 mode=embedded browse=everyone api=8443 count=1
start d watcher id=d1 mode=daemon browse=everyone api=8443 count=1
start d machine id=d3 mode=daemon browse=masters count=1
start m alone id=a3 mode=embedded browse=everyone peers=16 count=1
settled machine 2 20 >/dev/null
[ "$(counted machine)" = 2 ] || fail "before the crowd a machine finds $(counted machine) of 2 masters"
ok 'a machine that browses for masters finds both, and nobody else'

began=$(milliseconds)
processes=4
for part in $(seq 0 $((processes - 1))); do
    start crowd "crowd$part" crowd=$((machines / processes)) first=$((part * machines / processes)) spread=2000
done
found=$(settled master $((machines + 3)) 70)
took=$(($(milliseconds) - began))
[ "${found:-0}" -ge $((machines + 3)) ] || fail "the master found ${found:-0} of $((machines + 3)) within 70 s"
ok "a master with the embedded back end finds all $machines machines and the three others, ${took} ms after the first came"
atDaemon=$(settled watcher $((machines + 3)) 60)
[ "${atDaemon:-0}" -ge $((machines < 500 ? machines : 500)) ] || fail "at the daemon ${atDaemon:-0} are found"
ok "a master at the daemon finds $atDaemon, for its cache holds 4,096 records"
[ "$(counted machine)" = 2 ] || fail "a machine that browses for masters watches $(counted machine)"
ok 'a machine still watches the two masters alone'
# Two masters, and 16 that it sees over one IP version each: where it sees them over both, half as many.
few=$(counted alone)
[ "$few" -ge 10 ] && [ "$few" -le 40 ] || fail "a machine without a master watches $few"
ok "a machine that looks for anybody watches $few: the masters, and a few others"

# A master that comes when the daemon's cache is full: the daemon does not know it, and who asks the link itself does.
start m second id=a2 mode=embedded browse=masters api=8444 port=7100 count=1
sleep 5
browsed=$(on d timeout 10 avahi-browse -pt _master._sub._palmier._tcp | grep -c '^+.*IPv4')
ok "avahi-browse shows $browsed of 3 masters"
start d late id=d4 mode=daemon browse=masters count=1
late=$(settled late 3 15)
[ "$late" = 3 ] || fail "a machine at a daemon whose cache is full finds $late of 3 masters"
ok 'a machine that starts now finds all three, by asking the link itself'

# rate NAME SECONDS: what a host that only listens gets, in a second
rate() {
    local before after
    before=($(traffic))
    sleep "$2"
    after=($(traffic))
    ok "$1: $(((after[0] - before[0]) / $2)) packets and $(((after[1] - before[1]) / $2)) bytes a second"
}
sleep 20
rate 'at rest' 30
for _ in $(seq 20); do
    for part in $(seq 0 $((processes - 1))); do tell "crowd$part" "churn 4"; done
    sleep 1
done &
rate 'with 16 changes a second, of load in nine of ten' 20
