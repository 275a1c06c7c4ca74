# shellcheck shell=bash
# What the scripts say, and how they wait. Sourced by ../mnemolite, which sets $log, the file that keeps what is not shown.

bold='' dim='' green='' yellow='' red='' plain='' animate=false
if [[ -t 1 ]]; then
    animate=true
    if [[ -z ${NO_COLOR:-} ]]; then
        bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' yellow=$'\e[33m' red=$'\e[31m' plain=$'\e[0m'
    fi
fi

begun=0 # when the step at work began, in milliseconds
child=  # its process, while `run` waits for it

now() { echo $((${EPOCHREALTIME//[.,]/} / 1000)); }
begin() { begun=$(now); }

ok() { # WHAT IS DONE
    local took=$(($(now) - begun))
    if ((took < 10000)); then took=$((took / 1000)).$((took % 1000 / 100)); else took=$(((took + 500) / 1000)); fi
    echo "  ${green}✓${plain} $1 ${dim}($took s)${plain}"
}

note() { echo "  ${yellow}!${plain} $1"; }

fail() { # REASON WHAT-TO-DO…
    echo "${red}✗${plain} $1" >&2
    shift
    (($# == 0)) || printf '  %s\n' "$@" >&2
    exit 1
}

misused() {
    echo "${red}✗${plain} $1 ./mnemolite help shows what there is." >&2
    exit 2
}

# Asks again and again until the command succeeds, showing that it waits; fails once the limit has passed.
await() { # TEXT SECONDS COMMAND…
    local text=$1 limit=$(($2 * 1000)) start waited told=false frames=(⠋ ⠙ ⠸ ⠴ ⠦ ⠇) frame=0 result=0
    shift 2
    start=$(now)
    until "$@"; do
        waited=$(($(now) - start))
        if ((waited > limit)); then
            result=1
            break
        elif [[ $animate == true ]]; then
            printf '\r  %s %s … %d s\e[K' "${frames[frame++ % ${#frames[@]}]}" "$text" $((waited / 1000))
        elif [[ $told == false ]] && ((waited > 2000)); then
            echo "  … $text"
            told=true
        fi
        sleep 0.1
    done
    [[ $animate == false ]] || printf '\r\e[K'
    return "$result"
}

# Runs a command, its output kept in the log; where it fails the log's end is shown, and the script ends.
run() { # TEXT COMMAND…
    local text=$1 result=0
    shift
    begin
    : >"$log"
    set -m # in a process group of its own: an interrupted script can end all of it
    (
        set +m
        exec 8>&- 9>&- # no lock outlives the script in what it starts
        "$@"
    ) </dev/null >>"$log" 2>&1 &
    child=$!
    set +m
    await "$text" 7200 has_ended "$child"
    wait "$child" || result=$?
    child=
    ((result == 0)) && return
    { grep -E '(: error |^E: |^error)' "$log" | sort -u || tail -n 20 "$log"; } | sed 's/^/    /' >&2
    keep_log=true
    fail "$text did not work (exit code $result)." "The whole output is in $log."
}

has_ended() { ! kill -0 "$1" 2>/dev/null; }

# Ends what `run` waits for; what must not be cut short (an installation) ignores that and is waited for.
end_run() {
    [[ -n $child ]] || return 0
    trap '' INT TERM HUP
    kill -TERM -- "-$child" 2>/dev/null || true
    await 'Ending what was begun' 600 has_ended "$child" || true
    child=
}
