"""Going back: `replay` brings everybody since a time over once more, `undo` puts back what the sync did since then."""

import json
import time
from datetime import datetime, timezone

from rollcall.suite import equal, fail, run, test
from rollcall.world import World

PEOPLE = 24
world = World("back", {"acme": {"people": PEOPLE, "policy": {"invite": "on_create", "initial_import_invite": True, "create": "immediately"}}})
acme = world["acme"]
services = {}


def words(done):
    return done.stdout + done.stderr


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def creations(after=0):
    return [json.loads(r["body"]) for r in acme.requests(after=after) if r["method"] == "POST" and r["target"].startswith("/v1/users") and r["status"] == 201]


def invited(bodies):
    return [body["email"] for body in bodies if not body.get("skipInvitation")]


def stop(kind):
    services.pop(kind).stop()


def start(kind):
    services[kind] = getattr(world, kind)().start()
    services[kind].wait_ready()


def replay(*arguments, events="created"):
    return world.command("consumer", "replay", "--events", events, "--json", *arguments)


def lanes_of(done):
    equal(done.returncode, 0, words(done))
    return {lane["type"]: lane for lane in json.loads(done.stdout)["lanes"]}


def wipe():
    """As if the company at Learn Amp were a new one: nobody there is known by address or id."""
    for user in acme.users():
        acme.change_user(user["id"], email=f"former-{user['id']}@wiped.example", integrationExternalId="")


@test
def the_first_import_invites_everybody():
    for kind in ("producer", "consumer"):
        start(kind)
    world.settle()
    equal(len(invited(creations())), len(creations()))
    assert len(creations()) >= PEOPLE // 2


@test
def replay_refuses_while_somebody_reads_and_names_them():
    before = world.topics.committed(f"{world.application}.created")
    done = replay("--since", "1d", "--wait", "500ms")
    equal(done.returncode, 1, words(done))
    for word in (f"{world.application}.created", "rollcall-consumer", "one", "127.0.0.1", "scale"):
        assert word in words(done), f"{word} is not in {words(done)}"
    equal(world.topics.committed(f"{world.application}.created"), before)


@test
def replay_brings_a_wiped_learn_amp_back_and_invites_nobody_again():
    stop("consumer")
    people = len(creations())
    wipe()
    newcomer = acme.change("hire", first_name="Nova", last_name="Newcomer")["employee"]
    world.wait_polled()
    world.wait_for("the newcomer's event", lambda: bool(world.topics.refresh().story(newcomer)))
    after = acme.last_request()
    lane = lanes_of(replay("--since", "1d"))["created"]
    equal((lane["events"], lane["reset"], lane["waiting"]), (people + 1, people, 1))
    again = lanes_of(replay("--since", "1d"))["created"]
    equal((again["reset"], again["partitions_moved"]), (people, 0), "typed again")
    start("consumer")
    world.wait_quiet()
    made = creations(after)
    equal(len(made), people + 1)
    equal(invited(made), [acme.employee(newcomer)["work_email"]], "the newcomer alone, who was never invited before")
    users = {user["integrationExternalId"]: user for user in acme.users() if user["integrationExternalId"]}
    equal(len(users), people + 1)
    ledger = world.topics.refresh().ledger(world.application)
    fail([f"{key}: {row['outcome']}" for key, row in ledger.items() if row["version"] == 0])


@test
def replay_moves_the_lanes_of_its_list_to_the_first_event_since_and_brings_each_over_once():
    titles = {person["id"]: person["job_title"] for person in acme.employees() if acme.user(person["id"])}
    early, late = sorted(titles)[:2]
    acme.change("update", early, job_title="Early Bird")
    world.settle()
    time.sleep(0.05)
    since = now()
    for title in ("Owl", "Night Owl"):
        acme.change("update", late, job_title=title)
        world.settle()
    stop("consumer")
    for employee in (early, late):
        acme.change_user(acme.user(employee)["id"], jobTitle="Changed by hand")
    after = acme.last_request()
    lanes = lanes_of(replay("--since", since, "--integration", acme.id, events="profile-updated,team-changed"))
    equal(sorted(lanes), ["profile-updated", "team-changed"])
    equal((lanes["profile-updated"]["events"], lanes["profile-updated"]["reset"]), (2, 1))
    start("consumer")
    world.wait_quiet()
    equal(acme.user(late)["jobTitle"], "Night Owl")
    equal(acme.user(early)["jobTitle"], "Changed by hand", "whose event is older")
    equal([r["employee"] for r in acme.writes(after=after)], [late], "one write for two events")
    acme.change_user(acme.user(early)["id"], jobTitle="Early Bird")


@test
def replay_asks_for_what_it_needs():
    equal(world.command("consumer", "replay", "--since", "1d").returncode, 2)
    equal(world.command("consumer", "replay", "--events", "created").returncode, 2)
    done = replay("--since", "yesterday")
    equal(done.returncode, 2)
    assert "2026-11-22" in words(done)


with world:
    run(world)
