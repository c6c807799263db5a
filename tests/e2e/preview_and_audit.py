"""What operators ask before and after: `plan` says what the next run does, `audit` what differs, and --repair has it mended."""

import json

from rollcall import books, config
from rollcall.suite import equal, fail, run, test
from rollcall.world import World

POLICY = {"secondary_teams": ["DEPARTMENT"], "initial_import_invite": False, "invite": "on_create"}
MAPPING = {**config.MANAGERS, "language": "integration_fields.preferred_language", "custom:Cost centre": "custom_fields.cost_center"}

world = World("audit", {
    "acme": {"people": 30, "policy": POLICY, "mapping": MAPPING, "sandbox": {"learnamp": {"custom_fields": ["Cost centre"]}}},
    "other": {"people": 5},
})
acme = world["acme"]


def ask(command, *more, exits=0):
    done = world.command("consumer", *command.split(), "--integration", acme.id, "--json", *more)
    assert done.returncode == exits, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)


def audit(*more, exits=0):
    return ask("audit", *more, exits=exits)


def read(command, *more):
    """As people read it."""
    return world.command("consumer", *command.split(), "--integration", acme.id, *more).stdout


def active():
    """Users who are active and ours."""
    return [u for u in acme.users() if u["integrationExternalId"] and u["statusValue"] != "deactivated"]


# --- plan ---

RANK = ["create", "adopt", "reactivate", "deactivate", "update"]


def plan(exits=0):
    """What `plan` says, and that it leaves no trace."""
    def traces():
        groups = {g.group_id: len(world.topics.admin.describe_consumer_groups([g.group_id])[g.group_id].result(30).members)
                  for g in world.topics.admin.list_consumer_groups().result(30).valid if g.group_id.startswith(world.application)}
        ends = {place: end for place, end in world.topics.ends().items() if ".sync." not in place[0]}  # which the producer writes to
        return ends, groups, {group: world.topics.committed(group) for group in groups}
    before, request = traces(), acme.last_request()
    found = ask("plan", exits=exits)["integrations"][0]
    equal(acme.writes(after=request), [], "requests of a plan that change something")
    after = traces()
    equal((after[0], after[2]), (before[0], before[2]), "ends and offsets")
    # A consumer that was stopped just now is a member until its session is over.
    fail([f"{group} gained members" for group, members in after[1].items() if members > before[1].get(group, 0)])
    actions = {action["employee_id"]: action for action in found["actions"]}
    equal(len(actions), len(found["actions"]), "an action for each person")
    return found, actions


def numbers():
    """Which user is whose, before a run changes that."""
    return {user["id"]: user["integrationExternalId"] for user in acme.users() if user["integrationExternalId"]}


def written(after, ids):
    """What the consumers did to each person since that request: the most telling of their writes."""
    done = {}
    for request in acme.writes(after=after):
        target, body = request["target"].split("?")[0].removeprefix("/learnamp/acme"), books.body_of(request)
        if request["status"] >= 300 or "/users" not in target or target.startswith("/v1/teams/by_external_id"):
            continue
        parts = target.split("/")
        person = body.get("integrationExternalId") or (parts[-1] if "by_integration_external_id" in target else None)
        if request["method"] != "POST" and "by_integration_external_id" not in target:
            number = int(parts[5 if target.startswith("/v1/teams/") else 3])
            ids[number] = person = person or ids[number]
        action = ("create" if request["method"] == "POST" else parts[-1] if parts[-1] in ("deactivate", "reactivate") else
                  "adopt" if "integrationExternalId" in body else "update")
        if person not in done or RANK.index(action) < RANK.index(done[person]):
            done[person] = action
    return done


def compare_with_run(actions, after, ids):
    """The plan, and what was written."""
    wanted = {person: action["action"] for person, action in actions.items() if action["action"] not in ("nothing", "conflict")}
    equal(written(after, {**numbers(), **ids}), wanted)


@test
def a_plan_of_the_first_import_says_what_the_run_does():
    people = [e for e in acme.employees() if e["employment_status"] == "ACTIVE"]
    free, foreign, gone, ours, ours_gone = people[-5:]  # nobody reports to these
    shown = {"firstName": "Some", "lastName": "Body"}
    acme.add_user(email=free["work_email"].upper(), **shown)
    holder = acme.add_user(email=foreign["work_email"], integrationExternalId="of-somebody-else", **shown)
    acme.change_user(acme.add_user(email=gone["work_email"], **shown)["id"], status="deactivated")
    acme.add_user(email="former.address@acme.example", integrationExternalId=ours["id"], **shown)
    acme.change_user(acme.add_user(email=ours_gone["work_email"], integrationExternalId=ours_gone["id"], **shown)["id"], status="deactivated")
    stranger = acme.add_user(email="trainer@acme.example", **shown)
    acme.change_user(acme.add_user(email="left@acme.example", **shown)["id"], status="deactivated")
    by_name, by_id = [g for g in acme.groups() if g["type"] == "TEAM"][:2]
    acme.call("POST", "teams", {"name": by_name["name"]})
    acme.call("POST", "teams", {"name": by_id["name"], "integrationExternalId": by_id["id"]})

    world.create_topics()
    done = world.command("producer", "once")
    assert done.returncode == 0, done.stdout + done.stderr
    announced = [key for key in world.topics.refresh().snapshots() if key.startswith(acme.id + "/")]
    found, actions = plan()
    equal((found["waiting_events"], len(actions)), (len(announced), len(announced)))
    equal({name: actions[e["id"]]["action"] for name, e in (("free", free), ("foreign", foreign), ("gone", gone), ("ours", ours), ("ours_gone", ours_gone))},
          {"free": "adopt", "foreign": "conflict", "gone": "adopt", "ours": "update", "ours_gone": "reactivate"})
    equal(sum(1 for a in actions.values() if a["action"] == "create"), len(announced) - 5)
    assert "of-somebody-else" in actions[foreign["id"]]["why"], actions[foreign["id"]]
    equal(actions[foreign["id"]]["user_id"], holder["id"])
    equal(found["unknown_in_hr"], [{"user_id": stranger["id"], "email": "trainer@acme.example"}])
    teams = {(t["action"], t["team_id"]) for t in found["teams"]}
    assert ("adopt", by_name["id"]) in teams and not any(t == by_id["id"] for _, t in teams), teams
    text = read("plan")
    for words in ("would be created", "would be adopted", "conflict", "trainer@acme.example", "rollcall-consumer run", f"audit --integration {acme.id}"):
        assert words in text, f"{words} is not in\n{text}"

    after, ids = acme.last_request(), numbers()
    world.start()
    world.wait_for("all but one to be there", lambda: [p for p in books.equality(acme) if not p.startswith((foreign["id"], f"user {holder['id']} "))], 40)
    compare_with_run(actions, after, ids)

    # Where the address is free again the parked record goes on; if it was dead-lettered meanwhile, an audit has it mended.
    acme.change_user(holder["id"], email="somebody.else@acme.example", integrationExternalId="")
    assert world.command("consumer", "audit", "--integration", acme.id, "--repair").returncode in (0, 3)
    world.settle()


@test
def a_plan_of_what_came_since_says_what_the_run_does():
    producer, consumer = world.programs
    equal(consumer.stop(), 0)
    staff = [e for e in acme.employees() if e["employment_status"] == "ACTIVE"]
    titled, moved, left, again, rehired, wiped = staff[10:16]
    acme.change("leave", again["id"])
    world.wait_polled()
    changed = acme.last_request()
    acme.change("update", titled["id"], job_title="Head of Everything")
    acme.change("update", moved["id"], team=next(g["name"] for g in acme.groups() if g["type"] == "TEAM" and g["id"] not in [x["id"] for x in moved["groups"]]))
    acme.change("leave", left["id"])
    acme.change("rehire", again["id"])
    acme.change("leave", rehired["id"])
    hired = acme.change("hire")["employee"]
    here_and_gone = acme.change("hire")["employee"]
    world.wait_polled()
    acme.change("rehire", rehired["id"], new_id=True)
    acme.change("leave", here_and_gone)
    world.wait_polled()
    # Somebody is deactivated by hand, and is promoted: the run finds out by the answer.
    acme.change("update", wiped["id"], job_title="Head of Nothing")
    acme.change_user(acme.user(wiped["id"])["id"], status="deactivated")
    world.wait_polled()
    found, actions = plan()
    expected = {titled["id"]: "update", moved["id"]: "update", left["id"]: "deactivate", hired: "create", here_and_gone: "nothing",
                again["id"]: "update", rehired["id"]: "deactivate", wiped["id"]: "reactivate"}
    equal({person: actions[person]["action"] for person in expected}, expected)
    (newcomer,) = set(actions) - set(expected)
    equal(actions[newcomer]["action"], "adopt")
    equal(actions[titled["id"]]["changes"], [{"field": "job_title", "before": titled["job_title"], "after": "Head of Everything"}])
    after, ids = acme.last_request(), numbers()
    consumer.start().wait_ready()
    world.settle()
    compare_with_run(actions, after, ids)
    found, actions = plan()
    equal((found["waiting_events"], actions), (0, {}))


# --- audit ---

NOTHING = {"differences": [], "missing": [], "should_be_deactivated": [], "on_their_way": []}


def findings(found):
    return {key: found[key] for key in NOTHING}


@test
def an_equal_system_has_no_difference():
    # A renamed team, an emptied title, a manager who changes, somebody who left, a language, a custom field.
    people = acme.employees()
    staff = [e for e in people if e["employment_status"] == "ACTIVE"]
    team = next(g for g in staff[0]["groups"] if g["type"] == "TEAM")
    acme.change("rename_group", group=team["id"], name="Renamed")
    acme.change("update", staff[1]["id"], job_title=None, integration_fields={"preferred_language": "de"}, custom_fields={"cost_center": "4711"})
    acme.change("update", staff[2]["id"], manager=staff[3]["id"], location=None)
    acme.change("leave", staff[4]["id"])
    world.settle()
    found = audit()
    equal(found["compared"], sum(1 for key in world.topics.snapshots() if key.startswith(acme.id + "/")))
    equal(findings(found), NOTHING)
    equal(found["not_compared"], "avatar, leave date, custom fields")
    assert "nothing differs" in read("audit"), read("audit")


@test
def what_is_on_its_way_is_said_so():
    person = active()[0]["integrationExternalId"]
    fault = world.sandbox.fault("status", "learnamp", acme, status=503, next=-1, match={"method": "PUT", "contains": "Chief Juggler"})
    acme.change("update", person, job_title="Chief Juggler")
    world.wait_polled()
    states = []

    def parked():
        found = audit(exits=3)
        equal([d["employee_id"] for d in found["differences"]], [person])
        states.extend(found["on_their_way"])
        return states[-1]["state"] == "parked"
    world.wait_for("the record to be parked", parked, 20)
    equal({state["employee_id"] for state in states}, {person})
    assert {state["state"] for state in states} <= {"waiting", "parked"}, states
    world.sandbox.clear(fault)
    world.settle()
    equal(findings(audit()), NOTHING)


@test
def what_differs_is_found_and_the_running_consumers_mend_it():
    known = {e["id"] for e in acme.employees()}
    left = next(u for u in acme.users() if u["statusValue"] == "deactivated" and u["integrationExternalId"] in known)
    titled, stray, moved, outsider = [u for u in active() if u["primaryTeam"] and u["secondaryTeams"]][:4]
    acme.change_user(titled["id"], jobTitle="Juggler")
    acme.change_user(stray["id"], status="deactivated")
    acme.change_user(moved["id"], primaryTeamId=next(t["id"] for t in acme.teams() if t["id"] not in [x["id"] for x in [moved["primaryTeam"], *moved["secondaryTeams"]]]))
    acme.change_user(outsider["id"], secondaryTeamIds=[])
    acme.change_user(left["id"], status="confirmed")
    before, invitations = acme.last_request(), sum(u["invitations"] for u in acme.users())
    found = audit(exits=3)
    ids = {name: user["integrationExternalId"] for name, user in {"titled": titled, "stray": stray, "moved": moved, "outsider": outsider, "left": left}.items()}
    by_person = {(d["employee_id"], d["field"]): d for d in found["differences"]}
    equal(set(by_person), {(ids["titled"], "job_title"), (ids["stray"], "status"), (ids["moved"], "primary_team"), (ids["outsider"], "secondary_teams")})
    equal(by_person[ids["titled"], "job_title"], {"employee_id": ids["titled"], "field": "job_title", "hr": titled["jobTitle"], "learnamp": "Juggler"})
    equal(by_person[ids["outsider"], "secondary_teams"]["learnamp"], None)
    equal((found["missing"], found["should_be_deactivated"], found["on_their_way"]), ([], [ids["left"]], []))
    text = read("audit")
    for words in ("Juggler", "gone, and still active at Learn Amp", "employed, and deactivated", "secondary teams", f"audit --integration {acme.id} --repair"):
        assert words in text, f"{words} is not in\n{text}"
    equal(acme.writes(after=before), [], "requests of an audit that change something")

    equal(audit("--repair", exits=3)["repair_records"], 5)
    world.wait_equal("acme")
    world.wait_quiet()
    equal(findings(audit()), NOTHING)
    equal(sum(u["invitations"] for u in acme.users()), invitations, "invitations")


@test
def a_wiped_learn_amp_is_found_and_mended():
    people = sorted(u["integrationExternalId"] for u in active())
    acme.call("DELETE", "users")
    found = audit(exits=3)
    equal((sorted(found["missing"]), found["differences"], found["should_be_deactivated"]), (people, [], []))
    equal(audit("--repair", exits=3)["repair_records"], len(people))
    world.wait_equal("acme")
    world.wait_quiet()
    equal(findings(audit()), NOTHING)
    equal(sum(u["invitations"] for u in acme.users()), 0, "invitations")


with world:
    run(world)
