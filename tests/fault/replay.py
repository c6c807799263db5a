"""A `replay` that is killed between two batches of the ledger: typed again it loses nobody, brings nobody over twice, and keeps the order."""

import collections
import json
import os
import signal
import subprocess

from rollcall.process import BIN
from rollcall.suite import equal, fail, run, test
from rollcall.world import World

BATCH = 10000  # BATCH_ENTRIES of consumer/commands/replay/replay_write.c
PEOPLE = BATCH + 700  # more than that are employed
PATIENCE_S = 240
world = World("replay", {"acme": {"people": PEOPLE, "policy": {"invite": "on_create"}, "learnamp": {"max_in_flight": 200},
                                  "kombo": {"page_size": 250, "poll_interval": "2s"}}})
acme = world["acme"]
COMMAND = ("replay", "--events", "created,profile-updated", "--since", "1d")
seen = {}


def ledger():
    return world.topics.refresh().ledger(world.application)


def reset():
    """Whose entry says that a replay brings them over once more."""
    return {key for key, entry in ledger().items() if entry["outcome"] == "REPLAYED"}


def places():
    return {lane: world.topics.committed(f"{world.application}.{lane}") for lane in ("created", "profile-updated")}


def die(death):
    environment = {**os.environ, "LD_PRELOAD": str(BIN / "fault" / "death.so"), "RC_DEATH": death}
    done = subprocess.run([BIN / "rollcall-consumer", *COMMAND, "--config", world.config_file], stdin=subprocess.DEVNULL, capture_output=True,
                          env=environment, timeout=PATIENCE_S, check=False)
    equal(done.returncode, -signal.SIGKILL, f"{death}: {done.stderr}")


@test
def everybody_is_there_and_some_have_changed_twice():
    world.start()
    world.wait_equal(timeout=PATIENCE_S)
    seen["changed"] = [user["integrationExternalId"] for user in acme.users() if user["status"]["status"] != "Deactivated"][:20]
    for title in ("First", "Second"):
        acme.changes([{"op": "update", "employee": employee, "job_title": title} for employee in seen["changed"]])
        world.settle(PATIENCE_S)
    seen["people"] = {key.split(":", 1)[1] for key in ledger() if key.startswith("created:")}
    assert len(seen["people"]) > BATCH, len(seen["people"])
    for program in world.programs:
        equal(program.stop(), 0)


@test
def killed_after_the_first_batch_it_has_moved_no_place():
    seen["places"] = places()
    die("committed:1")
    equal((len(reset()), places()), (BATCH, seen["places"]))


@test
def consumers_that_start_then_find_nothing_to_do():
    after = acme.last_request()
    consumer = world.programs[1].start().wait_ready()
    world.wait_quiet()
    equal(consumer.stop(), 0)
    equal((acme.writes(after=after), len(reset()), places()), ([], BATCH, seen["places"]))


@test
def killed_before_the_second_batch_is_committed_it_has_moved_no_place_either():
    die("commit:1")
    equal((len(reset()), places()), (BATCH, seen["places"]))


@test
def typed_again_it_brings_each_over_once():
    done = world.command("consumer", *COMMAND, "--json", timeout=PATIENCE_S)
    equal(done.returncode, 0, done.stderr)
    lanes = {lane["type"]: lane["reset"] for lane in json.loads(done.stdout)["lanes"]}
    equal(lanes, {"created": len(seen["people"]), "profile-updated": len(seen["changed"])})
    for employee in seen["changed"]:
        acme.change_user(acme.user(employee)["id"], jobTitle="Changed by hand")
    after = acme.last_request()
    world.programs[1].start().wait_ready()
    world.wait_quiet(PATIENCE_S)
    written = collections.Counter(request["employee"] for request in acme.writes(after=after))
    equal(written, collections.Counter({key.split("/")[1]: 1 for key in seen["people"]}) + collections.Counter(seen["changed"]), "writes")
    fail([request for request in acme.writes(after=after) if request["method"] == "POST"], "created or invited")
    world.wait_equal(timeout=PATIENCE_S)
    equal(reset(), set())
    equal({acme.user(employee)["jobTitle"] for employee in seen["changed"]}, {"Second"})


with world:
    run(world)
