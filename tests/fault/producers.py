"""Producers that are killed, frozen, robbed of their files and watched by others: every change is published once (I1)."""

import json
import os
import random
import shutil
import time

from rollcall import books
from rollcall.suite import equal, fail, run, test
from rollcall.world import World

SEED = int(os.environ.get("RC_SEED", "1"))
RANDOM = random.Random(SEED)
PEOPLE = 120

world = World("producers", {
    **{slug: {"people": PEOPLE, "kombo": {"page_size": 25}, "sandbox": {"kombo": {"latency_ms": 15}}}
       for slug in ("red", "green", "blue", "amber", "violet")},
    # Polled when it starts, and when it is told to.
    "slow": {"people": 10, "kombo": {"poll_interval": "1h"}},
}, partitions=6)
SHARED = [slug for slug in world.integrations if slug != "slow"]
one, two = world.producer("one"), world.producer("two")
titles = {}  # {(slug, employee): the titles that HR gave them, in their order}
untouched = {}  # {slug: employees whom no test has changed}


def announced(slug):
    """{employee: title} of the snapshots."""
    rows = world.topics.snapshots().values()
    return {row["employee_id"]: row["employee"]["job_title"] for row in rows if row["integration_id"] == world[slug].id}


def announced_now(slug):
    world.topics.refresh()
    return announced(slug)


def promote(count, *slugs):
    """Gives so many employees of each integration a new title. Nobody is taken twice, so that polls cannot merge two changes."""
    for slug in slugs or SHARED:
        chosen = [untouched[slug].pop() for _ in range(count)]
        for employee in chosen:
            titles[slug, employee] = f"Title {len(titles)}"
        world[slug].changes([{"op": "update", "employee": e, "job_title": titles[slug, e]} for e in chosen])


def unpublished(*slugs):
    world.topics.refresh()
    found = {slug: announced(slug) for slug in slugs or SHARED}
    return [f"{slug} {e}: {found[slug].get(e)}, and not {title}" for (slug, e), title in titles.items()
            if slug in found and found[slug].get(e) != title]


def check():
    """Everybody was created once, every promotion is one event, and nothing else was published."""
    world.topics.refresh()
    fail(books.unreadable(world.topics), "unreadable")
    fail(books.chain(world.topics), "chain")
    fail(books.identities(world.topics), "ids and headers")
    fail(books.snapshots(world.topics), "snapshots")
    for slug, integration in world.integrations.items():
        wanted = {"created": len(announced(slug)), "profile-updated": sum(of == slug for of, _ in titles), "team-changed": 0, "deactivated": 0}
        equal(books.counts(world.topics, integration.id), wanted, slug)
    for (slug, employee), title in titles.items():
        story = [(t, v["employee"]["job_title"]) for _, t, v in world.topics.story(employee) if v["metadata"]["integration_id"] == world[slug].id]
        equal((len(story), story[-1]), (2, ("profile-updated", title)), f"{slug} {employee}")


def owned(program):
    """Integrations that this life of the program has taken over since it was last assigned anything."""
    found = set()
    for line in program.text().splitlines():
        if "partitions revoked" in line or "partitions lost" in line:
            found.clear()
        if "integration taken over" in line:
            found |= {slug for slug, integration in world.integrations.items() if integration.id in line}
    return found


def busy(program):
    """It owns something: what is killed from here on is killed at work."""
    world.wait_for(f"{program.name} to own an integration", lambda: owned(program), 60, 0.01)


@test
def I1_an_import_during_which_the_producer_is_killed_again_and_again_creates_everybody_once():
    world.create_topics()
    for _ in range(5):
        one.start()
        busy(one)
        time.sleep(RANDOM.uniform(0, 0.4))  # the moment of death, not a wait
        one.kill()
    one.start()
    world.wait_polled(*SHARED, timeout=60)  # slow may have been polled by one who died
    for slug, integration in world.integrations.items():
        wanted = {row["id"] for row in integration.employees() if row["employment_status"] != "INACTIVE" and row["work_email"]}
        world.wait_for(f"{slug} to be announced", lambda slug=slug, wanted=wanted: set(announced_now(slug)) == wanted or [sorted(set(announced_now(slug)) ^ wanted)])
        untouched[slug] = sorted(wanted)
        RANDOM.shuffle(untouched[slug])
    check()


@test
def I1_changes_during_which_the_producer_is_killed_again_and_again_are_published_once():
    for _ in range(5):
        promote(4)
        busy(one)
        time.sleep(RANDOM.uniform(0, 1.2))
        one.kill()
        promote(2)
        one.start()
    world.wait_for("all promotions", unpublished, 60)
    check()


@test
def I1_two_share_the_integrations_and_the_survivor_takes_over_what_the_dead_one_owned():
    two.start()
    world.wait_for("both to own some", lambda: owned(one) and owned(two) and not owned(one) & owned(two)
                   and len(owned(one) | owned(two)) == len(world.integrations), 60)
    promote(3)
    world.wait_for("all promotions", unpublished, 40)
    check()
    promote(4)
    time.sleep(RANDOM.uniform(0, 1.0))
    two.kill()
    promote(2)
    world.wait_for("the survivor's events", unpublished, 60)
    equal(owned(one), set(world.integrations), "owned by the survivor")
    check()


@test
def I1_a_producer_that_was_frozen_past_its_session_publishes_nothing_more_of_what_another_has_taken_over():
    two.start()
    world.wait_for("both to own some", lambda: owned(one) and owned(two) and not owned(one) & owned(two), 60)
    for frozen, other in ((two, one), (one, two)):
        promote(3)
        time.sleep(RANDOM.uniform(0.3, 1.2))  # somewhere in its poll or its transaction
        frozen.pause()
        try:
            promote(3)
            world.wait_for(f"{other.name} to publish everything", unpublished, 60)
            equal(owned(other), set(world.integrations), "taken over")
            promote(2)  # what the zombie may meet when it wakes
        finally:
            frozen.resume()
        world.wait_for("all promotions", unpublished, 40)
        promote(2)
        world.wait_for("both to own some again", lambda: owned(one) and owned(two) and not owned(one) & owned(two), 60)
        world.wait_for("all promotions", unpublished, 40)
        check()


@test
def once_while_services_run_goes_by_command_and_takes_nothing_from_them():
    before = owned(one), owned(two)
    promote(2, "slow")
    done = world.command("producer", "once", "--integration", world["slow"].id, "--json")
    equal(done.returncode, 0, done.stdout + done.stderr)
    equal([answer["id"] for answer in json.loads(done.stdout)["integrations"]], [world["slow"].id])
    fail(unpublished("slow"))
    last = [record.value for event_type, record in world.topics.events(world["slow"].id) if event_type == "profile-updated"]
    equal([event["metadata"]["trigger"] for event in last], ["COMMAND"] * 2)
    equal((owned(one), owned(two)), before, "owned")
    check()


@test
def the_topic_of_commands_may_be_deleted_and_made_anew_below_running_producers():
    def once():
        done = world.command("producer", "once", "--json")
        equal(done.returncode, 0, done.stdout + done.stderr)
    for _ in range(3):
        once()
    world.make_anew("sync.commands")
    for _ in range(2):  # at the offsets of those that were read before
        once()
    promote(2)
    world.wait_for("all promotions", unpublished, 40)
    check()


@test
def a_producer_whose_files_were_deleted_publishes_nothing_twice():
    for program in (one, two):
        program.kill()
    folder = world.folder / "state"
    assert list(folder.rglob("*.mdb")), "there were no files to delete"
    shutil.rmtree(folder)
    for program in (one, two):
        program.start()
    for program in (one, two):
        program.wait_ready(60)
    done = world.command("producer", "once", "--full", "--json")
    equal(done.returncode, 0, done.stdout + done.stderr)
    check()
    promote(2)
    world.wait_for("all promotions", unpublished, 40)
    check()


@test
def both_end_when_they_are_told_to():
    for program in (one, two):
        equal(program.stop(), 0, program.name)


with world:
    run(world=world)
