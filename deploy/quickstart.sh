#!/usr/bin/env bash
# The first command: installs, builds, and runs all of Rollcall against stand-ins on this machine, while HR changes step by step.
# shellcheck disable=SC2016  # the dollars are jq's
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=$root/build/bin
kept=$root/build/quickstart.kept

people=50
seed=7
keep=no
scratch=""
started_at=$SECONDS
names=() pids=() task_pid=""

usage() {
    cat <<'END_OF_USAGE'
Usage: deploy/quickstart.sh [--people N] [--keep] [--seed N]
       deploy/quickstart.sh --stop

  --people N  size of the company, 20 to 50000 (default 50)
  --seed N    another company (default 7)
  --keep      leave everything running at the end, and print the addresses
  --stop      end what --keep left running

Stand-ins of Kombo, Learn Amp and Kafka, one producer and one consumer run on this machine only; nothing is sent anywhere else.
END_OF_USAGE
}

# --- what is printed ------------------------------------------------------------------------------------------------

if [ -t 1 ]; then live=yes; else live=no; fi
bold="" dim="" plain=""
if [ $live = yes ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; fi

die() {
    echo "quickstart.sh: $*" >&2
    exit 1
}

heading() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
label() { printf '\n%s%s%s\n' "$dim" "$1" "$plain"; }

# task WHAT COMMAND…: runs it with its words in a log; says how long it took, or shows the log's end.
task() {
    local what=$1 log=$scratch/task.log since=$SECONDS said=$SECONDS pid code=0
    shift
    if [ $live = no ]; then echo "$what …"; fi
    # A process group of its own, so that an interrupt ends all of it.
    set -m
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    set +m
    task_pid=$pid
    while kill -0 $pid 2>/dev/null; do
        if [ $live = yes ]; then
            printf '\r\e[K%s … %s' "$what" "$(progress_of "$log" $((SECONDS - since)))"
        elif [ $((SECONDS - said)) -ge 30 ]; then
            said=$SECONDS
            echo "  … $(progress_of "$log" $((SECONDS - since)))"
        fi
        sleep 0.2
    done
    wait $pid || code=$?
    task_pid=""
    if [ $code != 0 ]; then
        if [ $live = yes ]; then echo; fi
        tail -n 25 "$log" >&2
        cp "$log" "$root/build/quickstart.log"
        die "$what failed; its last words are above, all of them in build/quickstart.log"
    fi
    if [ $live = yes ]; then printf '\r\e[K%s: done (%s s)\n' "$what" $((SECONDS - since)); fi
}

# Seconds, and how far ninja is.
progress_of() {
    local steps
    steps=$(grep -o '^\[[0-9]*/[0-9]*\]' "$1" 2>/dev/null | tail -n 1 || true)
    echo "$2 s${steps:+ $steps}"
}

# Rows of a JSON list of lists as a table, as the programs print theirs: wide characters take two columns.
table() {
    jq -r --arg heads "$1" --arg bold "$bold" --arg plain "$plain" '
        def width: [explode[] | if (. >= 4352 and . <= 4447) or (. >= 11904 and . <= 42191) or (. >= 44032 and . <= 55203)
            or (. >= 63744 and . <= 64255) or (. >= 65280 and . <= 65376) then 2 else 1 end] | add // 0;
        ([($heads | split("|"))] + map(map(. // "" | tostring))) as $rows
        | ($rows | transpose | map(map(width) | max)) as $widths
        | $rows | to_entries[]
        | .key as $row
        | [[.value, $widths] | transpose[] | .[0] + (" " * (.[1] - (.[0] | width)) // "")] | join("  ") | sub(" +$"; "")
        | if $row == 0 then $bold + . + $plain else . end'
}

# --- processes ------------------------------------------------------------------------------------------------------

# A process is known by its id and its start time: the id alone may have passed to somebody else.
born() { awk '{sub(/.*\) /, ""); print $20}' "/proc/$1/stat" 2>/dev/null || true; }

# start NAME COMMAND…
start() {
    local name=$1
    shift
    # A session of its own: a terminal's Ctrl-C reaches this script alone, which ends all in order.
    setsid "$@" >"$scratch/$name.log" 2>&1 </dev/null &
    names+=("$name")
    pids+=($!)
    disown $!
}

end_all() {
    local pid waited=0
    for pid in "$@"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "$@"; do
        while kill -0 "$pid" 2>/dev/null; do
            sleep 0.05
            waited=$((waited + 1))
            if [ $waited = 200 ]; then kill -KILL "$@" 2>/dev/null || true; fi
            if [ $waited = 300 ]; then return; fi
        done
    done
}

finish() {
    local code=$? i
    trap - EXIT INT TERM
    if [ -n "$task_pid" ]; then kill -TERM -- "-$task_pid" 2>/dev/null || true; fi
    if [ -z "$scratch" ]; then exit $code; fi
    if [ $code = 0 ] && [ $keep = yes ]; then exit 0; fi
    # Whoever needs the others goes first: consumer, producer, then the stand-ins.
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do end_all "${pids[i]}"; done
    if [ $code = 0 ] || [ $code = 130 ] || [ ${#pids[@]} = 0 ]; then
        rm -rf "$scratch"
    else
        echo "quickstart.sh: the logs and the configuration are in $scratch" >&2
    fi
    exit $code
}

check_alive() {
    local i
    for ((i = 0; i < ${#pids[@]}; i++)); do
        kill -0 "${pids[i]}" 2>/dev/null && continue
        if [ $live = yes ]; then echo; fi
        tail -n 15 "$scratch/${names[i]}.log" >&2
        die "${names[i]} has ended; its last words are above"
    done
}

# await WHAT SECONDS COMMAND…: until the command succeeds.
await() {
    local what=$1 deadline=$((SECONDS + $2))
    shift 2
    until "$@"; do
        check_alive
        if [ $SECONDS -ge $deadline ]; then
            tail -n 5 "$scratch"/*.log >&2
            die "$what took too long; the ends of the logs are above"
        fi
        sleep 0.1
    done
}

stop_kept() {
    local pid since folder
    [ -f "$kept" ] || die "nothing was left running by --keep"
    folder=$(sed -n 's/^folder //p' "$kept")
    while read -r pid since; do
        if [ "$pid" != folder ] && [ -n "$since" ] && [ "$(born "$pid")" = "$since" ]; then end_all "$pid"; fi
    done < <(tac "$kept")
    case $folder in */rollcall-quickstart.*) rm -rf "$folder" ;; esac
    rm -f "$kept"
    echo "everything is ended"
}

write_kept() {
    local pid
    echo "folder $scratch" >"$kept"
    for pid in "${pids[@]}"; do echo "$pid $(born "$pid")" >>"$kept"; done
}

# --- the world ------------------------------------------------------------------------------------------------------

build() {
    cmake -S "$root" -B "$root/build" -G Ninja -DRC_SANDBOX=ON
    cmake --build "$root/build" --target rollcall-producer rollcall-consumer rollcall-sandbox rollcall-events
}

write_config() {
    jq -r '.kafka as $kafka | .integrations[0] | "# Made by deploy/quickstart.sh for the sandbox: everything is fast, and nothing leaves this machine.
kafka:
  bootstrap.servers: \($kafka.bootstrap)
  topic_prefix: \($kafka.topic_prefix)
  partitions: \($kafka.partitions)
  replication_factor: 1
instance: quickstart
state_dir: \"'"$scratch"'/state\"
log: { format: json }
producer: { listen: \"127.0.0.1:0\" }
consumer:
  listen: 127.0.0.1:0
  retry_delays: [1s, 5s, 30s]
  transaction_interval: 50ms
integrations:
  - id: \"\(.id)\"
    name: \(.name | tojson)
    kombo:
      base_url: \(.kombo.base_url)
      api_key: \(.kombo.api_key)
      webhook_secret: \(.kombo.webhook_secret)
      poll_interval: 500ms         # 3h by default
    learnamp:
      base_url: \(.learnamp.base_url)
      client_id: \(.learnamp.client_id)
      client_secret: \(.learnamp.client_secret)
      requests_per_second: 0
      max_in_flight: 32
    policy:
      invite: on_create            # joiners are invited; who is there at the first import is not
    mapping:
      firstName: first_name
      lastName: last_name
      email: work_email
      jobTitle: job_title
      location: work_location.name
      hireDate: start_date
      leaveDate: termination_date
      managerEmail: manager.work_email"' "$scratch/sandbox.json" >"$scratch/rollcall.yaml"
}

ask() { curl -sS --fail-with-body -m 60 "$control/$1"; }

# Learn Amp equals HR, field by field, as the sandbox works it out by itself.
is_equal() { [ "$(ask 'compare?limit=1' | jq .difference_count)" = 0 ]; }

change() { curl -sS --fail-with-body -m 60 "$control/changes" -d "$1" >"$scratch/change.json" || die "the sandbox refused: $(cat "$scratch/change.json")"; }

# pick FILTER: from the people of the story, as HR shows them.
pick() { jq -r --argjson teams "$teams" "$1" "$scratch/employees.json"; }

# "Ada Lovelace", by their place among them.
name_of() { pick ".employees[$1] | .first_name + \" \" + .last_name"; }

show_users() {
    local id
    for id in "$@"; do ask "users?employee=$id"; done |
        jq -s '[.[].users[] | [.firstName + " " + .lastName, .status.status, .jobTitle, .primaryTeam.name, .manager.email]]' |
        table 'user|status|job title|team|manager'
}

show_team() {
    ask teams | jq --arg id "$1" '[.teams[] | select(.integrationExternalId == $id) | [.name, .users, .renames]]' |
        table 'team|users|times renamed'
}

# now TITLE CHANGES EVENTS COMMAND…: tells HR, shows so many events on Kafka and what the command shows of Learn Amp. Without an
# argument the command gets the employee whom HR has changed.
now() {
    local title=$1 changes=$2 events=$3 since
    shift 3
    heading "$title"
    since=$(date -u +%FT%T.%3NZ)
    change "$changes"
    if [ $# = 1 ]; then set -- "$1" "$(jq -r '.results[0].employee' "$scratch/change.json")"; fi
    label "events on Kafka"
    "$bin/rollcall-events" --config "$scratch/rollcall.yaml" --since "$since" --wait "$events" --first 8 || {
        check_alive
        die "the events did not come"
    }
    await "Learn Amp" 60 is_equal
    label "Learn Amp"
    "$@"
}

run_sandbox() {
    start sandbox "$bin/rollcall-sandbox" --people "$people" --seed "$seed" --broker --retry-delays 1s,5s,30s \
        --ready-file "$scratch/sandbox.json"
    await "the sandbox's start" 60 test -f "$scratch/sandbox.json"
    control=$(jq -r '.integrations[0].control_url' "$scratch/sandbox.json")
    company=$(jq -r '.integrations[0].name' "$scratch/sandbox.json")
    write_config
}

import() {
    local since=$SECONDS expected
    start producer "$bin/rollcall-producer" run --config "$scratch/rollcall.yaml"
    start consumer "$bin/rollcall-consumer" run --config "$scratch/rollcall.yaml"
    expected=$(ask 'compare?limit=1' | jq .employed)
    if [ $live = no ]; then echo "importing $company: $expected of $people people are to be announced …"; fi
    while ! is_equal; do
        check_alive
        if [ $live = yes ]; then
            printf '\r\e[Kimporting %s: %s of %s users' "$company" "$(ask counters | jq .totals.users)" "$expected"
        fi
        [ $((SECONDS - since)) -lt $((120 + people / 50)) ] || die "the import took too long"
        sleep 0.2
    done
    if [ $live = yes ]; then printf '\r\e[K'; fi
    heading "$company: $people people in HR, $expected of them announced, imported in $((SECONDS - since)) s"
    label "events on Kafka"
    "$bin/rollcall-events" --config "$scratch/rollcall.yaml" --wait "$expected" --first 6
    label "Learn Amp"
    # shellcheck disable=SC2046  # a list of ids
    show_users $("$bin/rollcall-events" --config "$scratch/rollcall.yaml" --first 6 --json | jq -r '.events[].employee_id')
    if [ "$expected" -gt 6 ]; then echo "… and $((expected - 6)) more"; fi
}

# The people of the story: active, in one team, managing nobody (managers have the small numbers), with names that every
# terminal shows well, where there are enough of those.
choose_people() {
    ask "employees?offset=$(((people - 1) / 8 + 1))&limit=400" | jq '.employees |= (
        map(select(.employment_status == "ACTIVE" and .termination_date == null and ([.groups[] | select(.type == "TEAM")] | length) == 1))
        | map(select(.first_name + .last_name | test("^\\p{Latin}+$"))) as $latin | if ($latin | length) < 3 then . else $latin end)' \
        >"$scratch/employees.json"
    # [external id, name, members], the smallest first.
    teams=$(ask teams | jq -c '[.teams[] | select(.users > 1) | [.integrationExternalId, .name, .users]] | sort_by(.[2])')
    [ "$(pick '[(.employees | length) - 2, ($teams | length) - 1] | min')" -ge 1 ] ||
        die "this company has too few people or teams for the story; try another --seed or more --people"
}

tell_the_story() {
    local renamed
    choose_people

    now "A joiner: Ada Lovelace starts today" "$(jq -c --arg today "$(date -u +%F)" '.employees[0] |
        {op: "hire", first_name: "Ada", last_name: "Lovelace", work_email: ("ada.lovelace@" + (.work_email | split("@")[1])), job_title: "Analyst",
        team: (.groups | map(select(.type == "TEAM"))[0].id), manager: .manager.id, employment_status: "ACTIVE", start_date: $today,
        termination_date: null}' "$scratch/employees.json")" 1 show_users
    now "A promotion: $(name_of 0), until now $(pick '.employees[0].job_title')" \
        "$(pick '.employees[0] | {op: "update", employee: .id, job_title: ("Lead " + .job_title)}')" 1 show_users
    now "A move: $(name_of 1) goes to another team" "$(pick '(.employees[1].groups | map(select(.type == "TEAM"))[0].id) as $now
        | {op: "update", employee: .employees[1].id, team: [$teams[] | select(.[0] != $now)][0][0]}')" 1 show_users

    # Renamed at Learn Amp once, whoever is in it; subscribers get an event for each member.
    renamed=$(ask teams | jq -c '[.teams[] | select(.users > 1) | [.integrationExternalId, .name, .users]] | sort_by(.[2])[0]')
    now "A renamed team: $(jq -r '"\(.[1]), \(.[2]) people"' <<<"$renamed")" \
        "$(jq -c '{op: "rename_group", group: .[0], name: "Moonshots"}' <<<"$renamed")" "$(jq '.[2]' <<<"$renamed")" \
        show_team "$(jq -r '.[0]' <<<"$renamed")"

    now "A leaver: $(name_of 2)" "$(pick '{op: "leave", employee: .employees[2].id}')" 1 show_users
    now "A rehire: $(name_of 2) is back" "$(pick '{op: "rehire", employee: .employees[2].id, job_title: "Advisor"}')" 1 show_users
}

say_the_end() {
    local result requests
    result=$(ask 'compare?limit=1' | jq -r '"\(.users) users, \(.active_users) of them active"')
    requests=$(ask counters | jq .learnamp.total)
    heading "Learn Amp equals HR in every field: $result, $requests requests, $((SECONDS - started_at)) s in all."
    echo
    if [ $keep = yes ]; then
        write_kept
        cat <<END_OF_TEXT
It keeps running. The status page, in a browser: http://$(address_of producer)/

In this terminal:

  bin=$bin
  cd $scratch

  # what is in step, what waits, and why
  \$bin/rollcall-producer status --config rollcall.yaml
  \$bin/rollcall-consumer trace --config rollcall.yaml --employee $(pick '.employees[0].work_email')
  # every event as it comes, while HR changes by chance
  \$bin/rollcall-events --config rollcall.yaml --follow &
  curl -s $control/changes -d '{"op": "random", "changes": 20}'
  # whether Learn Amp equals HR
  curl -s $control/compare | jq 'del(.differences)'
  # metrics of the producer and of the consumer, the topics with any client of Kafka, the logs
  curl -s http://$(address_of producer)/metrics http://$(address_of consumer)/metrics
  kcat -b $(jq -r .kafka.bootstrap "$scratch/sandbox.json") -L
  tail -f producer.log consumer.log

  $root/deploy/quickstart.sh --stop    # ends it
END_OF_TEXT
    else
        cat <<END_OF_TEXT
What to try next:

  deploy/quickstart.sh --keep             leaves it running, with the addresses of everything
  deploy/quickstart.sh --people 2000      a larger company
  tests/run.sh                            every test, on a real Kafka
  docs/architecture.md                    how it is built, and why
  deploy/rollcall.example.yaml            a configuration to begin with; docs/configuration.md explains every setting
END_OF_TEXT
    fi
}

address_of() { jq -rs '[.[] | select(.event == "listening")][0].address' "$scratch/$1.log"; }

main() {
    while [ $# -gt 0 ]; do
        case $1 in
        --people | --seed)
            [ $# -gt 1 ] || die "$1 needs a number"
            case $2 in '' | *[!0-9]*) die "$1 needs a number, not $2" ;; esac
            if [ "$1" = --people ]; then people=$2; else seed=$2; fi
            shift
            ;;
        --keep) keep=yes ;;
        --stop) stop_kept && exit 0 ;;
        -h | --help) usage && exit 0 ;;
        *) echo "quickstart.sh: unknown option $1; try --help" >&2 && exit 2 ;;
        esac
        shift
    done
    if [ "$people" -lt 20 ] || [ "$people" -gt 50000 ]; then die "--people is 20 to 50000: the embedded Kafka keeps no more"; fi
    if [ $keep = yes ] && [ -f "$kept" ]; then die "one is running already; end it with deploy/quickstart.sh --stop"; fi

    trap finish EXIT
    trap 'exit 130' INT TERM
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-quickstart.XXXXXX")
    mkdir -p "$root/build"
    if ! bash "$root/deploy/install.sh" --check >/dev/null 2>&1; then
        # The password is asked for here, where it can be read.
        if [ "$(id -u)" != 0 ] && command -v sudo >/dev/null; then sudo -v; fi
        task "installing what is missing (Debian's packages, some minutes)" bash "$root/deploy/install.sh" build
    fi
    task "building" build
    run_sandbox
    import
    tell_the_story
    say_the_end
}

main "$@"
