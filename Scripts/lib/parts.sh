# shellcheck shell=bash
# Runs named parts one after the other, keeps a log of each, and says at the end how each went. Needs output.sh.
#
#     part NAME 'WHAT IT DOES' FUNCTION [PART THAT MUST HAVE PASSED]
#     run_parts LOG_DIRECTORY [NAME…]        # all, or those named; status 1 when any failed
#
# A part's function returns 0 for passed, 75 for skipped (its last line says why), anything else for failed.

skipped_status=75 # EX_TEMPFAIL
part_names=() part_order=()
declare -A part_text part_function part_needs part_result part_seconds

part() {
    part_names+=("$1")
    part_text[$1]=$2 part_function[$1]=$3 part_needs[$1]=${4:-}
}

list_parts() {
    local name
    for name in "${part_names[@]}"; do printf '%-12s %s\n' "$name" "${part_text[$name]}"; done
}

is_part() { [[ -n ${part_text[${1:-none}]:-} ]]; }

run_parts() {
    local logs=$1 name failed=0
    shift
    mkdir -p "$logs"
    # In the order in which they were declared, whatever the order of asking.
    for name in "${part_names[@]}"; do
        (($# == 0)) || [[ " $* " == *" $name "* ]] || continue
        part_order+=("$name")
    done
    for name in "${part_order[@]}"; do
        run_part "$name" "$logs/$name.log"
        [[ ${part_result[$name]} != failed ]] || failed=1
    done
    summary "$logs"
    return "$failed"
}

run_part() {
    local name=$1 log=$2 needs=${part_needs[$1]} start=$EPOCHREALTIME status
    heading "$name: ${part_text[$name]}"
    if [[ -n $needs && ${part_result[$needs]:-passed} == failed ]]; then
        say "not run: it needs $needs, which failed"
        part_result[$name]=skipped part_seconds[$name]=0.0
        return
    fi
    # A process group of its own is not made: Ctrl-C must reach the part.
    (
        export PALMIER_TEST_RUN="$$-$name"
        "${part_function[$name]}"
        status=$?
        unset PALMIER_TEST_RUN # the search must not find itself
        # Before the pipe to tee is waited for: what lives on holds it open.
        end_survivors "$$-$name" || ((status)) || status=1
        exit "$status"
    ) 2>&1 | tee "$log" >&2
    status=${PIPESTATUS[0]}
    part_seconds[$name]=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
    case $status in
        0) part_result[$name]=passed ;;
        "$skipped_status") part_result[$name]=skipped ;;
        *) part_result[$name]=failed ;;
    esac
    say "$name ${part_result[$name]} after ${part_seconds[$name]} s"
}

# bounded SECONDS COMMAND…: runs it, and says so when its time is over.
bounded() {
    local seconds=$1 status
    shift
    timeout --kill-after=10 "$seconds" "$@"
    status=$?
    ((status != 124 && status != 137)) || fail "'$*' did not end within $seconds s" "its last words stand above"
    return "$status"
}

# Ends the processes that a part has started and left behind; 1 when there were any. They are known by a variable that
# they inherited: their parents may be gone, and a test runner does not always take its children along.
end_survivors() {
    local pid found=0
    for pid in $(grep -lzx "PALMIER_TEST_RUN=$1" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3); do
        fail "process $pid was left behind, and is ended now: $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"
        kill -KILL "$pid" 2>/dev/null
        found=1
    done
    return "$found"
}

summary() {
    local logs=$1 name colour total=0
    heading 'Summary'
    printf '%-12s %-8s %9s  %s\n' PART RESULT SECONDS LOG
    for name in "${part_order[@]}"; do
        case ${part_result[$name]} in
            passed) colour=$green ;;
            failed) colour=$red ;;
            *) colour=$yellow ;;
        esac
        [[ -t 1 ]] || colour=''
        printf '%-12s %s%-8s%s %9s' "$name" "$colour" "${part_result[$name]}" "${colour:+$plain}" \
            "${part_seconds[$name]}"
        if [[ ${part_result[$name]} == passed ]]; then printf '\n'; else printf '  %s\n' "$logs/$name.log"; fi
        total=$(awk -v a="$total" -v b="${part_seconds[$name]}" 'BEGIN { printf "%.1f", a + b }')
    done
    printf '%-12s %-8s %9s\n' total '' "$total"
    # What failed, once more: a long log hides it, and some see only its end.
    for name in "${part_order[@]}"; do
        [[ ${part_result[$name]} == failed ]] || continue
        heading "$name: what failed"
        grep -aE -A4 '^(✘|.*(error|violation|failed):)' "$logs/$name.log" | tail -n 40 || tail -n 20 "$logs/$name.log"
    done
}
