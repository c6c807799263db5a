"""Programs that are told to end: with work under way, while Kafka stands still, and when librdkafka never returns."""

import signal
import subprocess
import time

from rollcall import process
from rollcall.process import BIN, Program
from rollcall.suite import equal, run, test
from rollcall.world import Kafka, World

DRAIN_S, CLOSE_S, PRODUCER_S, SLACK_S = 1, 10, 20, 10  # of slow machines; common/signals.h has the others
HANG = {"LD_PRELOAD": str(BIN / "fault" / "death.so"), "RC_HANG": "offsets:1"}

cluster = Kafka(brokers=1)  # of our own: it is frozen
world = World("stopping", {"acme": {"people": 40, "learnamp": {"max_in_flight": 4}}}, {"consumer": {"drain_timeout": f"{DRAIN_S}s"}},
              cluster=cluster)
acme = world["acme"]
producer, consumer = world.producer(), world.consumer()


def ends(program, within_s):
    """Its exit code; it was told before."""
    program.expected = False
    try:
        return program.process.wait(within_s + SLACK_S)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{program.name} does not end within {within_s} s: {program.tail()}") from None


def was_cut(program):
    return "ended at once" in program.text()


def promote(title):
    acme.changes([{"op": "update", "employee": user["integrationExternalId"], "job_title": f"{title} {number}"}
                  for number, user in enumerate(acme.users())])


def settle():
    world.settle()
    world.check_books()


@test
def both_end_with_work_under_way_and_go_on_where_they_were():
    producer.start().wait_ready()
    consumer.start().wait_ready()
    world.wait_polled()
    acme.settings(learnamp={"latency_ms": 200})
    for program in (producer, consumer):
        program.signal(signal.SIGTERM)
    equal([ends(producer, PRODUCER_S), ends(consumer, DRAIN_S + CLOSE_S)], [0, 0])
    assert not was_cut(producer) and not was_cut(consumer)
    acme.settings(learnamp={"latency_ms": 0})
    producer.start()
    consumer.start()
    settle()


@test
def a_consumer_ends_though_librdkafka_never_returns():
    equal(consumer.stop(), 0)
    promote("Hanging")
    consumer.start(HANG)
    world.wait_for("the consumer to hang", lambda: "hangs in librdkafka" in consumer.text(), 60)
    began = time.monotonic()
    consumer.signal(signal.SIGTERM)
    equal(ends(consumer, DRAIN_S + CLOSE_S), 1)
    assert was_cut(consumer) and time.monotonic() - began >= CLOSE_S, consumer.tail()
    # Where Kafka only refuses, that is the end, and an orderly one.
    assert "did not take what was finished last" in consumer.text(), consumer.tail()


@test
def a_handle_that_never_ends_is_left_behind():
    began = time.monotonic()
    done = process.run("rollcall-producer", ["status", "--config", str(world.config_file)],
                       environment={**HANG, "RC_HANG": "destroy:1"})
    assert "hangs in librdkafka" in done.stderr, done.stderr
    equal((done.returncode, "acme" in done.stdout), (0, True), done.stderr)
    assert time.monotonic() - began < PRODUCER_S, "the bound of the whole end cut it"


@test
def a_second_signal_ends_both_at_once():
    equal(producer.stop(), 0)
    promote("Twice")
    producer.start(HANG)
    consumer.start(HANG)
    for program in (producer, consumer):
        world.wait_for(f"{program.name} to hang", lambda program=program: "hangs in librdkafka" in program.text(), 60)
        program.signal(signal.SIGINT)
        time.sleep(0.4)  # longer than what counts as one
        began = time.monotonic()
        program.signal(signal.SIGINT)
        equal(ends(program, 0), 1)
        assert was_cut(program) and time.monotonic() - began < 5, program.tail()
    # As after kill -9: nothing is lost, and nothing is done twice.
    producer.start()
    consumer.start()
    settle()


@test
def everything_ends_while_kafka_stands_still():
    others = [world.producer("late"), world.consumer("late")]  # who never see a broker
    acme.settings(learnamp={"latency_ms": 50})
    promote("Frozen")
    since = acme.last_request()
    world.wait_for("requests", lambda: acme.last_request() > since, 30, 0.01)
    cluster.signal(1, signal.SIGSTOP)
    try:
        for program in others:
            program.start()
        commands = [Program(verb, "rollcall-producer", [verb, "--config", str(world.config_file)], world.folder / f"{verb}.log")
                    for verb in ("once", "status")]
        for command in commands:
            world.programs.append(command.start())
        time.sleep(1)  # until they have met the silence
        for program in world.programs:
            program.expected = False
            program.signal(signal.SIGTERM)
        for program in (producer, consumer):
            code = ends(program, PRODUCER_S)
            equal(code, 1 if was_cut(program) else 0, program.name)
        equal([ends(program, PRODUCER_S) for program in others], [0, 0])
        equal([ends(program, PRODUCER_S) for program in commands], [1, 1])
    finally:
        cluster.signal(1, signal.SIGCONT)
    acme.settings(learnamp={"latency_ms": 0})
    for program in (producer, consumer):
        program.start().wait_ready(60)
    world.read_anew()
    settle()


with world:
    run(world=world)
