"""What happens in a company, and what follows from it: events on Kafka, and people at Learn Amp."""

import datetime

from rollcall import books, config
from rollcall.suite import equal, fail, run, test
from rollcall.waiting import wait_for
from rollcall.world import World

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.timezone.utc)
TODAY = NOW.date()
EAST = datetime.timezone(datetime.timedelta(hours=14))  # Pacific/Kiritimati

MAPPING = {**config.MANAGERS, "custom:Cost centre": "custom_fields.cost_center", "custom:Badge": "custom_fields.badge_number"}

world = World("main", {
    # Everything at its default but the mapping, and invitations for those who join.
    "acme": {"people": 24, "mapping": MAPPING, "policy": {"invite": "on_create", "swap_address": "swap-{id}@acme.example"},
             "sandbox": {"learnamp": {"custom_fields": ["Cost centre", "Badge"]}}},
    "east": {"people": 6, "timezone": "Pacific/Kiritimati"},
    "west": {"people": 6, "timezone": "Etc/GMT+12"},
    # Everybody is read at every poll.
    "full": {"people": 8, "kombo": {"full_sync_interval": "1s"}},
    "patient": {"people": 6, "kombo": {"full_sync_interval": "1s"}, "policy": {"absence_grace": "1h"}},
    "keep": {"people": 8, "policy": {"on_null": "keep", "secondary_teams": ["DEPARTMENT"]}},
    "scope": {"people": 8, "policy": {"scope": {"groups": ["Chosen"]}}},
    "later": {"people": 4, "policy": {"create": "0d"}},
    "adopt": {"people": 5},
})
acme, east, west, full, patient, keep, scope, later, adopt = world.integrations.values()


def announced(integration):
    """Ids of those who are at Learn Amp and active."""
    return [user["integrationExternalId"] for user in integration.users()
            if user["integrationExternalId"] and user["statusValue"] != "deactivated"]


def staff(integration, group="TEAM"):
    """An employee whom nothing has happened to yet, in a group of that type: each test takes its own."""
    active = set(announced(integration))
    for employee in integration.employees():
        if employee["id"] in active and group in {g["type"] for g in employee["groups"]} and employee["id"] not in TAKEN and employee["employment_status"] == "ACTIVE":
            TAKEN.add(employee["id"])
            return employee
    raise AssertionError("nobody is left")


TAKEN = set()


class Change:
    """with Change(integration) as change: … HR changes …; then change.events are those that followed, in their order."""

    def __init__(self, integration, equality=True):
        self.integration = integration
        self.equality = equality

    def __enter__(self):
        self.before = {id(record) for _, record in world.topics.refresh().events(self.integration.id)}
        self.request = self.integration.last_request()
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.arrive()

    def arrive(self):
        world.wait_polled(self.integration.slug)
        if self.equality:
            world.wait_equal(self.integration.slug, timeout=30)
        world.wait_quiet(30)
        self.records = [(t, r) for t, r in world.topics.refresh().events(self.integration.id) if id(r) not in self.before]
        self.events = [(t, r.value) for t, r in self.records]
        self.writes = self.integration.writes(after=self.request)

    def of(self, employee):
        return sorted((v["metadata"]["version"], t, v) for t, v in self.events if v["metadata"]["employee_id"] == employee)

    def types(self, employee):
        return [t for _, t, _ in self.of(employee)]

    def one(self, employee, event_type):
        equal(self.types(employee), [event_type], f"events of {employee}")
        return self.of(employee)[0][2]


def fields(value):
    return {changed["name"]: changed["previous"] for changed in value["changed_fields"]}


def days(text):
    return datetime.date.fromisoformat(str(text)[:10])


# --- the import -----------------------------------------------------------------------------------------------------

@test
def the_first_import_creates_everybody_and_invites_nobody():
    # Two people, and a team, are at Learn Amp already.
    known = adopt.employees()[0]
    adopt.add_user(email=known["work_email"].upper(), firstName="Old", lastName="Entry", status="confirmed")
    team = next(group for group in adopt.groups() if group["type"] == "TEAM")
    adopt.add_team = adopt.call("POST", "teams", {"name": team["name"]})
    scope.change("add_group", name="Chosen", type="TEAM")
    scope.change("update", 0, team="Chosen")
    scope.change("update", 1, team="Chosen")
    world.start()
    world.wait_polled()
    for slug in world.integrations:
        if slug != "scope":
            world.wait_equal(slug)
    world.wait_quiet()
    world.topics.refresh()
    for _, record in world.topics.events():
        equal(record.value["reason"], "INITIAL_IMPORT")
        equal(record.value["metadata"]["previous_version"], None)
    counts = books.counts(world.topics, acme.id)
    equal(counts, {"created": len(announced(acme)), "profile-updated": 0, "team-changed": 0, "deactivated": 0})
    equal(sum(user["invitations"] for user in acme.users()), 0, "invitations")


@test
def whoever_is_at_Learn_Amp_already_is_adopted_by_address_and_teams_by_name():
    known = adopt.employees()[0]
    user = adopt.user(known["id"])
    equal((user["id"], user["firstName"], user["statusValue"]), (1001, known["first_name"], "confirmed"))
    names = [team["name"] for team in adopt.teams()]
    equal(len(names), len(set(names)), "teams")
    assert next(t for t in adopt.teams() if t["id"] == adopt.add_team["id"])["integrationExternalId"], "the team was not adopted"


@test
def what_did_not_change_is_not_published_again_though_everything_is_read_again():
    with Change(full) as change:
        world.wait_polled("full", full=True)
        world.wait_polled("full", full=True)
    equal(change.events, [])
    equal(change.writes, [])


# --- joining --------------------------------------------------------------------------------------------------------

@test
def a_new_hire_is_created_and_invited():
    with Change(acme) as change:
        ada = acme.change("hire", first_name=" Ada ", last_name="Lovelace", work_email="ada@acme.example", job_title="Analyst",
                          custom_fields={"cost_center": "CC-1", "badge_number": 17})["employee"]
    event = change.one(ada, "created")
    equal((event["reason"], event["replaces"], event["metadata"]["trigger"]), ("NEW_HIRE", None, "POLL"))
    equal(event["employee"]["first_name"], "Ada")
    user = acme.user(ada)
    equal((user["firstName"], user["jobTitle"], user["invitations"]), ("Ada", "Analyst", 1))
    equal(user["customFields"], {"Cost centre": "CC-1", "Badge": "17"})


@test
def a_hire_without_an_address_waits_for_one():
    with Change(acme) as change:
        nobody = acme.change("hire", work_email=None)["employee"]
    equal(change.types(nobody), [])
    equal(world.topics.pending()[f"{acme.id}/{nobody}"]["reasons"], ["NO_EMAIL"])
    with Change(acme) as change:
        acme.change("update", nobody, work_email="late@acme.example")
    equal(change.one(nobody, "created")["reason"], "NEW_HIRE")
    assert f"{acme.id}/{nobody}" not in world.topics.pending()


@test
def whoever_loses_their_address_is_kept_as_they_were():
    person = staff(acme)
    with Change(acme) as change:
        acme.change("update", person["id"], work_email=None, job_title="Nameless")
    equal(change.types(person["id"]), [])
    equal(world.topics.pending()[f"{acme.id}/{person['id']}"]["reasons"], ["NO_EMAIL"])
    equal(acme.user(person["id"])["jobTitle"], person["job_title"])
    with Change(acme) as change:
        acme.change("update", person["id"], work_email=person["work_email"])
    equal(fields(change.one(person["id"], "profile-updated")), {"job_title": person["job_title"]})


@test
def a_future_hire_waits_for_the_day_and_an_earlier_one_is_created_at_once():
    with Change(later, equality=False) as change:
        future = later.change("hire", employment_status="PENDING", start_date=str(TODAY + 10 * DAY))["employee"]
    equal(change.types(future), [])
    pending = world.topics.pending()[f"{later.id}/{future}"]
    equal(pending["reasons"], ["NOT_YET"])
    equal(pending["until"].date(), TODAY + 10 * DAY)
    with Change(later, equality=False) as change:
        later.change("update", future, start_date=str(TODAY))
    equal(change.one(future, "created")["reason"], "NEW_HIRE")
    # By default whoever has signed is created at once.
    with Change(acme) as change:
        signed = acme.change("hire", employment_status="PENDING", start_date=str(TODAY + 10 * DAY))["employee"]
    equal(change.one(signed, "created")["employee"]["status"], "PENDING")


@test
def an_unknown_status_is_decided_by_the_dates():
    with Change(acme) as change:
        here = acme.change("hire", employment_status="on sabbatical", start_date=str(TODAY - 9 * DAY))["employee"]
    equal(change.one(here, "created")["employee"]["status"], "UNKNOWN")
    with Change(acme) as change:
        acme.change("update", here, termination_date=str(TODAY - 3 * DAY))
    equal(change.one(here, "deactivated")["reason"], "TERMINATION_DATE")


@test
def a_manager_who_arrives_later_is_set_then():
    operations = [{"op": "hire", "first_name": f"Report{n}", "work_email": f"report{n}@acme.example", "manager": None} for n in range(6)]
    operations.append({"op": "hire", "first_name": "Boss", "work_email": "boss@acme.example", "manager": None})
    numbers = [acme.call("GET", "expected", limit=1)["count"] + n for n in range(7)]
    with Change(acme) as change:
        made = [result["employee"] for result in acme.changes(
            operations + [{"op": "update", "employee": number, "manager": numbers[6]} for number in numbers[:6]])][:7]
    *reports, boss = made
    equal([change.types(report) for report in reports], [["created"]] * 6)
    for report in reports:
        equal((acme.user(report)["manager"] or {}).get("email"), "boss@acme.example")
    equal(acme.user(boss)["manager"], None)


# --- changing -------------------------------------------------------------------------------------------------------

@test
def a_promotion_is_one_profile_update_and_one_write():
    person = staff(acme)
    with Change(acme) as change:
        acme.change("update", person["id"], job_title="Lead")
    event = change.one(person["id"], "profile-updated")
    equal(fields(event), {"job_title": person["job_title"]})
    equal(event["employee"]["job_title"], "Lead")
    equal([(w["method"], w["employee"]) for w in change.writes], [("PUT", person["id"])])
    assert set(books.body_of(change.writes[0])) <= {"firstName", "lastName", "email", "jobTitle", "avatar", "location", "hireDate",
                                                    "leaveDate", "managerEmail", "customFields"}, change.writes


@test
def a_move_is_one_team_change():
    person = staff(acme)
    team = acme.change("add_group", name="Lighthouse", type="TEAM")["group"]
    with Change(acme) as change:
        acme.change("update", person["id"], team="Lighthouse")
    event = change.one(person["id"], "team-changed")
    equal(event["new_team"], {"id": team, "name": "Lighthouse"})
    equal(event["previous_team"]["id"] in {group["id"] for group in person["groups"]}, True)
    equal(acme.user(person["id"])["primaryTeam"]["integrationExternalId"], team)


@test
def a_promotion_with_a_move_is_an_event_of_each_type_with_one_version():
    person = staff(acme)
    acme.change("add_group", name="Harbour", type="TEAM")
    with Change(acme) as change:
        acme.change("update", person["id"], team="Harbour", job_title="Harbour master")
    equal(change.types(person["id"]), ["profile-updated", "team-changed"])
    equal(len({version for version, _, _ in change.of(person["id"])}), 1)


@test
def a_renamed_team_is_an_event_for_each_member_and_one_write():
    team = acme.change("add_group", name="Kitchen", type="TEAM")["group"]
    members = [staff(acme)["id"] for _ in range(3)]
    with Change(acme):
        acme.changes([{"op": "update", "employee": member, "team": team} for member in members])
    with Change(acme) as change:
        acme.change("rename_group", group=team, name="Galley")
    for member in members:
        event = change.one(member, "team-changed")
        equal((event["previous_team"], event["new_team"]), ({"id": team, "name": "Kitchen"}, {"id": team, "name": "Galley"}))
    equal(len(change.events), 3)
    equal([(w["method"], w["target"].startswith("/v1/teams/")) for w in change.writes], [("PUT", True)], change.writes)


@test
def custom_fields_follow():
    person = staff(acme)
    with Change(acme) as change:
        acme.change("update", person["id"], custom_fields={"cost_center": "CC-77", "badge_number": None})
    changed = fields(change.one(person["id"], "profile-updated"))
    equal(set(changed), {"custom:Cost centre", "custom:Badge"})
    equal(acme.user(person["id"])["customFields"], {"Cost centre": "CC-77"})


@test
def an_address_that_differs_in_case_only_and_white_space_are_no_change():
    person = staff(acme)
    with Change(acme) as change:
        acme.change("update", person["id"], work_email=person["work_email"].upper(), job_title=f"  {person['job_title']}\t")
    equal(change.events, [])


@test
def two_who_swap_addresses_end_with_each_other_s():
    one, two = staff(acme), staff(acme)
    with Change(acme) as change:
        acme.changes([{"op": "update", "employee": one["id"], "work_email": two["work_email"]},
                      {"op": "update", "employee": two["id"], "work_email": one["work_email"]}])
    equal((change.types(one["id"]), change.types(two["id"])), (["profile-updated"], ["profile-updated"]))
    equal(acme.user(one["id"])["email"].lower(), two["work_email"].lower())


@test
def of_two_who_want_one_address_the_announced_one_keeps_it():
    person = staff(acme)
    with Change(acme) as change:
        other = acme.change("hire", work_email=person["work_email"])["employee"]
    equal(change.events, [])
    equal(world.topics.pending()[f"{acme.id}/{other}"]["reasons"], ["EMAIL_COLLISION"])
    with Change(acme) as change:
        acme.change("update", other, work_email="another@acme.example")
    change.one(other, "created")


@test
def a_value_that_became_empty_is_cleared():
    person = staff(acme)
    with Change(acme) as change:
        acme.change("update", person["id"], job_title=None, location=None, groups=[])
    equal(change.types(person["id"]), ["profile-updated", "team-changed"])
    user = acme.user(person["id"])
    equal((user["jobTitle"], user["location"], user["primaryTeam"]), (None, None, None))


@test
def or_kept_where_the_policy_says_so():
    person = staff(keep)
    before = keep.user(person["id"])
    with Change(keep, equality=False) as change:
        keep.change("update", person["id"], job_title=None, location=None)
    equal(change.events, [])
    user = keep.user(person["id"])
    equal((user["jobTitle"], user["location"]), (before["jobTitle"], before["location"]))


@test
def secondary_teams_follow():
    person = staff(keep)
    group = keep.change("add_group", name="Second home", type="DEPARTMENT")["group"]
    with Change(keep, equality=False) as change:
        keep.change("update", person["id"], department=group)
    event = change.one(person["id"], "team-changed")
    equal(event["previous_team"], event["new_team"])
    equal(event["employee"]["secondary_teams"], [{"id": group, "name": "Second home"}])
    equal([team["integrationExternalId"] for team in keep.user(person["id"])["secondaryTeams"]], [group])


# --- scope ----------------------------------------------------------------------------------------------------------

@test
def only_those_in_scope_exist():
    keys = set(world.topics.refresh().snapshots()) | set(world.topics.pending())
    inside = {f"{scope.id}/{employee['id']}" for employee in scope.employees()[:2]}
    equal({key for key in keys if key.startswith(scope.id)}, inside)
    equal(len(scope.users()), 2)


@test
def whoever_leaves_the_scope_is_deactivated_and_comes_back_with_it():
    person = scope.employees()[0]["id"]
    with Change(scope, equality=False) as change:
        scope.change("update", person, groups=[])
    equal(change.one(person, "deactivated")["reason"], "OUT_OF_SCOPE")
    equal(scope.user(person)["statusValue"], "deactivated")
    with Change(scope, equality=False) as change:
        scope.change("update", person, team="Chosen")
    equal(change.one(person, "created")["reason"], "BACK_IN_SCOPE")
    assert scope.user(person)["statusValue"] != "deactivated"


# --- leaving --------------------------------------------------------------------------------------------------------

@test
def a_leaver_is_deactivated_and_comes_back_with_the_same_id():
    person = staff(acme)
    before = acme.user(person["id"])
    with Change(acme) as change:
        acme.change("leave", person["id"])
    event = change.one(person["id"], "deactivated")
    equal((event["reason"], event["effective_date"]), ("INACTIVE", event["metadata"]["occurred_at"].date()))
    equal(acme.user(person["id"])["statusValue"], "deactivated")
    equal([w["target"] for w in change.writes], [f"/v1/users/{before['id']}/deactivate"])
    with Change(acme) as change:
        acme.change("rehire", person["id"])
    equal(change.one(person["id"], "created")["reason"], "REHIRE")
    user = acme.user(person["id"])
    equal(user["id"], before["id"])
    assert user["statusValue"] != "deactivated" and user["primaryTeam"], user


@test
def a_rehire_under_a_new_id_takes_the_old_one_s_place():
    person = staff(acme)
    before = acme.user(person["id"])
    with Change(acme):
        acme.change("leave", person["id"])
    with Change(acme) as change:
        again = acme.change("rehire", person["id"], new_id=True)["employee"]
    event = change.one(again, "created")
    equal(event["replaces"], person["id"])
    user = acme.user(again)
    equal(user["id"], before["id"])
    assert user["statusValue"] != "deactivated", user
    equal(acme.user(person["id"]), None)
    equal(world.topics.snapshots()[f"{acme.id}/{again}"]["replaces"], person["id"])


@test
def a_last_day_belongs_to_the_employee_in_the_time_zone_of_the_customer():
    # Yesterday in the east, and today or later in the west.
    last_day = str(datetime.datetime.now(EAST).date() - DAY)
    in_east, in_west = staff(east)["id"], staff(west)["id"]
    with Change(east, equality=False) as change:
        east.change("update", in_east, termination_date=last_day)
    equal(change.one(in_east, "deactivated")["reason"], "TERMINATION_DATE")
    equal(east.user(in_east)["statusValue"], "deactivated")
    with Change(west, equality=False) as change:
        west.change("update", in_west, termination_date=last_day)
    equal(fields(change.one(in_west, "profile-updated")), {"leave_date": None})
    assert west.user(in_west)["statusValue"] != "deactivated"


@test
def whoever_is_deleted_is_deactivated_after_a_second_look_by_id():
    person = staff(acme)["id"]
    reads = acme.last_request("kombo")
    with Change(acme) as change:
        acme.change("delete", person)
        wait_for("ABSENT_ONCE", lambda: any(
            record.value and record.value["reasons"] == ["ABSENT_ONCE"]
            for record in world.topics.refresh().records["sync.pending"] if record.key.endswith(person)))
        wait_for("the deactivation", lambda: acme.user(person)["statusValue"] == "deactivated")
    equal(change.one(person, "deactivated")["reason"], "DELETED")
    assert any("ids=" in request["target"] and person in request["target"] for request in acme.requests("kombo", after=reads)), \
        "nobody was read again by id"
    with Change(acme) as change:
        acme.change("restore", person)
    equal(change.one(person, "created")["reason"], "REHIRE")


@test
def whoever_vanishes_is_deactivated_after_a_second_full_fetch():
    person = staff(full)["id"]
    with Change(full, equality=False) as change:
        full.change("vanish", person)
        wait_for("the deactivation", lambda: full.user(person)["statusValue"] == "deactivated")
    equal(change.one(person, "deactivated")["reason"], "MISSING")
    with Change(full) as change:
        full.change("appear", person)
    equal(change.one(person, "created")["reason"], "REHIRE")


@test
def I3_nobody_is_deactivated_by_one_absence():
    deleted, vanished = staff(patient)["id"], staff(patient)["id"]
    with Change(patient, equality=False) as change:
        patient.change("delete", deleted)
        patient.change("vanish", vanished)
        for _ in range(3):
            world.wait_polled("patient", full=True)
    equal(change.events, [])
    pending = world.topics.pending()
    for person in (deleted, vanished):
        equal(pending[f"{patient.id}/{person}"]["reasons"], ["ABSENT_ONCE"])
    with Change(patient) as change:
        patient.change("restore", deleted)
        patient.change("appear", vanished)
    equal(change.events, [])
    equal([key for key in world.topics.pending() if key.startswith(patient.id)], [])


# --- all of it ------------------------------------------------------------------------------------------------------

@test
def I1_every_change_was_published_once_and_chained():
    fail(books.chain(world.topics.refresh()))
    fail(books.identities(world.topics))
    fail(books.snapshots(world.topics))


@test
def I4_no_older_state_was_written_over_a_newer_one():
    # The two who swapped moved to an address that nobody ever had.
    for integration in world.integrations.values():
        fail([problem for problem in books.order(world.topics, integration) if "swap-" not in problem])


@test
def I5_every_event_has_an_outcome():
    fail(books.ledger(world.topics, world.application))
    fail(books.dead_letters(world.topics, world.application))
    fail(books.unreadable(world.topics))


@test
def nobody_and_no_team_is_there_twice():
    for integration in world.integrations.values():
        fail(books.duplicates(integration))
        fail(books.deactivations(world.topics, integration))


@test
def both_programs_end_when_they_are_told_to():
    for program in world.programs:
        equal(program.stop(), 0, program.name)


with world:
    run(world=world)
