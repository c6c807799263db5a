"""Going back: `replay` brings everybody since a time over once more, `undo` puts back what the sync did since then."""

import json
import os
import signal
import subprocess
import time
from datetime import datetime, timezone

from rollcall.config import MANAGERS
from rollcall.process import BIN
from rollcall.suite import equal, fail, run, test
from rollcall.waiting import wait_for
from rollcall.world import World

PEOPLE = 24
world = World("back", {"acme": {"people": PEOPLE, "mapping": MANAGERS, "policy": {
    "invite": "on_create", "initial_import_invite": True, "secondary_teams": ["DEPARTMENT"]}}})
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


def die_while_replaying(death):
    """Wherever it dies, the same command goes on."""
    # A sanitizer wants to be loaded first, and does without.
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    environment = {**os.environ, "LD_PRELOAD": str(BIN / "fault" / "death.so"), "RC_DEATH": death, "ASAN_OPTIONS": sanitizer}
    done = subprocess.run([BIN / "rollcall-consumer", "replay", "--events", "created", "--since", "1d", "--config", world.config_file],
                          stdin=subprocess.DEVNULL, capture_output=True, env=environment, timeout=60, check=False)
    equal(done.returncode, -signal.SIGKILL, f"{death}: {done.stderr}")


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
    for death in ("initialised:1", "produced:5", "offsets-sent:1", "commit:1", "committed:1"):
        die_while_replaying(death)
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


# --- undo -----------------------------------------------------------------------------------------------------------

SYNCED = ("email", "firstName", "lastName", "jobTitle", "hireDate", "location", "language", "integrationExternalId", "primaryTeam",
          "secondaryTeams", "manager")
undone = {}


def quiet():
    world.wait_polled()
    world.wait_quiet()


def picture(user):
    """A user as far as undo restores it, and whether they are active."""
    return {name: user.get(name) for name in SYNCED}, user["status"]["status"] != "Deactivated"


def pictures():
    return {user["integrationExternalId"]: picture(user) for user in acme.users() if user["integrationExternalId"]}


def undo(*arguments):
    return world.command("consumer", "undo", "--integration", acme.id, "--since", undone["since"], *arguments)


def undo_json(*arguments):
    done = undo("--json", *arguments)
    return done.returncode, json.loads(done.stdout)


def actions(document):
    found = {}
    for person in document["people"]:
        found.setdefault(person["action"], []).append(person["employee_id"])
    return {action: sorted(people) for action, people in found.items()}


def order(verb, *arguments):
    done = world.command("producer", verb, "--integration", acme.id, *arguments)
    equal(done.returncode, 0, words(done))


@test
def undo_proposes_and_changes_nothing():
    quiet()
    undone["before"] = pictures()
    staff = sorted(employee for employee, (_, active) in undone["before"].items() if active)
    managers = {person["manager"]["id"] for person in acme.employees() if person.get("manager")}
    staff.sort(key=lambda employee: employee not in managers)
    undone.update(left=staff[:4], vanished=staff[4:7], changed=sorted(staff[7:11]), moved=staff[11], waiting=staff[12])
    name = undone["before"][staff[11]][0]["primaryTeam"]["name"]
    teams = {group["name"]: group["id"] for group in acme.groups() if group["type"] == "TEAM"}
    undone["team"] = teams.pop(name)
    undone["since"] = now()
    acme.changes([{"op": "leave", "employee": employee} for employee in undone["left"]] +
                 [{"op": "vanish", "employee": employee} for employee in undone["vanished"]] +
                 [{"op": "update", "employee": employee, "job_title": None} for employee in undone["changed"]] +
                 [{"op": "update", "employee": undone["moved"], "team": min(teams.values())}])
    undone["joiner"] = acme.change("hire", first_name="Juno")["employee"]

    def still_there():
        world.command("producer", "once", "--full", "--integration", acme.id)
        there = pictures()
        return [employee for employee in (*undone["left"], *undone["vanished"]) if there[employee][1]]
    wait_for("all leavers to be deactivated", still_there, 40, 0.5)
    quiet()
    after = acme.last_request()
    code, document = undo_json()
    equal((code, document["applied"], document["paused"]), (0, False, False))
    found = actions(document)
    equal(found.get("restore"), sorted([*undone["left"], *undone["vanished"], *undone["changed"], undone["moved"]]))
    equal(found.get("stays"), [undone["joiner"]])
    equal(acme.writes(after=after), [], "writes of a dry run")
    text = words(undo())
    for word in ("reactivate", "job title: nothing", "rollcall-producer pause --integration personio:acme --config", "--apply", "objectives", undone["joiner"]):
        assert word in text, f"{word!r} is not in {text}"


@test
def undo_refuses_while_the_sync_would_do_it_again():
    stop("consumer")  # one more leaver, whom nobody applies
    acme.change("leave", undone["waiting"])
    world.wait_for("their event", lambda: world.topics.refresh().story(undone["waiting"])[-1][1] == "deactivated")
    after = acme.last_request()
    order("pause", "--events", "deactivated")
    done = undo("--apply")
    equal(done.returncode, 1, words(done))
    assert "rollcall-producer pause --integration personio:acme" in words(done), words(done)
    equal(acme.writes(after=after), [])
    order("pause")
    start("consumer")


@test
def undo_reports_who_fails_and_goes_on_with_the_others():
    victim = undone["left"][0]
    world.sandbox.fault("status", "learnamp", acme, next=-1, status=422, body='{"error": "no such luck"}',
                        match={"method": "PUT", "path": f"/v1/users/by_integration_external_id/{victim}"})
    world.sandbox.fault("throttle", "learnamp", acme, next=2, retry_after_s=1, match={"method": "PUT"})
    code, document = undo_json("--apply")
    world.sandbox.clear()
    equal(code, 1)
    equal([(person["employee_id"], person["message"]) for person in document["people"] if person.get("result") == "failed"],
          [(victim, "no such luck")])
    there = pictures()
    fail([employee for employee in (*undone["left"][1:], *undone["vanished"]) if not there[employee][1]], "still deactivated")
    world.sandbox.fault("status", "learnamp", acme, next=-1, status=403, match={"method": "PUT"})
    done = undo("--apply")
    world.sandbox.clear()
    equal(done.returncode, 1, words(done))
    assert "rollcall-consumer check --integration personio:acme" in words(done), words(done)


@test
def undo_brings_back_everybody_with_teams_fields_and_managers():
    code, document = undo_json("--apply")
    fail([person for person in document["people"] if person.get("result", "restored") != "restored"])
    equal((code, document["not_applied_yet"]), (0, 1), document)
    now_there = pictures()
    fail([f"{employee}: {picture} and not {undone['before'][employee]}" for employee, picture in now_there.items()
          if picture != undone["before"].get(employee, picture)])
    assert now_there[undone["joiner"]][1], "who came since is deactivated"
    after = acme.last_request()
    code, document = undo_json("--apply")
    equal(code, 0)
    found = actions(document)
    equal(found.get("restore"), None, "typed again")
    written = {request["employee"] for request in acme.writes(after=after)}
    equal(sorted(written), found.get("unseen", []), "only what Learn Amp does not show is written again")


@test
def when_hr_is_mended_and_the_sync_goes_on_nobody_is_deactivated_again():
    deactivations = {user["id"]: user["deactivations"] for user in acme.users()}
    for employee in undone["vanished"]:
        acme.change("appear", employee)
    for employee in (*undone["left"], undone["waiting"]):
        acme.change("update", employee, employment_status="ACTIVE", termination_date=None)
    for employee in undone["changed"]:
        acme.change("update", employee, job_title=undone["before"][employee][0]["jobTitle"])
    acme.change("update", undone["moved"], team=undone["team"])
    order("resume", "--events", "created,profile-updated,team-changed")
    done = world.command("producer", "once", "--full", "--integration", acme.id)
    equal(done.returncode, 0, words(done))
    order("resume")
    world.settle()
    equal({user["id"]: user["deactivations"] for user in acme.users()}, deactivations)


@test
def what_waited_in_another_lane_deactivates_nobody_while_deactivations_are_paused():
    quiet()
    person = next(user for user in acme.users() if user["integrationExternalId"] and user["status"]["status"] != "Deactivated")
    employee, since = person["integrationExternalId"], now()
    stop("consumer")
    others = world.consumer(events=["profile-updated", "team-changed", "deactivated"]).start().wait_ready()
    order("resync", "--employee", employee)
    acme.change("leave", employee)
    world.wait_for("the deactivation", lambda: acme.user(employee)["status"]["status"] == "Deactivated")
    deactivations = acme.user(employee)["deactivations"]
    order("pause")
    others.stop()
    start("consumer")
    done = world.command("consumer", "undo", "--integration", acme.id, "--since", since, "--employee", employee, "--apply")
    equal(done.returncode, 0, words(done))
    assert "1 person: not all changes from that time are applied yet" in done.stdout, done.stdout
    order("resume", "--events", "created,profile-updated,team-changed")

    def entry():
        return world.topics.refresh().ledger(world.application)[f"created:{acme.id}/{employee}"]
    resynced = max(event[0] for event in world.topics.refresh().story(employee) if event[1] == "created")
    world.wait_for("their record", lambda: entry()["version"] >= resynced)
    equal((entry()["outcome"], entry()["reason"]), ("PARKED", "they have left, and deactivations of the integration are paused"))
    assert acme.user(employee)["status"]["status"] != "Deactivated"
    acme.change("update", employee, employment_status="ACTIVE", termination_date=None)
    equal(world.command("producer", "once", "--full", "--integration", acme.id).returncode, 0)
    order("resume")
    world.settle()
    equal((acme.user(employee)["status"]["status"] != "Deactivated", acme.user(employee)["deactivations"]), (True, deactivations))


with world:
    run(world)
