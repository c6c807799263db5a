"""`rollcall-producer plan`: what it shows is what the next `once` publishes, event by event, and it writes nothing."""

import datetime
import json
import os

import confluent_kafka

from rollcall import zones
from rollcall.suite import equal, run, test
from rollcall.topics import EVENT_TYPES
from rollcall.world import World

FIELDS = ("email", "first_name", "last_name", "status", "hire_date", "leave_date", "job_title", "avatar", "manager_email", "language",
          "primary_location")
SOON = str(datetime.date.today() + datetime.timedelta(days=20))
# A zone of this test's own. It is half a day behind, until next_day(): from then on it is half a day ahead.
ZONE, HALF_A_DAY_S = "Test/Plan", 43200
TODAY = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=HALF_A_DAY_S)).date()
BRAKES = {"deactivations": {"count": 2, "percent": 0}, "cleared_values": {"count": 3, "percent": 0}}
world = World("plan", {"acme": {"people": 60, "timezone": ZONE, "kombo": {"poll_interval": "1h"}, "policy": {"create": "0d", "absence_grace": "1h", "brakes": BRAKES},
                                "mapping": {"custom:Cost centre": "custom_fields.cost_center", "firstName": "first_name",
                                            "lastName": "last_name", "email": "work_email", "jobTitle": "job_title",
                                            "location": "work_location.name", "hireDate": "start_date",
                                            "leaveDate": "termination_date"}}}, settings={"instance": "here"})
acme = world["acme"]
os.environ["TZDIR"] = zones.folder(world.folder)
zones.write(os.environ["TZDIR"], {ZONE: [(-HALF_A_DAY_S,)]})


def next_day():
    zones.write(os.environ["TZDIR"], {ZONE: [(HALF_A_DAY_S,)]})


# --- two ways to say the same ---

def text(field, value):
    if field == "avatar" and value:
        return value.split("?")[0]
    if isinstance(value, dict):
        return value["name"]
    if isinstance(value, list):
        return ", ".join(team["name"] or team["id"] for team in value) or None
    return None if value is None else str(value)


def planned(document):
    """([event, …], {(employee, reason, until), …}) of the one integration."""
    (of,) = document["integrations"]
    equal((of["id"], of["complete"]), (acme.id, True))
    events = []
    for event in of["events"]:
        assert event["version"] > 0
        changes = {c["field"]: (text(c["field"], c.get("before")), text(c["field"], c.get("after"))) for c in event.get("changes", [])}
        events.append((event["employee_id"], event["type"], event.get("reason"), event.get("effective_date"), event.get("replaces"),
                       event.get("held_by"), sorted(changes.items())))
    waiting = {(w["employee_id"], w["reason"], w.get("until")) for w in of["waiting"]}
    return sorted(events, key=str), waiting


def changes_of(event_type, value, before):
    state, found = value["employee"], {}
    custom = {one["name"]: one["value"] for one in state["custom"]}
    if event_type == "profile-updated":
        for change in value["changed_fields"]:
            field = change["name"]
            now = custom.get(field[7:]) if field.startswith("custom:") else state[field]
            found[field] = text(field, change["previous"]), text(field, now)
    if event_type == "created":
        found = {field: (None, text(field, state[field])) for field in (*FIELDS, "primary_team", "secondary_teams")}
        found |= {f"custom:{name}": (None, one) for name, one in custom.items()}
    if event_type == "team-changed":
        found = {field: (text(field, before[field]), text(field, state[field])) for field in ("primary_team", "secondary_teams")}
    return sorted((field, values) for field, values in found.items() if values[0] != values[1])


class Published:
    """What is on the topics beyond what was there when it was made."""

    def __init__(self):
        world.topics.refresh()
        self.known = {id(record) for records in world.topics.records.values() for record in records}
        self.before = {key: row["employee"] for key, row in world.topics.snapshots().items()}

    def since(self):
        """In the form of planned(); what is held stands among the waiting as (employee, classes)."""
        world.topics.refresh()
        events = []
        for event_type, record in world.topics.events(acme.id):
            if id(record) in self.known:
                continue
            value = record.value
            day = value.get("effective_date")
            events.append((value["metadata"]["employee_id"], event_type, value.get("reason"), str(day) if day else None,
                           value.get("replaces"), None, changes_of(event_type, value, self.before.get(record.key))))
        waiting, held = set(), {}
        for key, row in world.topics.pending().items():
            employee = key.split("/")[1]
            for reason in row["reasons"]:
                if reason == "HELD":
                    held[employee] = {hold["brake"] for hold in row["holds"]}
                    continue
                until = row["until"] if reason in ("NOT_YET", "ABSENT_ONCE") else None
                waiting.add((employee, reason, until and until.strftime("%Y-%m-%dT%H:%M:%S.") + f"{until.microsecond // 1000:03d}Z"))
        return sorted(events, key=str), waiting, held


# --- nothing is written ---

def everything():
    """What a plan must leave as it is: topics and their ends, groups, files."""
    admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": world.kafka.address})
    ends = {}
    if world.topics.names():
        world.topics.refresh()
        ends = world.topics.ends("read_uncommitted")
    groups = sorted(group.group_id for group in admin.list_consumer_groups(request_timeout=10).result().valid
                    if group.group_id.startswith(world.prefix[:-1]))
    state = world.folder / "state"
    files = sorted(str(path) for path in state.rglob("*")) if state.exists() else None
    return world.topics.names(), ends, groups, files


def plan(*arguments, code=0, environment=None):
    before = everything()
    done = world.command("producer", "plan", "--json", *arguments)
    equal(done.returncode, code, done.stderr)
    equal(everything(), before, "what plan left")
    return planned(json.loads(done.stdout)), json.loads(done.stdout)["integrations"][0]


def once(*arguments, code=0):
    done = world.command("producer", "once", *arguments)
    equal(done.returncode, code, done.stdout + done.stderr)


def compare(seen, happened):
    (events, waiting), (published, then_waiting, held) = seen, happened
    equal([event for event in events if not event[5]], published, "events")
    shown_held = {}
    for event in events:
        if event[5]:
            shown_held.setdefault(event[0], set()).add(event[5])
    equal(sorted(shown_held), sorted(held), "who is held")
    for employee, classes in shown_held.items():
        assert classes <= held[employee], (employee, classes, held[employee])
    # A moment that counts from the poll differs with the poll.
    equal({entry[:2] for entry in waiting}, {entry[:2] for entry in then_waiting}, "who waits")
    equal({e for e in waiting if e[1] == "NOT_YET"}, {e for e in then_waiting if e[1] == "NOT_YET"}, "until when")


def announced():
    """Who is published, in the same order at all times, and has a job title."""
    rows = world.topics.refresh().snapshots().items()
    waiting = world.topics.pending()
    return sorted(row["employee_id"] for key, row in rows
                  if row["presence"] == "EMPLOYED" and row["employee"]["job_title"] and key not in waiting)


@test
def a_first_import_is_shown_on_a_cluster_without_topics():
    acme.change("hire", work_email=None)
    acme.change("hire", employment_status="PENDING", start_date=SOON)
    taken = acme.employees()[5]["work_email"]
    acme.change("hire", work_email=taken)
    equal(world.topics.names(), [])
    seen, about = plan()
    equal(about["full"], True)
    people = world.command("producer", "plan")
    equal(people.returncode, 0, people.stderr)
    for words in ("because this is the first import", "Kafka has no topics of ours yet", "people to create", "nothing was published",
                  "Waiting, HR has no e-mail address: 1 person", "more; --json shows all",
                  f"rollcall-producer once --integration {acme.id} --config {world.config_file}"):
        assert words in people.stdout, f"{words}\n{people.stdout}"
    before = Published()
    once()
    compare(seen, before.since())
    equal({reason for _, reason, _ in seen[1]}, {"NO_EMAIL", "NOT_YET", "EMAIL_COLLISION"})
    equal({event[1:3] for event in seen[0]}, {("created", "INITIAL_IMPORT")})


@test
def nothing_to_do_is_said():
    seen, about = plan()
    equal(seen[0], [])
    equal((about["full"], "updated_after" in about), (False, True))
    people = world.command("producer", "plan")
    assert "Nothing would change" in people.stdout, people.stdout


@test
def mixed_changes_are_shown_while_a_service_of_the_same_instance_runs():
    producer = world.producer("here").start().wait_ready()
    staff = announced()
    acme.change("update", staff[0], job_title="Chief of Everything")
    acme.change("update", staff[1], job_title="Chief of Nothing", work_email="another@acme.example")
    acme.change("leave", staff[2])
    for employee in staff[3:5]:
        acme.change("update", employee, job_title=None)
    acme.change("delete", staff[5])
    acme.change("update", staff[6], work_email=None)
    acme.change("hire")
    acme.change("random", changes=6, seed=7, only=["move", "location", "custom"])
    team = world.topics.snapshots()[f"{acme.id}/{staff[7]}"]["employee"]["primary_team"]
    acme.change("rename_group", group=team["id"], name="Quite Another Name")
    seen, about = plan()
    equal(about["full"], False)
    types = {event[1] for event in seen[0]}
    equal(types, set(EVENT_TYPES), "kinds of events in the mix")
    people = world.command("producer", "plan")
    for words in ("what changed since", "To deactivate: 1 person", "To create: 1 person", "To change, job title: 4 people, empty afterwards for 2",
                  "Chief of Everything", "Teams with another name", "Waiting, HR did not show them once"):
        assert words in people.stdout, f"{words}\n{people.stdout}"
    before = Published()
    once()
    compare(seen, before.since())
    equal(producer.stop(), 0)


@test
def what_a_brake_would_hold_is_shown_and_exits_3():
    staff = announced()
    for employee in staff[-5:]:
        acme.change("leave", employee)
    for employee in staff[-11:-5]:
        acme.change("update", employee, job_title=None)
    acme.change("update", staff[10], job_title="Free to go")
    seen, _ = plan(code=3)
    equal({event[5] for event in seen[0]}, {"deactivations", "cleared_values", None})
    people = world.command("producer", "plan")
    equal(people.returncode, 3)
    for words in ("5 deactivations would be held until you approve or reject them; up to 2 pass within 24 hours",
                  "6 cleared values would be held", "To deactivate: 5 people, held (deactivations)",
                  "job title would become empty for 6 of"):
        assert words in people.stdout, f"{words}\n{people.stdout}"
    before = Published()
    once(code=3)
    compare(seen, before.since())
    # The hold is there now, and its name is shown.
    (hold,) = [h["id"] for h in world.topics.refresh().states()[acme.id]["holds"] if h["brake"] == "deactivations"]
    seen, _ = plan(code=3)
    equal(len(seen[0]), 11)
    assert f"status --integration {acme.id} --hold {hold}" in world.command("producer", "plan").stdout


@test
def what_was_rejected_or_is_paused_waits():
    (hold,) = [h["id"] for h in world.topics.refresh().states()[acme.id]["holds"] if h["brake"] == "deactivations"]
    for command in (("reject", "--hold", hold, "--yes"), ("pause", "--events", "created,team-changed")):
        done = world.command("producer", *command, "--integration", acme.id)
        equal(done.returncode, 0, done.stdout + done.stderr)
    acme.change("hire")
    acme.change("random", changes=3, seed=11, only=["move"])
    acme.change("update", announced()[0], job_title="Not paused")
    seen, _ = plan(code=3)
    reasons = [reason for _, reason, _ in seen[1]]
    paused = reasons.count("PAUSED")
    equal((reasons.count("REJECTED"), paused > 1), (5, True))
    people = world.command("producer", "plan").stdout
    for words in ("! Paused: created, team-changed", "Waiting, a person rejected it: 5 people", f"Waiting, publishing is paused: {paused} people"):
        assert words in people, f"{words}\n{people}"
    before = Published()
    once(code=3)
    compare(seen, before.since())
    equal(world.command("producer", "resume", "--integration", acme.id).returncode, 0)


@test
def a_full_reading_is_shown_where_one_is_due_or_asked_for():
    employee = announced()[8]
    acme.change("vanish", employee)
    seen, about = plan("--full", code=3)
    equal(about["full"], True)
    equal({(e, r) for e, r, _ in seen[1] if e == employee}, {(employee, "ABSENT_ONCE")})
    before = Published()
    once("--full", code=3)
    compare(seen, before.since())
    # Another mapping: everybody is read, and what that changes is shown.
    world.overrides["acme"]["mapping"].pop("location")
    world.write_config()
    seen, about = plan(code=3)
    equal(about["full"], True)
    assert "because mapping, policy or time zone have changed" in world.command("producer", "plan").stdout
    before = Published()
    once(code=3)
    compare(seen, before.since())


@test
def a_day_that_has_begun_is_shown_for_people_of_whom_hr_changed_nothing():
    leaver, rejected = announced()[9], [e for e, r, _ in plan(code=3)[0][1] if r == "REJECTED"][0]
    tomorrow = str(TODAY + datetime.timedelta(days=1))
    acme.change("update", leaver, termination_date=str(TODAY))
    joiner = acme.change("hire", employment_status="PENDING", start_date=tomorrow)["employee"]
    later = acme.change("hire", employment_status="PENDING", start_date=str(TODAY + datetime.timedelta(days=2)))["employee"]
    once(code=3)
    world.sandbox.call("PUT", "clock", {"advance_ms": 600000})  # all of that is long ago for the next poll
    once(code=3)
    assert {(joiner, "NOT_YET"), (later, "NOT_YET")} <= {entry[:2] for entry in plan(code=3)[0][1]}
    next_day()
    seen, about = plan(code=3)
    equal(about["full"], False)
    equal({event[:3] for event in seen[0] if not event[5]}, {(leaver, "deactivated", "TERMINATION_DATE"), (joiner, "created", "NEW_HIRE")})
    waiting = {entry[:2] for entry in seen[1]}
    assert {(later, "NOT_YET"), (rejected, "REJECTED")} <= waiting, waiting
    before = Published()
    once(code=3)
    compare(seen, before.since())
    equal(plan(code=3)[0][0], [event for event in seen[0] if event[5]], "what is left")


@test
def trouble_at_kombo_is_told_and_changes_nothing():
    world.sandbox.fault("kombo_error", "kombo", acme, code="INTEGRATION.PERMISSION_MISSING", next=-1)
    before = everything()
    done = world.command("producer", "plan", "--json")
    equal(done.returncode, 1)
    (of,) = json.loads(done.stdout)["integrations"]
    equal((of["complete"], of["events"], of["waiting"]), (False, [], []))
    assert of["error"]
    people = world.command("producer", "plan")
    equal(people.returncode, 1)
    assert "rollcall-producer check --integration" in people.stdout, people.stdout
    equal(everything(), before)
    world.sandbox.clear()


@test
def what_a_killed_plan_left_goes_with_the_next():
    folder = world.folder / "state" / "here"
    (folder / "plan.999999999").mkdir(parents=True)
    (folder / "plan.999999999" / "data.mdb").write_text("people")
    world.command("producer", "plan")
    equal([path.name for path in folder.iterdir() if path.name.startswith("plan.")], [])


with world:
    run(world)
