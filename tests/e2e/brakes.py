"""What must not happen by accident: a source that answers too little, a lost permission, a mass leaver, a drip; and what people decide about it."""

import json

from rollcall.suite import equal, fail, run, test
from rollcall.waiting import never
from rollcall.world import World

FULL = {"full_sync_interval": "1s"}


def brakes(**limits):
    return {"brakes": {name: {"count": count, "percent": 0} for name, count in limits.items()}}


world = World("brakes", {
    "empty": {"people": 40, "kombo": FULL, "policy": brakes(deactivations=5)},
    "halved": {"people": 40, "kombo": FULL, "policy": brakes(deactivations=5)},
    "permission": {"people": 60, "policy": brakes(profile_changes=30, cleared_values=20)},
    "drip": {"people": 20, "policy": brakes(deactivations=3)},
    "leavers": {"people": 30, "policy": brakes(deactivations=3)},
    "moves": {"people": 30, "policy": brakes(team_changes=4)},
})
empty, halved, permission, drip, leavers, moves = world.integrations.values()


def status(integration):
    done = world.command("producer", "status", "--integration", integration.id, "--json")
    assert done.returncode in (0, 3), done.stderr
    return json.loads(done.stdout)["integrations"][0]


def holds(integration):
    state = world.topics.refresh().states().get(integration.id)
    return {hold["brake"]: hold for hold in state["holds"]} if state else {}


def wait_hold(integration, brake, employees):
    world.wait_for(f"{employees} to be held by {brake}",
                   lambda: [] if holds(integration).get(brake, {}).get("employees") == employees else [str(holds(integration))], 40)
    return holds(integration)[brake]["id"]


def deactivations(integration):
    return sum(user["deactivations"] for user in integration.users())


def active(integration, count, start=0):
    """Announced people, as HR shows them."""
    there = {user["integrationExternalId"] for user in integration.users() if user["statusValue"] != "deactivated"}
    return [e for e in integration.employees() if e["id"] in there and e["employment_status"] == "ACTIVE"][start:start + count]


def leave(integration, people):
    integration.changes([{"op": "leave", "employee": person["id"]} for person in people])


def decide(verb, integration, hold):
    done = world.command("producer", verb, "--integration", integration.id, "--hold", hold, "--yes")
    equal(done.returncode, 0, done.stdout + done.stderr)
    return done.stdout


@test
def everybody_is_imported_and_no_brake_minds():
    world.create_topics()
    world.start()
    world.settle()
    fail([f"{i.slug}: {holds(i)}" for i in world.integrations.values() if holds(i)])


@test
def an_empty_list_ends_with_nobody_deactivated():
    announced = status(empty)["announced"]
    fault = world.sandbox.fault("empty_list", "kombo", empty, next=-1, match={"path": "/hris/employees"})
    wait_hold(empty, "deactivations", announced)
    equal(deactivations(empty), 0)
    equal(status(empty)["announced"], announced)
    world.sandbox.clear(fault)
    world.wait_for("the hold to end by itself", lambda: list(holds(empty)), 20)
    world.wait_equal("empty")


@test
def a_halved_list_ends_with_nobody_deactivated():
    fault = world.sandbox.fault("halved_list", "kombo", halved, next=-1, match={"path": "/hris/employees"})
    world.wait_for("a hold", lambda: [] if "deactivations" in holds(halved) else ["none"], 40)
    equal(deactivations(halved), 0)
    world.sandbox.clear(fault)
    world.wait_for("the hold to end by itself", lambda: list(holds(halved)), 20)
    world.wait_equal("halved")


@test
def a_lost_permission_empties_nobodys_profile():
    people = active(permission, 50)
    titles = [(person["id"], person["job_title"]) for person in people if person["job_title"]]
    before = permission.last_request()
    permission.changes([{"op": "update", "employee": i, "job_title": None} for i, _ in titles])
    team = permission.change("add_group", name="Lighthouse", type="TEAM")["group"]
    other = active(permission, 1, 50)[0]
    permission.change("update", other["id"], team=team)  # of another class: goes on
    wait_hold(permission, "cleared_values", len(titles))
    world.wait_for("the other to be moved", lambda: [] if permission.writes(after=before, employee=other["id"]) else ["not yet"], 20)
    world.wait_quiet()
    writes = permission.writes(after=before)
    touched = {request.get("employee") for request in writes}
    fail([f"{i} was written" for i, _ in titles if i in touched])
    permission.changes([{"op": "update", "employee": i, "job_title": title} for i, title in titles])
    world.wait_for("the holds to end by themselves", lambda: list(holds(permission)), 20)
    world.wait_equal("permission")


@test
def a_drip_is_held_like_a_flood():
    for person in active(drip, 3):
        leave(drip, [person])
        world.wait_polled("drip")
    world.wait_for("three to be gone", lambda: [] if deactivations(drip) == 3 else [deactivations(drip)], 20)
    leave(drip, active(drip, 1))
    wait_hold(drip, "deactivations", 1)
    equal(deactivations(drip), 3)


@test
def a_mass_leaver_waits_for_a_person_while_others_go_on():
    people = active(leavers, 8)
    leave(leavers, people)
    mover = active(leavers, 1, 9)[0]
    leavers.change("update", mover["id"], job_title="Captain")
    hold = wait_hold(leavers, "deactivations", 8)
    world.wait_for("the other to be written", lambda: [] if leavers.user(mover["id"])["jobTitle"] == "Captain" else ["not yet"], 20)
    equal(deactivations(leavers), 0)
    shown = status(leavers)
    equal([(h["id"], h["class"], h["employees"], h["limit"]) for h in shown["holds"]], [(hold, "deactivations", 8, 3)])
    leavers.change("rehire", people[0]["id"])  # one of them was an error in HR, which is mended there
    wait_hold(leavers, "deactivations", 7)
    decide("approve", leavers, hold)
    world.wait_for("seven to be gone", lambda: [] if deactivations(leavers) == 7 else [deactivations(leavers)], 20)
    equal(holds(leavers), {})
    world.wait_equal("leavers")


@test
def a_rejected_move_stays_rejected_until_it_is_another():
    people = active(moves, 6)
    nowhere, somewhere = (moves.change("add_group", name=name, type="TEAM")["group"] for name in ("Nowhere", "Somewhere"))
    moves.changes([{"op": "update", "employee": person["id"], "team": nowhere} for person in people])
    hold = wait_hold(moves, "team_changes", 6)
    decide("reject", moves, hold)
    equal(holds(moves), {})
    before = moves.last_request()
    moves.change("update", people[0]["id"], team=somewhere)
    world.wait_for("the other move to be written", lambda: [] if moves.writes(after=before) else ["not yet"], 20)
    world.wait_quiet()
    touched = {request.get("employee") for request in moves.writes(after=before)}
    equal([person["id"] in touched for person in people], [True] + [False] * 5)
    waiting = [p for p in world.topics.refresh().pending().values() if p["integration_id"] == moves.id and "REJECTED" in p["reasons"]]
    equal(len(waiting), 5)


@test
def the_stop_button_stops_both_programs():
    done = world.command("producer", "pause", "--integration", moves.id)
    equal(done.returncode, 0, done.stdout + done.stderr)
    equal(sorted(status(moves)["paused"]), ["created", "deactivated", "profile-updated", "team-changed"])
    before, person = moves.last_request(), active(moves, 1, 10)[0]
    moves.change("update", person["id"], job_title="Captain")
    world.wait_polled("moves")
    never("anything to be written", lambda: moves.writes(after=before), 1)
    done = world.command("producer", "resume", "--integration", moves.id)
    equal(done.returncode, 0, done.stdout + done.stderr)
    world.wait_for("the change to be written", lambda: [] if moves.user(person["id"])["jobTitle"] == "Captain" else ["not yet"], 20)


with world:
    run(world=world)
