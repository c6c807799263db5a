"""What operators type between two polls: `status`, `approve`, `reject`, `pause`, `resume`, `resync`, `forget`."""

import json
from datetime import datetime, timedelta, timezone

from rollcall.suite import equal, run, test
from rollcall.topics import Producer
from rollcall.world import World

PEOPLE = 24
BRAKES = {"deactivations": {"count": 2, "percent": 0}}
world = World("operators", {"acme": {"people": PEOPLE, "policy": {"create": "immediately", "brakes": BRAKES}}})
acme = world["acme"]
services = {}
known = {}  # what one test leaves to the next


def words(done):
    return done.stdout + done.stderr


def command(name, *arguments, code=0):
    done = world.command("producer", name, "--integration", acme.id, *arguments)
    equal(done.returncode, code, words(done))
    return done


def status(code=0):
    entry, = json.loads(command("status", "--json", code=code).stdout)["integrations"]
    return entry


def start(kind):
    services[kind] = getattr(world, kind)().start()
    services[kind].wait_ready()


def announced():
    return sorted(s["employee_id"] for s in world.topics.refresh().snapshots().values() if s["presence"] == "EMPLOYED")


def leave(people):
    acme.changes([{"op": "update", "employee": e, "employment_status": "INACTIVE"} for e in people])


def wait_held():
    world.wait_for("a hold", lambda: bool(world.topics.refresh().states()[acme.id]["holds"]))
    hold, = status(code=3)["holds"]
    return hold


def deactivated(people):
    return all(acme.user(e)["statusValue"] == "deactivated" for e in people)


@test
def status_says_what_was_never_polled_and_that_nobody_runs():
    world.create_topics()
    entry = status()
    equal((entry["id"], entry["reason"], entry["holds"]), (acme.id, "not polled yet", []))
    said = command("status").stdout
    assert "not polled yet" in said and "No producer is running" in said and "rollcall-producer run --config" in said, said
    for kind in ("producer", "consumer"):
        start(kind)
    world.settle()
    entry = status()
    equal((entry["state"], entry["announced"], entry["last_poll"]["full"] in (True, False)), ("OK", len(announced()), True))
    assert "No producer" not in command("status").stdout
    acme.change("hire", work_email=None)
    world.wait_for("who lacks an address", lambda: status()["waiting"] == {"NO_EMAIL": 1})
    equal(status()["employees"], entry["employees"] + 1)  # known of, and not announced
    said = command("status").stdout
    assert "to be mended in HR: 1 no e-mail address" in said, said


@test
def a_hold_lists_exactly_who_is_held_and_approve_publishes_exactly_them():
    leavers = announced()[:5]
    leave(leavers)
    hold = wait_held()
    equal((hold["class"], hold["employees"], hold["limit"]), ("deactivations", 5, 2))
    done = world.command("producer", "status", "--hold", hold["id"], "--json")
    equal(done.returncode, 3, words(done))
    shown, = json.loads(done.stdout)["integrations"][0]["holds"]
    equal(sorted(p["employee_id"] for p in shown["people"]), leavers)
    equal({p["events"][0]["type"] for p in shown["people"]}, {"deactivated"})
    said = world.command("producer", "status", "--hold", hold["id"]).stdout
    assert all(e in said for e in leavers) and f"approve --integration {acme.id} --hold {hold['id']}" in said, said
    wrong = command("approve", "--hold", hold["id"][:-1], code=2)
    assert f"did you mean {hold['id']}" in words(wrong), words(wrong)
    back = leavers.pop()  # HR takes one of them back
    acme.change("update", back, employment_status="ACTIVE")
    world.wait_for("the hold to be smaller", lambda: status(code=3)["holds"][0]["employees"] == 4)
    done = command("approve", "--hold", hold["id"])
    assert back not in done.stdout and leavers[0] in done.stdout and "4 approved" in done.stdout, done.stdout
    equal(status()["holds"], [])
    world.wait_for("those who left to be deactivated", lambda: deactivated(leavers))
    known["gone"] = leavers


@test
def reject_keeps_people_as_they_are():
    people = announced()[:4]
    leave(people)
    hold = wait_held()
    done = command("reject", "--hold", hold["id"])
    assert "4 rejected" in done.stdout, done.stdout
    entry = status()
    equal((entry["holds"], entry["waiting"]), ([], {"NO_EMAIL": 1, "REJECTED": 4}))
    equal([e for e in people if acme.user(e)["statusValue"] == "deactivated"], [])
    gone = command("status", "--hold", hold["id"], code=1)
    assert "nothing is held now" in words(gone), words(gone)
    known["kept"] = people


@test
def the_stop_button_works_where_no_producer_runs():
    person = [e for e in announced() if e not in known["kept"]][0]
    equal(services.pop("producer").stop(), 0)
    done = command("pause", "--events", "profile-updated")
    assert "profile-updated is paused" in done.stdout and f"resume --integration {acme.id}" in done.stdout, done.stdout
    equal(status()["paused"], ["profile-updated"])
    acme.change("update", person, job_title="Stopped")
    start("producer")
    world.wait_for("the change to wait", lambda: status()["waiting"].get("PAUSED") == 1)
    assert "profile-updated" in command("status").stdout
    done = command("resume")
    assert "1 person waited" in done.stdout, done.stdout
    world.wait_for("the change to be applied", lambda: acme.user(person)["jobTitle"] == "Stopped")
    known["person"] = person


@test
def resync_brings_back_what_was_changed_by_hand():
    person = known["person"]
    acme.change_user(acme.user(person)["id"], jobTitle="Changed by hand")
    before = acme.last_request()
    done = command("resync", "--employee", person)
    assert "1 created and 0 deactivated published" in done.stdout, done.stdout
    world.wait_for("the title to be as in HR", lambda: acme.user(person)["jobTitle"] == "Stopped")
    equal([r for r in acme.requests(after=before) if "invit" in r["target"]], [])
    done = command("resync", "--json")
    counts = json.loads(done.stdout)["message"]
    equal(counts, f"{len(announced())} created and {len(known['gone'])} deactivated published")
    refused = command("resync", "--employee", "nobody", code=1)
    assert "nobody" in words(refused), words(refused)
    world.wait_quiet()


@test
def who_is_forgotten_stays_gone_whatever_comes_late_and_may_return():
    person, employed = known["gone"][0], known["person"]
    refused = command("forget", "--employee", employed, code=1)
    assert "is employed" in words(refused), words(refused)
    key = f"{acme.id}/{person}"
    created = [r for r in world.topics.refresh().records["employee.created"] if r.key == key]
    version = world.topics.snapshots()[key]["version"]
    done = command("forget", "--employee", person)
    assert "30d" in done.stdout and "90d" in done.stdout, done.stdout
    world.topics.refresh()
    assert key not in world.topics.snapshots(), "there is a snapshot"
    equal([k for k in world.topics.ledger(world.application) if k.endswith(key)], [])
    before = acme.last_request()
    late = created[0]
    Producer(world.kafka.address).send(world.prefix + "employee.created", late.key, late.raw,
                                       [(n, v.encode()) for n, v in late.headers.items()], late.partition)
    world.wait_quiet()
    equal(acme.user(person)["statusValue"], "deactivated")
    equal([r["target"] for r in acme.writes(after=before) if r["method"] == "POST"], [])
    acme.change("update", person, employment_status="ACTIVE")
    world.wait_for("the return", lambda: acme.user(person)["statusValue"] != "deactivated")
    assert world.topics.refresh().snapshots()[key]["version"] > version


@test
def who_left_long_ago_is_forgotten_by_itself():
    person = [e for e in announced() if e not in known["kept"]][0]
    long_ago = (datetime.now(timezone.utc) - timedelta(days=2)).date().isoformat()
    acme.change("update", person, termination_date=long_ago)
    world.wait_for("the leaving", lambda: acme.user(person)["statusValue"] == "deactivated")
    assert f"{acme.id}/{person}" in world.topics.refresh().snapshots()
    equal(services.pop("producer").stop(), 0)
    world.write_config(producer={"forget_after": "1ms"})
    start("producer")
    world.wait_for("the tombstone", lambda: f"{acme.id}/{person}" not in world.topics.refresh().snapshots())
    kept = [k for k, s in world.topics.snapshots().items() if s["presence"] == "GONE"]
    equal(len(kept), len(known["gone"]) - 1)  # whose last day is not over; one of them has returned


with world:
    run(world)
