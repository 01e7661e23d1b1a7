# shellcheck shell=bash
# Words on the terminal. Sourced by the scripts of this folder's parent; results go to standard output, all else to
# standard error, colour only on a terminal and never as the only sign.

if [[ -t 2 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
else
    bold='' red='' green='' yellow='' plain=''
fi

say() { printf '%s\n' "$*" >&2; }
heading() { printf '\n%s==> %s%s\n' "$bold" "$*" "$plain" >&2; }
warn() { printf '%swarning: %s%s\n' "$yellow" "$*" "$plain" >&2; }

# fail MESSAGE [REMEDY]: says both; the caller decides what to do with the status 1.
fail() {
    printf '%serror: %s%s\n' "$red" "$1" "$plain" >&2
    [[ -z ${2:-} ]] || printf '       %s\n' "$2" >&2
    return 1
}

# usage_error MESSAGE: ends with 64, the exit code of wrong usage everywhere in Palmier.
usage_error() {
    printf '%serror: %s%s\n' "$red" "$1" "$plain" >&2
    printf '       %s --help says what it takes\n' "$0" >&2
    exit 64
}
