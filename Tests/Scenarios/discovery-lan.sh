#!/bin/bash
# Discovery on a LAN of two hosts: `a` runs avahi-daemon, `b` does not. Both are network namespaces on a bridge.
#
# Usage: discovery-lan.sh PROBE
# PROBE is the DiscoveryProbe executable. Prints a line for each thing that was checked; exits 1 at the first that is
# not so, with what the probes said. Needs: iproute2, nftables, avahi-daemon, avahi-utils, dbus-daemon; root.
# Ends within 90 s.
#
# Everything lives in a process namespace of its own: whatever happens to this script, no process, network namespace or
# mount survives it.

if [ "$1" != inside ]; then
    folder=$(mktemp -d) || exit 1
    timeout --kill-after=5 90 unshare --mount --net --pid --fork --kill-child --mount-proc \
        bash "$0" inside "$1" "$folder"
    status=$?
    rm -rf "$folder"
    exit $status
fi
probe=$2
folder=$3
PATH=$PATH:/usr/sbin:/sbin

fail() {
    echo "FAILED: $*"
    for file in "$folder"/*.out "$folder"/*.err "$folder"/*.txt; do
        [ -s "$file" ] && echo "--- ${file##*/}" && cat "$file"
    done
    exit 1
}
ok() { echo "ok: $*"; }
# on HOST COMMAND...; `become` is the same in place of the shell, so that its process is the command's.
become() {
    local host=$1
    shift
    exec env DBUS_SYSTEM_BUS_ADDRESS="unix:path=$folder/bus-$host" nsenter -t "${holder[$host]}" -n "$@"
}
on() { (become "$@"); }
# expect FILE PATTERN SECONDS WHAT [FROM]: a line after line FROM matches
expect() {
    local deadline=$((SECONDS + $3))
    until tail -n "+$((${5:-0} + 1))" "$folder/$1" 2>/dev/null | grep -qE "$2"; do
        [ $SECONDS -lt $deadline ] || fail "$4 (no line of $1 matches $2 within $3 s)"
        sleep 0.05
    done
    ok "$4"
}
lines() { wc -l <"$folder/$1"; }

declare -A holder
ip link add br0 type bridge forward_delay 0 mcast_snooping 0 && ip link set br0 up || fail "no bridge"
number=1
for host in a b; do
    unshare --net sleep 120 &
    holder[$host]=$!
    until [ "$(readlink "/proc/${holder[$host]}/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
    ip link add "port-$host" type veth peer name eth0 netns "${holder[$host]}" || fail "no veth for $host"
    ip link set "port-$host" master br0 up
    on $host ip link set lo up
    on $host ip address add "10.77.0.$number/24" dev eth0
    on $host ip address add "fd77::$number/64" dev eth0 nodad
    on $host ip link set eth0 up
    number=$((number + 1))
done

cat >"$folder/bus.conf" <<END
<busconfig><type>system</type><listen>unix:path=$folder/bus-a</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="org.freedesktop.Avahi"/><allow send_destination="*"/>
<allow receive_sender="*"/></policy></busconfig>
END
printf '[server]\nhost-name=hosta\nallow-interfaces=eth0\nenable-dbus=yes\n[rlimits]\n' >"$folder/avahi.conf"
start_daemon() {
    # The place of its process id is compiled in, so it gets a /run of its own.
    become a unshare --mount bash -c 'mount -t tmpfs tmpfs /run && mkdir /run/avahi-daemon &&
        exec avahi-daemon -f "$1" --no-drop-root --no-chroot' - "$folder/avahi.conf" >>"$folder/avahi.err" 2>&1 &
    daemon=$!
}
on a dbus-daemon --config-file="$folder/bus.conf" --nofork --nopidfile 2>"$folder/dbus.err" &
until [ -S "$folder/bus-a" ]; do sleep 0.05; done
start_daemon
expect avahi.err 'Server startup complete' 15 'avahi-daemon runs on a'

# start HOST NAME ARGUMENTS...: its commands go to the file descriptor ${to[NAME]}
declare -A to process
start() {
    local host=$1 name=$2 descriptor
    shift 2
    mkfifo "$folder/$name.in"
    become "$host" "$probe" "name=$name" "$@" <"$folder/$name.in" >"$folder/$name.out" 2>"$folder/$name.err" &
    process[$name]=$!
    exec {descriptor}>"$folder/$name.in"
    to[$name]=$descriptor
}
tell() { echo "$2" >&"${to[$1]}"; }

start a one id=a1 port=7001 patience=60
expect one.out 'status discovery runs by the daemon back end' 10 'auto takes the daemon where it answers'
start b two id=b2 port=7002 api=8443
expect two.out 'status discovery runs by the embedded back end' 10 'auto embeds where no daemon answers'
expect two.out 'status multicast works' 5 'multicast is heard on b'
expect one.out 'found b2 two idle .*10\.77\.0\.2:7002' 5 'the daemon back end finds the embedded one over IPv4'
expect one.out 'found b2 two idle .*\[fd77::2\]:7002' 5 'and over IPv6'
expect two.out 'found a1 one idle .*10\.77\.0\.1:7001' 5 'the embedded back end finds the one at the daemon'
start b three id=c3 port=7003
expect two.out 'found c3 three idle .*10\.77\.0\.2:7003' 5 'two embedded peers of one host find each other'

on a timeout 10 avahi-browse -rpt _palmier._tcp >"$folder/browse.txt" 2>&1
for line in '=;eth0;IPv4;one.*;hosta.local;10.77.0.1;7001;.*"txtvers=1"' \
    '=;eth0;IPv4;two.*;palmier-b200000000000000.local;10.77.0.2;7002;.*"api=8443"' '=;eth0;IPv6;two'; do
    grep -q "$line" "$folder/browse.txt" || fail "avahi-browse does not show $line"
done
ok 'an unmodified avahi-browse sees what both back ends publish'
subtype() { # subtype NAME PEER yes|no
    local seen deadline=$((SECONDS + 8))
    while :; do
        on a timeout 10 avahi-browse -pt "_$1._sub._palmier._tcp" >"$folder/subtype.txt" 2>&1
        seen=no
        grep -q ";$2.032" "$folder/subtype.txt" && seen=yes
        [ $seen = "$3" ] && break
        [ $SECONDS -lt $deadline ] || fail "avahi-browse of _$1 shows $2: $seen"
    done
    ok "avahi-browse of _$1 shows $2: $3"
}
subtype master two yes
subtype master one no
subtype idle one yes
tell one 'state worker'
tell two 'state coordinator'
expect two.out 'found a1 one worker' 5 'a change through the daemon arrives'
expect one.out 'found b2 two coordinator' 5 'a change through the embedded back end arrives'
subtype worker one yes
subtype idle one no
subtype coordinator two yes
subtype idle two no

from=$(lines one.out)
on b ip address del 10.77.0.2/24 dev eth0
on b ip address add 10.77.0.99/24 dev eth0
expect one.out 'found b2 .*10\.77\.0\.99:7002' 10 "another address of the host is published" "$from"

from=$(lines two.out)
kill "$daemon"
wait "$daemon" 2>/dev/null
expect one.out 'status avahi-daemon went away' 5 'a lost daemon is told'
expect two.out 'vanished a1 ended=false' 10 'its peers are not taken for ended' "$from"
start_daemon
expect one.out 'status avahi-daemon is back' 15 'a daemon that returns is told'
expect two.out 'found a1 one worker' 10 'and the peer is published again' "$from"
[ "$(grep -c 'vanished' "$folder/one.out")" = 0 ] || fail 'the loss of the daemon made peers vanish'
ok 'the loss of the daemon makes nobody vanish'

start a fallback id=d4 port=7004 patience=1
expect fallback.out 'found b2' 5 'another peer on a'
kill "$daemon"
wait "$daemon" 2>/dev/null
expect fallback.out 'embedded back end: avahi-daemon was lost' 10 'auto embeds when the daemon does not return'
start_daemon

from=$(lines two.out)
expect two.out 'found a1 one worker' 15 'the peer at the daemon is back' "$from"
tell one withdraw
expect one.out 'withdrawn' 5 'withdrawing ends'
expect two.out 'vanished a1 ended=true' 5 'a withdrawn peer has ended'

start b four id=e5 port=7005 ttl=3
expect two.out 'found e5 four' 5 'one more peer on b'
{ kill -KILL "${process[four]}" && wait "${process[four]}"; } 2>/dev/null
expect two.out 'vanished e5 ended=false' 10 'a killed peer vanishes without having ended'

on b nft add table inet t
on b nft 'add chain inet t input { type filter hook input priority 0; }'
on b nft add rule inet t input udp dport 5353 drop
before=$SECONDS
start b deaf id=f6 port=7006
expect deaf.out 'status multicast does not work on this link: .*--join' 5 'a link without multicast is told within 5 s'
on b nft delete table inet t
expect deaf.out 'status multicast works' 20 'and so is its return'
for name in one two three fallback deaf; do tell $name stop; done
expect two.out 'stopped' 5 'all ends'
