#!/usr/bin/env bash
# The examples of subscribers (schemas/examples/), run as their README says, on a real Kafka and with what the real producer publishes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
bin=${RC_BIN:-$root/build/bin}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rollcall
scratch=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-subscribers.XXXXXX")
passed=0 failed=0
running=()
names=(python node java)

finish() {
    local pid
    for pid in "${running[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    if [ -d "$scratch/kafka" ]; then "$root/deploy/kafka.sh" stop --dir "$scratch/kafka" --delete || true; fi
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM

ok() { passed=$((passed + 1)) && echo "ok $*"; }
not_ok() { failed=$((failed + 1)) && echo "not ok $*"; }
# check WHAT COMMAND…
check() {
    local what=$1
    shift
    if "$@"; then ok "$what"; else not_ok "$what"; fi
}

# await SECONDS WHAT COMMAND…
await() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        if [ $SECONDS -ge $deadline ]; then
            not_ok "$what: not within time"
            tail -n 20 "$scratch"/*.err >&2
            exit 1
        fi
        sleep 0.05
    done
}

# --- what the examples need, once ---

install_python() {
    local home
    home=$cache/example-python-$(sha256sum schemas/examples/python/requirements.txt | cut -c1-12)
    if [ ! -d "$home" ]; then
        rm -rf "$home.part"
        python3 -m venv "$home.part"
        "$home.part/bin/python" -m pip install -q --disable-pip-version-check -r schemas/examples/python/requirements.txt >&2
        mv "$home.part" "$home"
    fi
    python=$home/bin/python
}

install_java() {
    jars=$cache/example-java-$(sha256sum schemas/examples/java/pom.xml | cut -c1-12)
    if [ ! -d "$jars" ]; then
        rm -rf "$jars.part"
        mvn -B -q -ntp -f schemas/examples/java/pom.xml dependency:copy-dependencies -DoutputDirectory="$jars.part" >&2
        mv "$jars.part" "$jars"
    fi
}

mkdir -p "$cache"
exec 7>"$cache/examples.lock"
flock 7
install_python
install_java
modules=$(tests/support/node.sh schemas/examples/node)
exec 7>&-
# Node.js looks for its modules beside the program.
cp -r schemas "$scratch/schemas"
ln -sfn "$modules/node_modules" "$scratch/schemas/examples/node/node_modules"
cd "$scratch"

# subscribe NAME: in the background, with the environment as it is; what it prints goes to NAME.out.
subscribe() {
    case $1 in
    python) GROUP=$PREFIX$1 exec "$python" schemas/examples/python/subscriber.py ;;
    node) GROUP=$PREFIX$1 exec node schemas/examples/node/subscriber.js ;;
    java) GROUP=$PREFIX$1 exec java -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$jars/*" schemas/examples/java/Subscriber.java ;;
    esac >"$1.out" 2>"$1.err" </dev/null &
    pid_of[$1]=$!
    running+=($!)
}
declare -A pid_of=()

# --- a company, and what happens in it ---

if [ -z "${RC_TEST_KAFKA:-}" ]; then
    RC_TEST_KAFKA=$("$root/deploy/kafka.sh" start --dir "$scratch/kafka" | sed -n 's/^RC_TEST_KAFKA=//p')
fi
export KAFKA=$RC_TEST_KAFKA PREFIX=subscribers-$$-$RANDOM.

"$bin/rollcall-sandbox" --people 30 --seed 7 --ready-file sandbox.json >sandbox.log 2>sandbox.err &
running+=($!)
await 20 "the sandbox starts" test -s sandbox.json
control=$(jq -r '.integrations[0].control_url' sandbox.json)

jq --arg kafka "$KAFKA" --arg prefix "$PREFIX" --arg state "$scratch/state" '{
    kafka: {"bootstrap.servers": $kafka, topic_prefix: $prefix, partitions: 4, replication_factor: 1},
    state_dir: $state,
    integrations: [.integrations[0] | {
        id, name, timezone: "Europe/Berlin",
        kombo: .kombo,
        learnamp: (.learnamp | {base_url, client_id, client_secret}),
        mapping: {firstName: "first_name", lastName: "last_name", email: "work_email", jobTitle: "job_title"}}]}' \
    sandbox.json >rollcall.yaml # JSON is YAML

published=0
publish() {
    "$bin/rollcall-producer" once --json --config rollcall.yaml >once.json 2>producer.err || {
        cat once.json producer.err >&2
        not_ok "the producer publishes"
        exit 1
    }
    published=$((published + $(jq '.integrations[0].last_poll.events' once.json)))
}

change() { curl -fsS -o change.json -H 'Content-Type: application/json' -d "$1" "$control/changes"; }

group=$(curl -fsS "$control/groups" | jq -r 'first(.groups[] | select(.type == "TEAM")).id')
change '[{"op": "hire"}, {"op": "hire"}]'
read -r mover leaver < <(jq -r '[.results[].employee] | @tsv' change.json)
publish

# --- they follow while more is published ---

followed() { [ "$(wc -l <"$1.out")" -ge "$2" ]; }
all_followed() {
    local name
    for name in "${names[@]}"; do followed "$name" "$1" || return 1; done
}

for name in "${names[@]}"; do subscribe "$name"; done
await 120 "all subscribers read what was there" all_followed $published

# A promotion with a move, one who leaves; then the team has another name, and the leaver is back.
change "[{\"op\": \"update\", \"employee\": \"$mover\", \"job_title\": \"Lead\", \"team\": \"$group\"}, {\"op\": \"leave\", \"employee\": \"$leaver\", \"termination_date\": \"2020-01-01\", \"start_date\": \"2019-01-01\"}]"
publish
change "[{\"op\": \"rename_group\", \"group\": \"$group\", \"name\": \"Subscribers\"}, {\"op\": \"rehire\", \"employee\": \"$leaver\"}]"
publish
await 90 "all subscribers follow" all_followed $published

# A writer of a later release, whose schema nobody had seen when the subscribers began.
"$python" "$root/tests/support/newer_writer.py" newer
await 90 "all subscribers read the event of a newer writer" all_followed $((published + 1))

for name in "${names[@]}"; do kill -TERM "${pid_of[$name]}"; done
for name in "${names[@]}"; do
    code=0
    wait "${pid_of[$name]}" || code=$?
    [ "$name" != java ] || [ $code != 143 ] || code=0 # a JVM that was asked to end always says so
    check "$name ends when it is asked to" [ $code = 0 ]
    check "$name misses no change: $(tail -n 1 "$name.out")" grep -qE "^$((published + 1)) events, [0-9]+ changes, 0 missing$" "$name.out"
    grep -v ' events, ' "$name.out" | sort >"$name.sorted"
done
check "all three read the same" eval 'cmp python.sorted node.sorted && cmp python.sorted java.sorted'
for type in created profile-updated team-changed deactivated; do check "there was a $type" grep -q "^$type " python.sorted; done
# One change, two events, one version.
check "a promotion with a move has one version" \
    [ "$(awk -v key="/$mover" 'index($2, key) {print $1, $3}' python.sorted | awk '{count[$2]++} END {for (v in count) if (count[v] == 2) print v}' | wc -l)" = 1 ]
check "a field that the newer writer added and a symbol that it invented stop nobody" grep -q 'newer@' python.sorted

# --- they go on where they were, and notice a change that never came ---

"$python" "$root/tests/support/newer_writer.py" gap
export UNTIL_END=1
for name in "${names[@]}"; do subscribe "$name"; done
ended() { ! kill -0 "${pid_of[python]}" 2>/dev/null && ! kill -0 "${pid_of[node]}" 2>/dev/null && ! kill -0 "${pid_of[java]}" 2>/dev/null; }
await 90 "all subscribers end by themselves" ended
for name in "${names[@]}"; do
    code=0
    wait "${pid_of[$name]}" || code=$?
    check "$name goes on where it was, and tells that a change is missing" eval "[ $code = 1 ] && grep -q '^1 events, 1 changes, 1 missing$' $name.out"
done

echo "$passed passed, $failed failed"
[ $failed = 0 ]
