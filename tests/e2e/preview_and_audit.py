"""What operators ask before and after: `plan` says what the next run does, `audit` what differs, and --repair has it mended."""

import json

from rollcall import config
from rollcall.suite import equal, run, test
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


def active(integration=acme):
    return [u for u in integration.users() if u["integrationExternalId"] and u["statusValue"] != "deactivated"]


NOTHING = {"differences": [], "missing": [], "should_be_deactivated": [], "on_their_way": []}


def findings(found):
    return {key: found[key] for key in NOTHING}


@test
def an_equal_system_has_no_difference():
    world.start()
    world.settle()
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
def what_differs_is_found_and_the_running_consumers_mend_it():
    left = next(u for u in acme.users() if u["statusValue"] == "deactivated")
    titled, stray, moved, outsider = [u for u in active() if u["primaryTeam"] and u["secondaryTeams"]][:4]
    acme.change_user(titled["id"], jobTitle="Juggler")
    acme.change_user(stray["id"], status="deactivated")
    acme.change_user(moved["id"], primaryTeamId=next(t["id"] for t in acme.teams() if t["id"] not in [x["id"] for x in [moved["primaryTeam"], *moved["secondaryTeams"]]]))
    acme.change_user(outsider["id"], secondaryTeamIds=[])
    acme.change_user(left["id"], status="confirmed")
    before = acme.last_request()
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
    equal(sum(u["invitations"] for u in acme.users()), 0, "invitations")


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
