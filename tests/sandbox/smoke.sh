#!/usr/bin/env bash
# The sandbox as a program: comes up with everything, tells where, serves a walk through both services, ends cleanly.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${RC_BIN:-$here/../../build/bin}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-smoke.XXXXXX")
sandbox=""
passed=0
failed=0

finish() {
    local code=$?
    trap - EXIT
    if [ -n "$sandbox" ]; then kill "$sandbox" 2>/dev/null || true; fi
    rm -rf "$scratch"
    exit $code
}
trap finish EXIT
trap 'exit 130' INT TERM

# check NAME WANTED GOT
check() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
        echo "ok $1"
    else
        failed=$((failed + 1))
        echo "not ok $1: wanted $2, got $3"
    fi
}

ready() { jq -r "$1" "$scratch/ready.json"; }

check "a wrong option is refused" 2 "$("$bin/rollcall-sandbox" --persons 5 >/dev/null 2>&1; echo $?)"
check "help is printed" 0 "$("$bin/rollcall-sandbox" --help | grep -q -- --ready-file; echo $?)"

"$bin/rollcall-sandbox" --people 40,10 --integrations 2 --seed 7 --broker --partitions 6 --topic-prefix t. \
    --ready-file "$scratch/ready.json" >"$scratch/log" 2>&1 &
sandbox=$!
until [ -e "$scratch/ready.json" ]; do
    kill -0 $sandbox 2>/dev/null || { cat "$scratch/log" >&2 && exit 1; }
    sleep 0.05
done

check "two companies" "40 10" "$(ready '.integrations | map(.people) | join(" ")')"
taken=$("$bin/rollcall-sandbox" --listen "$(ready .control_url | cut -d/ -f3)" 2>&1 >/dev/null || true)
check "a taken port is named" yes "$(case $taken in *"Address already in use"*) echo yes ;; *) echo "$taken" ;; esac)"

control=$(ready '.integrations[0].control_url')
kombo=$(ready .kombo.base_url)
learnamp=$(ready '.integrations[0].learnamp.base_url')
id=$(ready '.integrations[0].id')
ask_kombo() {
    curl -sS -H "Authorization: Bearer $(ready .kombo.api_key)" -H "X-Integration-Id: $id" "$kombo$1"
}

check "Kombo lists everybody" 40 "$(ask_kombo '/hris/employees?page_size=250' | jq '.data.results | length')"
check "Kombo refuses what it does not know" PLATFORM.INPUT_INVALID "$(ask_kombo '/hris/employees?colour=red' | jq -r .error.code)"

token=$(curl -sS "$learnamp/oauth/token" -d grant_type=client_credentials \
    -d "client_id=$(ready '.integrations[0].learnamp.client_id')" \
    -d "client_secret=$(ready '.integrations[0].learnamp.client_secret')" \
    --data-urlencode "scope=$(ready '.integrations[0].learnamp.scope')" | jq -r .access_token)
ask_learnamp() { curl -sS -H "Authorization: Bearer $token" "$learnamp$1" "${@:2}"; }

check "Learn Amp makes a user" 1001 "$(ask_learnamp /v1/users -d email=a@acme.example -d firstName=A -d lastName=B -d integrationExternalId=E1 | jq .id)"
check "Learn Amp refuses the same again" "Validation failed: Email has already been taken, Integration external id has already been taken" \
    "$(ask_learnamp /v1/users -d email=A@acme.example -d firstName=A -d lastName=B -d integrationExternalId=E1 | jq -r .error)"
check "Learn Amp deactivates" 204 "$(ask_learnamp /v1/users/1001/deactivate -X PUT -o /dev/null -w '%{http_code}')"
check "a task is gone" 3 "$(curl -sS "$control/users" | jq '.users[0].tasksDestroyed')"

check "somebody is hired" 41 "$(curl -sS "$control/changes" -d '{"op":"hire","first_name":"New"}' >"$scratch/hired" &&
    ask_kombo '/hris/employees?page_size=250' | jq '.data.results | length')"
check "a fault hits" 503 "$(curl -sS "$(ready .control_url)/faults" -d '{"side":"kombo","kind":"status","status":503}' >"$scratch/fault" &&
    curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $(ready .kombo.api_key)" "$kombo/check-api-key")"

bootstrap=$(ready .kafka.bootstrap)
check "the broker has every topic" "$(ready '.kafka.topics | sort | join(" ")')" \
    "$(kcat -L -J -b "$bootstrap" | jq -r '[.topics[].topic] | sort | join(" ")')"
check "with the partitions asked for" 6 "$(kcat -L -J -b "$bootstrap" | jq '[.topics[].partitions | length] | unique | .[0]')"

kill -TERM $sandbox
code=0
wait $sandbox || code=$?
sandbox=""
check "it ends cleanly" 0 $code

echo "$passed passed, $failed failed"
[ $failed = 0 ]
