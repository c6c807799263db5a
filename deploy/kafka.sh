#!/usr/bin/env bash
# A real Apache Kafka (KRaft) for tests and local runs, from Maven Central; no container, no root. One JVM a broker.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pom=$here/kafka-pom.xml
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rollcall

dir=$here/../build/kafka
port=0
brokers=1
registry=no
node=""
delete=no

usage() {
    cat <<'END'
Usage: deploy/kafka.sh COMMAND [--dir DIR] [options]

  start    starts the brokers and waits until they answer; those that run already are left alone
             --port P       port of the first broker, the others follow; 0 (the default): any free ones
             --brokers N    1 (the default) to 5; at three, topics of Kafka itself are replicated
             --registry     a schema registry too (Apicurio, with Confluent's interface, BACKWARD_TRANSITIVE)
  stop     stops what `start` started
             --node N       broker N only, at once and without a goodbye; the next `start` brings it back
             --delete       and removes DIR
  status   says what runs; exit 1 if anything that was started is down
  env      prints the addresses as NAME=VALUE lines:
             RC_TEST_KAFKA=127.0.0.1:P[,…]  RC_TEST_REGISTRY=http://127.0.0.1:P/apis/ccompat/v7  RC_TEST_KAFKA_DIR=DIR
  tool     runs one of Kafka's own tools on the running cluster, for example
             deploy/kafka.sh tool topics --list        (also: groups, configs, offsets, transactions, producer-perf)
  fetch    only downloads what `start` needs (--registry: that of the registry too)

  --dir DIR   data, logs and process ids; default build/kafka. A stopped cluster starts again with its data.
END
}

die() {
    echo "kafka.sh: $*" >&2
    exit 1
}

# --- what runs ------------------------------------------------------------------------------------------------------

# A process is known by its id and its start time: the id alone may have passed to somebody else.
started_at() { awk '{sub(/.*\) /, ""); print $20}' "/proc/$1/stat" 2>/dev/null || true; }

is_alive() {
    local pid since
    [ -f "$dir/$1.pid" ] || return 1
    read -r pid since <"$dir/$1.pid"
    [ -n "$since" ] && [ "$(started_at "$pid")" = "$since" ]
}

# launch NAME COMMAND…: in a session of its own, so that it outlives this script and hears no terminal's Ctrl-C.
launch() {
    local name=$1 pid
    shift
    setsid "$@" >"$dir/$name.log" 2>&1 </dev/null 9>&- &
    pid=$!
    disown $pid
    echo "$pid $(started_at $pid)" >"$dir/$name.pid"
    launched+=("$name")
}

# A start that fails or is interrupted leaves nothing running.
launched=()
end_launched() {
    [ ${#launched[@]} = 0 ] || end KILL "${launched[@]}"
}

# end TERM|KILL NAME…: asks all, then waits until all are gone; what does not go in 20 s is killed.
end() {
    local how=$1 name pid waited=0
    shift
    for name in "$@"; do
        if is_alive "$name"; then kill "-$how" "$(cut -d' ' -f1 "$dir/$name.pid")" 2>/dev/null || true; fi
    done
    for name in "$@"; do
        while is_alive "$name"; do
            sleep 0.05
            waited=$((waited + 1))
            pid=$(cut -d' ' -f1 "$dir/$name.pid")
            if [ $waited = 400 ]; then kill -KILL "$pid" 2>/dev/null || true; fi
            [ $waited -lt 600 ] || die "$name (process $pid) does not end"
        done
        rm -f "$dir/$name.pid"
    done
}

names() { find "$dir" -maxdepth 1 -name '*.pid' -printf '%f\n' 2>/dev/null | sed 's/\.pid$//' | sort; }

configured_brokers() { find "$dir" -maxdepth 1 -name 'broker-*.properties' -printf '%f\n' 2>/dev/null | sed 's/[^0-9]//g' | sort -n; }

setting() { sed -n "s/^$2=//p" "$dir/broker-$1.properties"; }

bootstrap() {
    local id list=""
    for id in $(configured_brokers); do list+=",$(setting "$id" rollcall.address)"; done
    echo "${list#,}"
}

# --- what it needs --------------------------------------------------------------------------------------------------

pom_value() { sed -n "s:.*<$1>\(.*\)</$1>.*:\1:p" "$pom"; }

java_command() {
    local java=${JAVA_HOME:+$JAVA_HOME/bin/}java version
    command -v "$java" >/dev/null || die "no Java: run deploy/install.sh test"
    version=$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${version:-0}" -ge 17 ] || die "Kafka needs Java 17 or newer, $java is $version"
    echo "$java"
}

# maven GOAL ARGUMENT…: quiet unless it fails.
maven() {
    command -v mvn >/dev/null || die "no Maven: run deploy/install.sh test"
    local log=$cache/fetch.log
    mvn -B -ntp -f "$pom" "$@" >"$log" 2>&1 </dev/null || {
        grep -E '^\[ERROR\]' "$log" | head -n 15 >&2 || tail -n 15 "$log" >&2
        die "Maven could not fetch what the broker needs; the whole log is $log"
    }
}

kafka_jars() { echo "$cache/kafka-$(sha256sum "$pom" | cut -c1-12)"; }
registry_home() { echo "$cache/apicurio-$(pom_value registry.version)"; }

# Each is made under another name and moved, so that it is there whole or not at all; the lock lets one at a time fetch.
fetch() {
    mkdir -p "$cache"
    local jars home
    jars=$(kafka_jars)
    home=$(registry_home)
    (
        flock 8
        if [ ! -d "$jars" ]; then
            echo "fetching Apache Kafka $(pom_value kafka.version) (55 MB, once)" >&2
            rm -rf "$jars.part"
            maven dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$jars.part"
            mv "$jars.part" "$jars"
        fi
        if [ $registry = yes ] && [ ! -d "$home" ]; then
            echo "fetching Apicurio Registry $(pom_value registry.version) (142 MB, once)" >&2
            rm -rf "$home.part"
            maven dependency:copy -DoutputDirectory="$home.part" \
                -Dartifact="io.apicurio:apicurio-registry-app:$(pom_value registry.version):tar.gz:all"
            tar -xzf "$home.part"/*.tar.gz -C "$home.part"
            rm "$home.part"/*.tar.gz
            mv "$home.part" "$home"
        fi
    ) 8>"$cache/lock"
}

# --- start ----------------------------------------------------------------------------------------------------------

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port nobody listens on, below those that the kernel gives to outgoing connections: one of them cannot take it meanwhile.
free_port() {
    local candidate
    while :; do
        candidate=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        case " $taken " in *" $candidate "*) continue ;; esac
        answers $candidate || break
    done
    echo "$candidate"
}

configure_brokers() {
    local id count=$brokers ports="" controllers="" voters="" replicas in_sync=1 cluster java
    replicas=$((count < 3 ? count : 3))
    if [ "$replicas" = 3 ]; then in_sync=2; fi
    taken=""
    for ((id = 1; id <= count; id++)); do
        if [ "$port" = 0 ]; then ports+=" $(free_port)"; else ports+=" $((port + id - 1))"; fi
        if answers "${ports##* }"; then die "port ${ports##* } is taken by somebody else: choose another --port, or 0"; fi
        taken=$ports$controllers
        controllers+=" $(free_port)"
        taken=$ports$controllers
    done
    read -r -a ports <<<"$ports"
    read -r -a controllers <<<"$controllers"
    for ((id = 1; id <= count; id++)); do voters+=",$id@127.0.0.1:${controllers[id - 1]}"; done
    cluster=$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | tr -d '=')
    java=$(java_command)
    for ((id = 1; id <= count; id++)); do
        cat >"$dir/broker-$id.part" <<END
# Our own: the address clients use.
rollcall.address=127.0.0.1:${ports[id - 1]}
process.roles=broker,controller
node.id=$id
controller.quorum.voters=${voters#,}
listeners=CLIENTS://127.0.0.1:${ports[id - 1]},CONTROLLER://127.0.0.1:${controllers[id - 1]}
advertised.listeners=CLIENTS://127.0.0.1:${ports[id - 1]}
listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
log.dirs=$dir/data-$id
# As Rollcall wants it everywhere: topics are made on purpose only.
auto.create.topics.enable=false
offsets.topic.replication.factor=$replicas
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$in_sync
# Small and quick: two cores, tests that wait for sessions and transactions to time out.
offsets.topic.num.partitions=8
transaction.state.log.num.partitions=8
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
log.index.size.max.bytes=1048576
END
        rm -rf "$dir/data-$id"
        "$java" -Xmx128m -XX:TieredStopAtLevel=1 -cp "$(kafka_jars)/*" kafka.tools.StorageTool format \
            --cluster-id "$cluster" --config "$dir/broker-$id.part" >"$dir/format.log" 2>&1 || {
            tail -n 15 "$dir/format.log" >&2
            die "broker $id: its folder $dir/data-$id could not be prepared (above: Kafka's words)"
        }
        mv "$dir/broker-$id.part" "$dir/broker-$id.properties"
    done
    cat >"$dir/log4j2.properties" <<'END'
rootLogger.level=INFO
rootLogger.appenderRef.out.ref=OUT
appender.out.type=Console
appender.out.name=OUT
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{HH:mm:ss.SSS} %p %m (%c{1})%n
END
}

start_broker() {
    local heap=512m java
    if [ "$(configured_brokers | wc -l)" -gt 1 ]; then heap=320m; fi
    java=$(java_command)
    launch "broker-$1" "$java" -Xmx$heap -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData \
        -Dlog4j2.configurationFile="$dir/log4j2.properties" -cp "$(kafka_jars)/*" kafka.Kafka "$dir/broker-$1.properties"
}

# Ready when a client that asks any one of them is told of all of them.
cluster_answers() {
    local id
    for id in $(configured_brokers); do
        kcat -L -m 2 -b "$(setting "$id" rollcall.address)" 2>/dev/null | grep -q "^ $1 brokers:" || return 1
    done
}

wait_for_brokers() {
    local id count deadline=$((SECONDS + 60))
    count=$(configured_brokers | wc -l)
    until cluster_answers "$count"; do
        for id in $(configured_brokers); do
            is_alive "broker-$id" && continue
            grep -q 'Address already in use' "$dir/broker-$id.log" && return 1
            tail -n 25 "$dir/broker-$id.log" >&2
            die "broker $id ended while it started; its last words are above, all of them in $dir/broker-$id.log"
        done
        if [ $SECONDS -ge $deadline ]; then
            tail -n 25 "$dir"/broker-*.log >&2
            die "no answer from $(bootstrap) within a minute; the ends of the logs are above"
        fi
        sleep 0.2
    done
}

start_registry() {
    local java at deadline=$((SECONDS + 60)) home
    java=$(java_command)
    home=$(registry_home)
    taken=""
    at=$(free_port)
    mkdir -p "$dir/tmp"
    launch registry "$java" -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Djava.io.tmpdir="$dir/tmp" \
        -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$at" -jar "$home/apicurio-registry-app-$(pom_value registry.version)-runner.jar"
    # It allows every change of a schema until it is told otherwise.
    until curl -fsS -m 5 -o /dev/null -X PUT -H 'Content-Type: application/json' -d '{"compatibility": "BACKWARD_TRANSITIVE"}' \
        "http://127.0.0.1:$at/apis/ccompat/v7/config" 2>/dev/null; do
        if ! is_alive registry || [ $SECONDS -ge $deadline ]; then
            tail -n 25 "$dir/registry.log" >&2
            die "the schema registry did not start; the end of its log is above"
        fi
        sleep 0.2
    done
    echo "http://127.0.0.1:$at/apis/ccompat/v7" >"$dir/registry.url"
}

start() {
    local needed
    for needed in kcat curl; do command -v $needed >/dev/null || die "$needed is missing: run deploy/install.sh build"; done
    fetch
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    exec 9>"$dir/lock"
    flock 9
    local try id fresh=no
    trap end_launched EXIT
    trap 'exit 130' INT TERM
    if [ -z "$(configured_brokers)" ]; then fresh=yes; fi
    for try in 1 2 3; do
        if [ -z "$(configured_brokers)" ]; then configure_brokers; fi
        for id in $(configured_brokers); do
            is_alive "broker-$id" || start_broker "$id"
        done
        if wait_for_brokers; then break; fi
        if [ $fresh = no ] || [ "$port" != 0 ] || [ $try = 3 ]; then die "a port of $(bootstrap) is taken by somebody else"; fi
        for id in $(configured_brokers); do end KILL "broker-$id"; done
        rm -f "$dir"/broker-*.properties
    done
    if [ $registry = yes ] && ! is_alive registry; then start_registry; fi
    trap - EXIT INT TERM
    print_env
}

# --- the other commands ---------------------------------------------------------------------------------------------

print_env() {
    [ -n "$(configured_brokers)" ] || die "$dir: no cluster was started here"
    echo "RC_TEST_KAFKA=$(bootstrap)"
    if is_alive registry; then echo "RC_TEST_REGISTRY=$(cat "$dir/registry.url")"; fi
    echo "RC_TEST_KAFKA_DIR=$dir"
}

stop() {
    local how=TERM
    if [ -n "$node" ]; then end KILL "broker-$node" && return; fi
    # An orderly end is for the sake of the data.
    if [ $delete = yes ]; then how=KILL; fi
    # shellcheck disable=SC2046  # a list of words
    end $how $(names)
    if [ $delete = yes ] && [ -d "$dir" ]; then
        rm -rf "$dir"/data-[1-5] "$dir"/broker-[1-5].* "$dir"/registry.* "$dir"/tmp "$dir"/{lock,log4j2.properties,format.log}
        rmdir --ignore-fail-on-non-empty "$dir"
    fi
}

status() {
    local name code=0 pid
    [ -n "$(names)" ] || { echo "nothing was started in $dir" && return 1; }
    for name in $(names); do
        read -r pid _ <"$dir/$name.pid"
        if is_alive "$name"; then echo "$name: runs (process $pid)"; else echo "$name: down, see $dir/$name.log" && code=1; fi
    done
    return $code
}

tool() {
    local class java
    [ $# -gt 0 ] || die "tool: which one? topics, groups, configs, offsets, transactions or producer-perf"
    case $1 in
    topics) class=org.apache.kafka.tools.TopicCommand ;;
    groups) class=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
    configs) class=kafka.admin.ConfigCommand ;;
    offsets) class=org.apache.kafka.tools.GetOffsetShell ;;
    transactions) class=org.apache.kafka.tools.TransactionsCommand ;;
    producer-perf) class=org.apache.kafka.tools.ProducerPerformance ;;
    *) die "tool: $1 is none of topics, groups, configs, offsets, transactions, producer-perf" ;;
    esac
    shift
    java=$(java_command)
    exec "$java" -XX:TieredStopAtLevel=1 -cp "$(kafka_jars)/*" $class --bootstrap-server "$(bootstrap)" "$@"
}

command=${1:-}
[ $# -eq 0 ] || shift
while [ $# -gt 0 ]; do
    case $1 in
    --port | --brokers | --dir | --node)
        [ $# -gt 1 ] || die "$1 needs a value"
        declare "${1#--}=$2"
        shift
        ;;
    --registry) registry=yes ;;
    --delete) delete=yes ;;
    -h | --help) usage && exit 0 ;;
    *)
        [ "$command" = tool ] || die "unknown option $1; try --help"
        break
        ;;
    esac
    shift
done
case $brokers$port in *[!0-9]*) die "--port and --brokers are numbers" ;; esac
if [ "$brokers" -lt 1 ] || [ "$brokers" -gt 5 ]; then die "--brokers is 1 to 5"; fi
if [ -d "$dir" ]; then dir=$(cd "$dir" && pwd); fi

case $command in
start) start ;;
stop) stop ;;
status) status ;;
env) print_env ;;
tool) tool "$@" ;;
fetch) fetch ;;
-h | --help | help) usage ;;
*) usage >&2 && exit 2 ;;
esac
