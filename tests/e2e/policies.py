"""Each policy, and what it makes of the people of one little company: what is published, and what Learn Amp has then.

Each line is an integration of its own with its own policy; all lines share the programs and go on in step. A line is told as a story: what
stands before the first `yield` is there at the first import; each `yield` lets everything that was changed arrive, and then the line
says what followed from it: exactly these events, exactly these people at Learn Amp, exactly these waiting.
"""

import datetime
import os
import time
import zoneinfo

from rollcall import books, config, zones
from rollcall.suite import equal, fail, run, test
from rollcall.waiting import PATIENCE, wait_for
from rollcall.world import World

UTC = datetime.timezone.utc
MIDNIGHT, RESTART = "midnight", "restart"  # what a line may wait for, instead of the next polls
LINES = []


def policy(title, poll="1s", full="1h", zone="UTC", mapping=None, custom=(), **settings):
    """Registers a line: its title says "policy: what happens"; `settings` are those of `policy`."""
    def register(story):
        LINES.append(Line(title, poll, full, zone, mapping, custom, settings, story))
        return story
    return register


class Line:
    def __init__(self, title, poll, full, zone, mapping, custom, settings, story):
        self.title, self.poll, self.full, self.zone = title, poll, full, zone
        self.custom, self.settings, self.story = custom, settings, story
        self.mapping = mapping
        self.slug = story.__name__.replace("_", "-")
        self.ids = {}  # of Kombo, by first name
        self.error = None
        self.waits_for = None
        self.seen = 0
        self.hr = None  # the integration of the sandbox
        self.learnamp = None  # whose Learn Amp it writes to
        self.telling = None

    def options(self):
        sandbox = {"learnamp": {"custom_fields": list(self.custom)}} if self.custom else {}
        return {"people": 0, "timezone": self.zone, "kombo": {"poll_interval": self.poll, "full_sync_interval": self.full}, "policy": self.settings, "sandbox": sandbox,
                **({"mapping": self.mapping} if self.mapping else {})}

    # --- HR ---

    def today(self):
        return (TODAY if self.zone.startswith("Test/") else datetime.datetime.now(zoneinfo.ZoneInfo(self.zone))).date()

    def day(self, number):
        """So many days from today, where the customer is."""
        return str(self.today() + datetime.timedelta(days=number))

    def _fields(self, fields):
        for name, field in (("start", "start_date"), ("end", "termination_date")):
            if name in fields:
                day = fields.pop(name)
                fields[field] = day if day is None or isinstance(day, str) else self.day(day)
        for name, field in (("status", "employment_status"), ("email", "work_email"), ("title", "job_title"), ("type", "employment_type")):
            if name in fields:
                fields[field] = fields.pop(name)
        if fields.get("manager"):
            fields["manager"] = self.ids[fields["manager"]]
        return fields

    def hire(self, name, **fields):
        made = {"first_name": name, "last_name": "Doe", "email": f"{name.lower()}@{self.slug}.example", "status": "ACTIVE", "start": -400, "end": None,
                "title": "Analyst", "groups": [], "location": None, "legal_entity": None, "manager": None, "type": "FULL_TIME", "avatar": None}
        self.ids[name] = self.hr.change("hire", **self._fields({**made, **fields}))["employee"]

    def change(self, name, **fields):
        self.hr.change("update", self.ids[name], **self._fields(fields))

    def change_all(self, **people):
        """In one go: nobody sees one change without the other."""
        self.hr.changes([{"op": "update", "employee": self.ids[name], **self._fields(fields)} for name, fields in people.items()])

    def rehire(self, name, new=None, **fields):
        """With the same id, or under a new one as `new`."""
        made = self.hr.change("rehire", self.ids[name], new_id=new is not None, **self._fields(fields))["employee"]
        if new:
            self.ids[new] = made

    def reconfigure(self, **sections):
        """As of the next start of the programs."""
        config.merge(world.overrides[self.slug], sections)

    def group(self, name, kind="TEAM"):
        return self.hr.change("add_group", name=name, type=kind)["group"]

    # --- what followed ---

    def name_of(self, employee):
        return next((name for name, known in self.ids.items() if known == employee), employee)

    def events(self, **expected):
        """Everything that was published since the last look: by whom, one text or a list."""
        found = {}
        records = [(r.value["metadata"]["version"], t, r.value) for t, r in world.topics.events(self.hr.id)]
        for _, event_type, value in sorted(records, key=lambda record: record[:2])[self.seen:]:
            found.setdefault(self.name_of(value["metadata"]["employee_id"]), []).append(self.text_of(event_type, value))
        self.seen = len(records)
        equal(found, {name: [texts] if isinstance(texts, str) else texts for name, texts in expected.items()}, "events")

    def text_of(self, event_type, value):
        if event_type == "profile-updated":
            return "profile-updated " + ", ".join(sorted(field["name"] for field in value["changed_fields"]))
        if event_type == "team-changed":
            old, new = ((value[key] or {}).get("name", "none") for key in ("previous_team", "new_team"))
            return f"team-changed {old} → {new}"
        more = f" instead of {self.name_of(value['replaces'])}" if value.get("replaces") else ""
        return f"{event_type} {value['reason']}{more}"

    def users(self, **expected):
        """Everybody at Learn Amp, by first name: a status, or what else is true of them ("team": the name of the primary one)."""
        users = {user["firstName"]: user for user in self.learnamp.users()}
        equal(sorted(users), sorted(expected), "users")
        for name, wanted in expected.items():
            wanted = {"status": wanted} if isinstance(wanted, str) else wanted
            equal({what: FACTS[what](users[name]) for what in wanted}, wanted, name)

    def user(self, name):
        return next(user for user in self.learnamp.users() if user["firstName"] == name)

    def waiting(self, **expected):
        """Everybody who is pending, with the reason."""
        found = {self.name_of(key.split("/")[1]): " ".join(row["reasons"]) for key, row in world.topics.pending().items()
                 if key.startswith(self.hr.id + "/")}
        equal(found, expected, "waiting")

    def dead(self, **expected):
        """Dead letters, with the reason."""
        found = {self.name_of(record.key.split("/")[1]): record.headers["rollcall_reason"]
                 for record in world.topics.records[f"{world.application}.dlq"] if record.key.startswith(self.hr.id + "/")}
        equal(found, expected, "dead letters")

    def invited(self, **expected):
        equal({user["firstName"]: user["invitations"] for user in self.learnamp.users()}, expected, "invitations")


def name_of(thing):
    return thing and thing["name"]


FACTS = {
    "status": lambda user: user["statusValue"],
    "title": lambda user: user["jobTitle"],
    "email": lambda user: user["email"],
    "location": lambda user: user["location"],
    "team": lambda user: name_of(user["primaryTeam"]),
    "teams": lambda user: sorted(team["name"] for team in user["secondaryTeams"]),
    "manager": lambda user: user["manager"] and user["manager"]["email"].split("@")[0],
    "custom": lambda user: user["customFields"] or {},
    "tasks": lambda user: user["tasks"],
    "id": lambda user: user["id"],
}


# --- whom to create, and when ---------------------------------------------------------------------------------------

@policy("create: immediately: whoever has signed has an account at once", create="immediately")
def create_immediately(acme):
    yield
    acme.hire("Ada", status="PENDING", start=60)
    yield
    acme.events(Ada="created NEW_HIRE")
    acme.users(Ada="not_invited")


@policy("create: 0d: whoever has signed waits until the hire date, and stays when it is put off", create="0d")
def create_on_the_hire_date(acme):
    acme.hire("Old")
    acme.hire("Early", status="ACTIVE", start=5)
    yield
    acme.events(Old="created INITIAL_IMPORT", Early="created INITIAL_IMPORT")
    acme.hire("Ada", status="PENDING", start=60)
    acme.hire("Bob", status="PENDING", start=None)
    yield
    acme.events()
    acme.waiting(Ada="NOT_YET", Bob="NOT_YET")
    acme.change("Ada", start=0)
    yield
    acme.events(Ada="created NEW_HIRE")
    acme.change("Ada", start=30)
    yield
    acme.events(Ada="profile-updated hire_date")
    acme.users(Old="not_invited", Early="not_invited", Ada="not_invited")


@policy("create: 14d: accounts are made two weeks before the hire date, not earlier", create="14d")
def create_two_weeks_before(acme):
    yield
    acme.hire("Ada", status="PENDING", start=14)
    acme.hire("Bob", status="PENDING", start=15)
    yield
    acme.events(Ada="created NEW_HIRE")
    acme.waiting(Bob="NOT_YET")
    acme.users(Ada="not_invited")


# --- whom to invite, and when ---------------------------------------------------------------------------------------

@policy("invite: never: nobody gets an e-mail", invite="never", initial_import_invite=True)
def invite_nobody(acme):
    acme.hire("Old")
    yield
    acme.hire("Ada")
    yield
    acme.invited(Old=0, Ada=0)


@policy("invite: on_create: who joins is invited, once; who was announced by the first import is not", invite="on_create")
def invite_who_joins(acme):
    acme.hire("Old")
    acme.hire("Late", email=None)
    acme.learnamp.add_user(email="known@acme.example", firstName="Known", lastName="Doe", status="not_invited", skipInvitation=True)
    yield
    acme.hire("Ada")
    acme.hire("Known", email="known@acme.example")
    acme.change("Late", email="late@acme.example")
    yield
    acme.invited(Old=0, Known=0, Ada=1, Late=1)
    acme.change("Ada", status="INACTIVE", end=-1)
    yield
    acme.change("Ada", status="ACTIVE", end=None)
    yield
    acme.users(Old="not_invited", Known="not_invited", Ada="invite_pending", Late="invite_pending")
    acme.invited(Old=0, Known=0, Ada=1, Late=1)


@policy("initial_import_invite: everybody is invited at the first import too", invite="on_create", initial_import_invite=True)
def invite_everybody(acme):
    acme.hire("Old")
    yield
    acme.hire("Ada")
    yield
    acme.invited(Old=1, Ada=1)


@policy("create: 0d with invite: on_create: the invitation comes on the hire date", create="0d", invite="on_create")
def invite_on_the_hire_date(acme):
    yield
    acme.hire("Ada", status="PENDING", start=3)
    yield
    acme.invited()
    acme.change("Ada", start=0)
    yield
    acme.invited(Ada=1)


# --- what counts as leaving -----------------------------------------------------------------------------------------

def four_leavers(acme):
    for name in ("Status", "Date", "Both", "Last"):
        acme.hire(name)
    # Left over from an earlier employment: no leave date at all.
    acme.hire("Back", start=-10, end=-100)


def let_them_leave(acme):
    acme.change("Status", status="INACTIVE")
    acme.change("Date", end=-1)
    acme.change("Both", status="INACTIVE", end=-1)
    acme.change("Last", end=0)


@policy("deactivate_on: status: who is INACTIVE has left, whatever the leave date says", deactivate_on="status")
def leave_by_status(acme):
    four_leavers(acme)
    yield
    acme.seen = 5
    let_them_leave(acme)
    yield
    acme.events(Status="deactivated INACTIVE", Both="deactivated INACTIVE", Date="profile-updated leave_date", Last="profile-updated leave_date")
    acme.users(Status="deactivated", Both="deactivated", Date="not_invited", Last="not_invited", Back="not_invited")


@policy("deactivate_on: leave_date: who is past the last day has left, whatever the status says", deactivate_on="leave_date")
def leave_by_date(acme):
    four_leavers(acme)
    yield
    acme.seen = 5
    let_them_leave(acme)
    yield
    acme.events(Status="profile-updated status", Date="deactivated TERMINATION_DATE", Both="deactivated TERMINATION_DATE", Last="profile-updated leave_date")
    acme.users(Date="deactivated", Both="deactivated", Status="not_invited", Last="not_invited", Back="not_invited")


@policy("deactivate_on: either: the one or the other; the last day is still theirs", deactivate_on="either")
def leave_by_either(acme):
    four_leavers(acme)
    yield
    acme.seen = 5
    let_them_leave(acme)
    yield
    acme.events(Status="deactivated INACTIVE", Date="deactivated TERMINATION_DATE", Both="deactivated INACTIVE", Last="profile-updated leave_date")
    acme.users(Status="deactivated", Date="deactivated", Both="deactivated", Last="not_invited", Back="not_invited")


@policy("leaving takes teams and tasks, and coming back returns the teams only", invite="on_create")
def what_leaving_destroys(acme):
    acme.group("Lab")
    acme.hire("Ada", groups=["Lab"])
    yield
    acme.users(Ada={"team": "Lab", "tasks": 3})
    acme.change("Ada", status="INACTIVE", end=0)
    yield
    acme.users(Ada={"status": "deactivated", "team": None, "tasks": 0})
    acme.change("Ada", status="ACTIVE", end=None)
    yield
    acme.users(Ada={"status": "not_invited", "team": "Lab", "tasks": 0})
    acme.invited(Ada=0)


# --- midnight, where the customer is --------------------------------------------------------------------------------

# Zones of this test's own. Before the programs are started again it is noon there, after that a few seconds before the next
# midnight. At that very moment the clock of one goes an hour ahead, as in some countries: their day begins at 1:00. In another it
# goes an hour back: their day has an hour left.
BEGAN = int(time.time())
NOON = zones.until_midnight(BEGAN, 43200)
TODAY = datetime.datetime.fromtimestamp(BEGAN + NOON, UTC)
ZONES = {"Test/Plain": 0, "Test/Forward": 3600, "Test/Back": -3600}


def let_it_be(seconds_before_midnight):
    """Writes the zones; returns when it is midnight there."""
    midnight = int(time.time()) + seconds_before_midnight
    offset = NOON + 43200 - (midnight - BEGAN)
    zones.write(os.environ["TZDIR"], {name: [(offset,), (midnight, offset + shift)] for name, shift in ZONES.items()})
    return midnight


def over_midnight(acme, happens):
    acme.hire("Leaver", end=0)
    acme.hire("Joiner", status="PENDING", start=1)
    yield
    acme.events(Leaver="created INITIAL_IMPORT")
    acme.waiting(Joiner="NOT_YET")
    yield MIDNIGHT
    if happens:
        acme.events(Leaver="deactivated TERMINATION_DATE", Joiner="created NEW_HIRE")
        equal([r.value["metadata"]["trigger"] for t, r in world.topics.events(acme.hr.id)][1:], ["SCHEDULE", "SCHEDULE"])
        acme.users(Leaver="deactivated", Joiner="not_invited")
    else:
        acme.events()
        acme.waiting(Joiner="NOT_YET")
        acme.users(Leaver="not_invited")


@policy("at midnight in the customer's zone the last day ends and the first begins, without a poll", zone="Test/Plain", poll="1h", create="0d")
def midnight_comes(acme):
    return over_midnight(acme, True)


@policy("on a day that begins at 1:00, because clocks go forward at midnight, too", zone="Test/Forward", poll="1h", create="0d")
def midnight_is_skipped(acme):
    return over_midnight(acme, True)


@policy("on a day that has an hour more, because clocks go back at midnight, that hour is still the old day's", zone="Test/Back", poll="1h", create="0d")
def midnight_comes_back(acme):
    return over_midnight(acme, False)


def around_the_world(acme):
    acme.hire("Yesterday", end=1)
    acme.hire("Today", end=1)
    acme.hire("Joiner", status="PENDING", start=0)
    acme.hire("Later", status="PENDING", start=1)
    yield
    acme.events(Yesterday="created INITIAL_IMPORT", Today="created INITIAL_IMPORT", Joiner="created INITIAL_IMPORT")
    acme.change("Yesterday", end=-1)
    acme.change("Today", end=0)
    yield
    acme.events(Yesterday="deactivated TERMINATION_DATE", Today="profile-updated leave_date")
    acme.waiting(Later="NOT_YET")


@policy("in Auckland it is Auckland's day", zone="Pacific/Auckland", create="0d")
def in_auckland(acme):
    return around_the_world(acme)


@policy("in Los Angeles it is Los Angeles'", zone="America/Los_Angeles", create="0d")
def in_los_angeles(acme):
    return around_the_world(acme)


# --- scope ----------------------------------------------------------------------------------------------------------

def moves(acme, inside, outside):
    """Whoever is out of scope does not exist; who leaves it is deactivated, who comes back is reactivated."""
    acme.hire("In", **inside)
    acme.hire("Out", **outside)
    yield
    acme.events(In="created INITIAL_IMPORT")
    acme.users(In="not_invited")
    acme.waiting()
    first = acme.user("In")["id"]
    acme.change("In", **outside)
    acme.change("Out", **inside)
    yield
    acme.events(In="deactivated OUT_OF_SCOPE", Out="created NEW_HIRE")
    acme.users(In="deactivated", Out="not_invited")
    acme.change("In", title="Lead")
    yield
    acme.events()
    acme.change("In", **inside)
    yield
    acme.events(In="created BACK_IN_SCOPE")
    acme.users(In={"status": "not_invited", "title": "Lead", "id": first}, Out="not_invited")


@policy("scope.legal_entities by name", scope={"legal_entities": ["Acme GmbH", "Acme AG"]})
def scope_of_a_legal_entity(acme):
    for name in ("Acme GmbH", "Acme Ltd"):
        acme.hr.change("add_legal_entity", name=name)
    return moves(acme, {"legal_entity": "Acme GmbH"}, {"legal_entity": "Acme Ltd"})


@policy("scope.locations by id", scope={"locations": ["set below"]})
def scope_of_a_location(acme):
    return moves(acme, {"location": "Lisbon"}, {"location": None})


@policy("scope.groups of any type", scope={"groups": ["4711 Sales"]})
def scope_of_a_group(acme):
    acme.group("4711 Sales", "COST_CENTER")
    acme.group("Lab")
    return moves(acme, {"groups": ["Lab", "4711 Sales"]}, {"groups": ["Lab"]})


@policy("scope.employment_types", scope={"employment_types": ["FULL_TIME", "PART_TIME"]})
def scope_of_a_type(acme):
    return moves(acme, {"type": "PART_TIME"}, {"type": "CONTRACT"})


@policy("two lists: both have to let the person in", scope={"employment_types": ["FULL_TIME"], "groups": ["Lab"]})
def scope_of_two(acme):
    acme.group("Lab")
    acme.hire("Neither", type="CONTRACT")
    acme.hire("Group", type="CONTRACT", groups=["Lab"])
    return moves(acme, {"groups": ["Lab"]}, {"groups": []})


@policy("a name in scope is the name of today: who renames a group, puts its people out; an id outlives it", full="1s", scope={"groups": ["Lab", "set below"]})
def scope_and_renames(acme):
    acme.group("Lab")
    acme.hire("Name", groups=["Lab"])
    acme.hire("Id", groups=["Zoo"])
    yield
    acme.events(Name="created INITIAL_IMPORT", Id="created INITIAL_IMPORT")
    acme.hr.change("rename_group", group="Lab", name="Works")
    acme.hr.change("rename_group", group="Zoo", name="Ark")
    yield
    acme.users(Name="deactivated", Id={"status": "not_invited", "team": "Ark"})


# --- teams ----------------------------------------------------------------------------------------------------------

@policy("primary_team: [TEAM, DEPARTMENT]: the team, else the department; without either, none", primary_team=["TEAM", "DEPARTMENT"])
def primary_team(acme):
    acme.group("Lab")
    acme.group("Research", "DEPARTMENT")
    acme.hire("Ada", groups=["Research", "Lab"])
    acme.hire("Bob", groups=["Research"])
    acme.hire("Cem")
    yield
    acme.users(Ada={"team": "Lab"}, Bob={"team": "Research"}, Cem={"team": None})
    acme.seen = 3
    acme.change("Ada", groups=["Research"])
    acme.change("Bob", groups=[])
    acme.change("Cem", groups=["Lab"])
    yield
    acme.events(Ada="team-changed Lab → Research", Bob="team-changed Research → none", Cem="team-changed none → Lab")
    acme.users(Ada={"team": "Research", "teams": []}, Bob={"team": None}, Cem={"team": "Lab"})


@policy("of several teams the one already held is kept, in whatever order HR lists them", secondary_teams=["COST_CENTER", "TEAM"])
def several_teams(acme):
    # The sandbox lists groups in another order at each fetch.
    lowest, middle, held = sorted(("Zoo", "Ark", "Bay"), key=acme.group)
    acme.group("4711", "COST_CENTER")
    acme.hire("Ada", groups=[held])
    yield
    acme.events(Ada="created INITIAL_IMPORT")
    acme.change("Ada", groups=["4711", middle, held, lowest])
    yield
    acme.events(Ada=f"team-changed {held} → {held}")
    acme.users(Ada={"team": held, "teams": sorted(("4711", lowest, middle))})
    for title in ("Lead", "Head"):
        acme.change("Ada", title=title)
        yield
        acme.events(Ada="profile-updated job_title")
    acme.change("Ada", groups=[middle, lowest])
    yield
    acme.events(Ada=f"team-changed {held} → {lowest}")
    acme.users(Ada={"team": lowest, "teams": [middle]})
    acme.change("Ada", groups=[held])
    yield
    acme.users(Ada={"team": held, "teams": []})


@policy("primary_team: []: teams are left to Learn Amp", primary_team=[], secondary_teams=["TEAM"])
def teams_left_alone(acme):
    acme.group("Lab")
    acme.learnamp.call("POST", "teams", {"name": "By hand"})
    acme.hire("Ada", groups=["Lab"])
    yield
    acme.users(Ada={"team": None, "teams": []})
    acme.learnamp.change_user(acme.user("Ada")["id"], primaryTeamId=acme.learnamp.teams()[0]["id"])
    acme.group("Zoo")
    acme.change("Ada", groups=["Zoo"], title="Lead")
    yield
    acme.seen = 1
    acme.events(Ada="profile-updated job_title")
    acme.users(Ada={"team": "By hand", "title": "Lead"})
    equal([team["name"] for team in acme.learnamp.teams()], ["By hand"], "teams")


@policy("create_teams: false: a team that Learn Amp has is used, one that it has not is left out", create_teams=False)
def teams_not_made(acme):
    acme.group("Lab")
    acme.group("Zoo")
    acme.learnamp.call("POST", "teams", {"name": "Lab"})
    acme.hire("Ada", groups=["Lab"])
    acme.hire("Bob", groups=["Zoo"])
    yield
    acme.users(Ada={"team": "Lab"}, Bob={"team": None, "status": "not_invited"})
    equal([(team["name"], bool(team["integrationExternalId"])) for team in acme.learnamp.teams()], [("Lab", True)], "teams")


@policy("a renamed team is renamed once, and none of its members is written")
def renamed_team(acme):
    acme.group("Lab")
    for name in ("Ada", "Bob", "Cem"):
        acme.hire(name, groups=["Lab"])
    yield
    acme.seen = 3
    before = acme.learnamp.last_request()
    acme.hr.change("rename_group", group="Lab", name="Works")
    yield
    acme.events(**dict.fromkeys(("Ada", "Bob", "Cem"), "team-changed Lab → Works"))
    equal([(w["method"], w["target"].split("/")[2]) for w in acme.learnamp.writes(after=before)], [("PUT", "teams")], "writes")
    acme.users(**dict.fromkeys(("Ada", "Bob", "Cem"), {"team": "Works"}))


@policy("a renamed team that is nobody's primary one is renamed too", secondary_teams=["COST_CENTER"])
def renamed_secondary_team(acme):
    acme.group("4711", "COST_CENTER")
    for name in ("Ada", "Bob"):
        acme.hire(name, groups=["4711"])
    yield
    acme.seen = 2
    acme.hr.change("rename_group", group="4711", name="4712")
    yield
    acme.events(Ada="team-changed none → none", Bob="team-changed none → none")
    acme.users(Ada={"teams": ["4712"]}, Bob={"teams": ["4712"]})


@policy("a renamed location reaches everybody there")
def renamed_location(acme):
    acme.hr.change("add_location", name="Lisbon")
    acme.hire("Ada", location="Lisbon")
    acme.hire("Bob")
    yield
    acme.seen = 2
    acme.hr.change("rename_location", location="Lisbon", name="Porto")
    yield
    acme.events(Ada="profile-updated primary_location")
    acme.users(Ada={"location": "Porto"}, Bob={"location": None})


# --- who is at Learn Amp already ------------------------------------------------------------------------------------

@policy("match_email: true: a user with the address is adopted; not one who bears another system's id", match_email=True)
def adoption(acme):
    acme.learnamp.add_user(email="ADA@acme.example", firstName="Ada", lastName="Old", status="confirmed")
    acme.learnamp.add_user(email="gone@acme.example", firstName="Gone", lastName="Old", status="deactivated", skipInvitation=True)
    acme.learnamp.add_user(email="bob@acme.example", firstName="Bob", lastName="Old", status="confirmed", integrationExternalId="another-system-7")
    for name in ("Ada", "Gone", "Bob"):
        acme.hire(name, email=f"{name.lower()}@acme.example")
    yield
    acme.users(Ada={"status": "confirmed", "title": "Analyst"}, Gone={"status": "not_invited", "title": "Analyst"}, Bob={"status": "confirmed", "title": None})
    equal([acme.user(name)["integrationExternalId"] for name in ("Ada", "Gone", "Bob")], [acme.ids["Ada"], acme.ids["Gone"], "another-system-7"])
    acme.dead(Bob="IDENTITY_CONFLICT")


@policy("match_email: false: nobody is adopted, and an address that is taken waits for a person", match_email=False)
def no_adoption(acme):
    acme.learnamp.add_user(email="ada@acme.example", firstName="Ada", lastName="Old", status="confirmed")
    acme.hire("Ada", email="ada@acme.example")
    acme.hire("Bob")
    yield
    acme.users(Ada={"status": "confirmed", "title": None}, Bob="not_invited")
    acme.dead(Ada="IDENTITY_CONFLICT")


@policy("what is changed by hand at Learn Amp stays until HR changes something about that person", invite="on_create")
def changed_by_hand(acme):
    acme.hire("Ada")
    acme.hire("Bob")
    yield
    acme.learnamp.change_user(acme.user("Ada")["id"], jobTitle="By hand")
    acme.learnamp.change_user(acme.user("Bob")["id"], status="deactivated")
    yield
    acme.users(Ada={"title": "By hand"}, Bob="deactivated")
    acme.change("Ada", end=90)
    acme.change("Bob", title="Lead")
    yield
    acme.users(Ada={"title": "Analyst"}, Bob={"status": "not_invited", "title": "Lead"})
    acme.invited(Ada=0, Bob=0)


# --- rehires --------------------------------------------------------------------------------------------------------

@policy("a rehire with the same id, with a new id, and with a new id and a new address")
def rehires(acme):
    for name in ("Same", "New", "Other"):
        acme.hire(name)
    yield
    ids = {name: acme.user(name)["id"] for name in acme.ids}
    for name in acme.ids:
        acme.change(name, status="INACTIVE", end=-1)
    yield
    acme.seen = 6
    acme.rehire("Same")
    acme.rehire("New", new="New again")
    acme.rehire("Other", new="Other again", email="another@acme.example", first_name="Again")
    yield
    # Without the address nothing says that it is the same person.
    acme.events(**{"Same": "created REHIRE", "New again": "created REHIRE instead of New", "Other again": "created NEW_HIRE"})
    acme.users(Same={"status": "not_invited", "id": ids["Same"]}, New={"status": "not_invited", "id": ids["New"]}, Other="deactivated", Again="not_invited")
    equal(acme.user("New")["integrationExternalId"], acme.ids["New again"])


@policy("a rehire under a new id, with match_email: false too: in the moment in which the old one ends, or on the hire date", match_email=False, create="0d")
def rehire_under_a_new_id(acme):
    acme.hire("Ada")
    acme.hire("Bob")
    yield
    ids = {name: acme.user(name)["id"] for name in acme.ids}
    acme.hr.changes([{"op": "leave", "employee": acme.ids["Ada"]}, {"op": "rehire", "employee": acme.ids["Ada"], "new_id": True}])
    acme.ids["Ada again"] = acme.hr.employees()[-1]["id"]
    acme.change("Bob", status="INACTIVE", end=-1)
    acme.rehire("Bob", new="Bob again", status="PENDING", start=10)
    yield
    acme.seen = 2
    acme.events(**{"Ada": "deactivated INACTIVE", "Ada again": "created REHIRE instead of Ada", "Bob": "deactivated INACTIVE"})
    acme.waiting(**{"Bob again": "NOT_YET"})
    acme.change("Bob again", status="ACTIVE", start=0)
    yield
    acme.events(**{"Bob again": "created REHIRE instead of Bob"})
    acme.users(**{name: {"status": "not_invited", "id": ids[name]} for name in ("Ada", "Bob")})


@policy("a new person with a leaver's address takes over the leaver's account; one who is there already waits for a person")
def address_of_a_leaver(acme):
    acme.hire("Ada", email="sales@acme.example")
    acme.hire("Bea", email="info@acme.example")
    acme.hire("Cem")
    # Who left before the first import is no concern of ours, whatever Learn Amp has of them.
    acme.hire("Gone", status="INACTIVE", end=-30, email="gone@acme.example")
    acme.learnamp.add_user(email="gone@acme.example", firstName="Gone", lastName="Doe", status="confirmed")
    yield
    acme.events(Ada="created INITIAL_IMPORT", Bea="created INITIAL_IMPORT", Cem="created INITIAL_IMPORT")
    first = acme.user("Ada")["id"]
    acme.change("Ada", status="INACTIVE", end=-1)
    acme.change("Bea", status="INACTIVE", end=-1)
    yield
    acme.seen = 5
    acme.hire("Dan", email="sales@acme.example")
    acme.change("Cem", email="info@acme.example")
    yield
    acme.events(Dan="created REHIRE instead of Ada", Cem="profile-updated email")
    rest = {"Gone": "confirmed", "Cem": {"email": "cem@address-of-a-leaver.example"}, "Dan": {"status": "not_invited", "id": first}}
    acme.users(**rest, Bea="deactivated")
    acme.dead(Cem="IDENTITY_CONFLICT")
    acme.change("Dan", status="INACTIVE", end=-1)
    yield
    # An account that bears neither the address nor the id any more is nobody's.
    acme.learnamp.change_user(first, integrationExternalId="", email="old@acme.example")
    acme.hire("Eve", email="sales@acme.example")
    yield
    acme.users(Gone="confirmed", Bea="deactivated", Cem=rest["Cem"], Dan={"status": "deactivated", "id": first}, Eve="not_invited")


# --- addresses ------------------------------------------------------------------------------------------------------

def swap(acme):
    acme.hire("Ada", email="one@acme.example")
    acme.hire("Bob", email="two@acme.example")
    acme.hire("Cem")
    yield
    acme.seen = 3
    acme.change("Cem", email="married@acme.example")
    acme.change_all(Ada={"email": "two@acme.example"}, Bob={"email": "one@acme.example"})
    yield
    acme.events(Ada="profile-updated email", Bob="profile-updated email", Cem="profile-updated email")


@policy("swap_address: two who swap addresses pass through one that is nobody's", swap_address="swap-{id}@acme.example")
def swap_of_addresses(acme):
    yield from swap(acme)
    acme.users(Ada={"email": "two@acme.example"}, Bob={"email": "one@acme.example"}, Cem={"email": "married@acme.example"})
    acme.dead()


@policy("without a swap_address both stay as they are and wait for a person", swap_address="")
def no_swap_of_addresses(acme):
    yield from swap(acme)
    acme.users(Ada={"email": "one@acme.example"}, Bob={"email": "two@acme.example"}, Cem={"email": "married@acme.example"})
    acme.dead(Ada="IDENTITY_CONFLICT", Bob="IDENTITY_CONFLICT")


# --- managers -------------------------------------------------------------------------------------------------------

@policy("a manager who arrives within the retries is set; one who arrives later, with the report's next change, or by an audit", mapping=config.MANAGERS, create="0d")
def managers(acme):
    acme.hire("Boss")
    acme.hire("Chief", status="PENDING", start=20)
    acme.hire("Ada", manager="Boss")
    acme.hire("Bob", manager="Chief")
    acme.hire("Cem", manager="Chief")
    yield
    acme.users(Boss={"manager": None}, Ada={"manager": "boss"}, Bob={"manager": None}, Cem={"manager": None})
    acme.dead()
    others = dict.fromkeys(("Boss", "Chief", "New"), "not_invited")
    acme.change("Chief", status="ACTIVE", start=0)
    acme.hire("New", start=0)
    acme.change("Ada", manager="New")
    yield
    acme.users(**others, Ada={"manager": "new"}, Bob={"manager": None}, Cem={"manager": None})
    acme.change("Bob", title="Lead")
    acme.change("New", email="newer@acme.example")
    yield
    acme.users(**others, Ada={"manager": "newer"}, Bob={"manager": "chief", "title": "Lead"}, Cem={"manager": None})
    acme.change("Ada", manager=None)
    done = world.command("consumer", "audit", "--integration", acme.hr.id, "--repair")
    assert "manager" in done.stdout, done.stdout + done.stderr
    yield
    acme.users(**others, Ada={"manager": None}, Bob={"manager": "chief"}, Cem={"manager": "chief"})


# --- values that become empty, and custom fields --------------------------------------------------------------------

FIELDS = {**config.MANAGERS, "custom:Cost centre": "custom_fields.cost_center", "custom:Badge": "custom_fields.badge"}


def emptied(acme):
    acme.group("Lab")
    acme.hire("Boss")
    acme.hire("Ada", groups=["Lab"], location="Lisbon", manager="Boss", custom_fields={"cost_center": "CC-1", "badge": 7})
    yield
    acme.users(Boss="not_invited", Ada={"title": "Analyst", "location": "Lisbon", "team": "Lab", "manager": "boss",
                                        "custom": {"Cost centre": "CC-1", "Badge": "7"}})
    acme.seen = 2
    acme.change("Ada", title="Lead", custom_fields={"cost_center": "CC-2"})
    yield
    acme.events(Ada="profile-updated custom:Cost centre, job_title")
    acme.change("Ada", title=None, location=None, manager=None, groups=[], custom_fields={"cost_center": None, "badge": None})
    yield


@policy("on_null: clear: what became empty in HR is emptied at Learn Amp", mapping=FIELDS, custom=("Cost centre", "Badge"), on_null="clear")
def emptied_is_cleared(acme):
    yield from emptied(acme)
    acme.events(Ada=["profile-updated custom:Badge, custom:Cost centre, job_title, manager_email, primary_location", "team-changed Lab → none"])
    acme.users(Boss="not_invited", Ada={"title": None, "location": None, "team": None, "manager": None, "custom": {}})


@policy("on_null: keep: what became empty in HR stays at Learn Amp", mapping=FIELDS, custom=("Cost centre", "Badge"), on_null="keep")
def emptied_is_kept(acme):
    yield from emptied(acme)
    acme.events()
    acme.users(Boss="not_invited", Ada={"title": "Lead", "location": "Lisbon", "team": "Lab", "manager": "boss", "custom": {"Cost centre": "CC-2", "Badge": "7"}})


@policy("whoever loses the address or a name keeps the account as it is", on_null="clear")
def needed_is_missing(acme):
    acme.hire("Ada")
    acme.hire("Bob")
    acme.hire("Cem", email=None)
    yield
    acme.events(Ada="created INITIAL_IMPORT", Bob="created INITIAL_IMPORT")
    acme.change("Ada", email=None, title="Lead")
    acme.change("Bob", last_name=None)
    yield
    acme.events()
    acme.waiting(Ada="NO_EMAIL", Bob="NO_NAME", Cem="NO_EMAIL")
    acme.users(Ada={"title": "Analyst", "status": "not_invited"}, Bob="not_invited")
    acme.change("Ada", email="ada@acme.example")
    acme.change("Bob", status="INACTIVE", end=-1)
    yield
    acme.events(Ada="profile-updated email, job_title", Bob="deactivated INACTIVE")
    acme.waiting(Cem="NO_EMAIL")


# --- legal entities with policies of their own ----------------------------------------------------------------------

# Two integrations that read the same people, each the part of one legal entity, and write to one company at Learn Amp.
def one_company(acme):
    for name in ("Acme GmbH", "Acme Ltd"):
        acme.hr.change("add_legal_entity", name=name)
    acme.group("Sales")
    acme.hire("Greta", email="greta@acme.example", legal_entity="Acme GmbH", groups=["Sales"])
    acme.hire("Liam", email="liam@acme.example", legal_entity="Acme Ltd", groups=["Sales"])
    acme.hire("Gero", email="gero@acme.example", legal_entity="Acme GmbH", status="PENDING", start=20)
    acme.hire("Lucy", email="lucy@acme.example", legal_entity="Acme Ltd", status="PENDING", start=20)
    yield
    acme.change("Greta", legal_entity="Acme Ltd")
    yield


@policy("a legal entity with its own policy …", scope={"legal_entities": ["Acme GmbH"]}, invite="on_create", initial_import_invite=True, create="immediately")
def legal_entity_one(acme):
    both = one_company(acme)
    yield next(both)
    acme.events(Greta="created INITIAL_IMPORT", Gero="created INITIAL_IMPORT")
    acme.invited(Greta=1, Gero=1, Liam=0)
    yield next(both)
    acme.events(Greta="deactivated OUT_OF_SCOPE")
    acme.users(Greta="deactivated", Gero="invite_pending", Liam="not_invited")


@policy("… beside another in the same company: who changes over is known by another id, and waits for a person", scope={"legal_entities": ["Acme Ltd"]}, create="0d")
def legal_entity_two(acme):
    both = one_company(acme)
    yield next(both)
    acme.events(Liam="created INITIAL_IMPORT")
    acme.waiting(Lucy="NOT_YET")
    equal([team["name"] for team in acme.learnamp.teams()], ["Sales", "Sales"], "teams")
    yield next(both)
    acme.events(Greta="created NEW_HIRE")
    acme.dead(Greta="IDENTITY_CONFLICT")
    # A person takes the other id away at Learn Amp, and has it tried again.
    greta = acme.user("Greta")["id"]
    acme.learnamp.change_user(greta, integrationExternalId="")
    done = world.command("consumer", "dlq", "replay", "--integration", acme.hr.id, "--apply")
    equal(done.returncode, 0, done.stdout + done.stderr)
    yield
    acme.users(Greta={"status": "invite_pending", "id": greta}, Gero="invite_pending", Liam="not_invited")
    equal(acme.user("Greta")["integrationExternalId"], acme.ids["Greta"])


# --- a policy that is changed ---------------------------------------------------------------------------------------

@policy("a policy that is changed applies to everybody at the next start", create="0d", primary_team=[], custom=("Badge",))
def changed_policy(acme):
    acme.group("Lab")
    acme.hire("Ada", groups=["Lab"], custom_fields={"badge": 7})
    acme.hire("Bob", type="CONTRACT")
    acme.hire("Cem", status="PENDING", start=20)
    yield
    acme.events(Ada="created INITIAL_IMPORT", Bob="created INITIAL_IMPORT")
    acme.waiting(Cem="NOT_YET")
    acme.reconfigure(mapping={**config.MAPPING, "custom:Badge": "custom_fields.badge"}, policy={
        "create": "immediately", "invite": "on_create", "primary_team": ["TEAM"], "scope": {"employment_types": ["FULL_TIME"]}})
    yield RESTART
    acme.events(Ada=["profile-updated custom:Badge", "team-changed none → Lab"], Bob="deactivated OUT_OF_SCOPE", Cem="created NEW_HIRE")
    acme.users(Ada={"status": "not_invited", "team": "Lab", "custom": {"Badge": "7"}}, Bob="deactivated", Cem="invite_pending")


# --- all of it ------------------------------------------------------------------------------------------------------

OVER = "over"


def tell(line):
    """On to the next `yield`, or to the end."""
    try:
        line.waits_for = next(line.telling)
    except StopIteration:
        line.waits_for = OVER
    except Exception as error:  # noqa: B902 - of this line only: the others go on
        line.waits_for = OVER
        line.error = error


def go_on(waits_for):
    for line in LINES:
        if line.waits_for == waits_for:
            tell(line)


def start():
    programs = [world.producer().start(), world.consumer().start()]
    for program in programs:
        program.wait_ready()


def arrive():
    polled = [line.slug for line in LINES if line.poll == "1s"]
    world.wait_polled(*polled, timeout=60)
    world.wait_quiet(60)
    world.topics.refresh()


@test
def all_policies_at_once():
    for line in LINES:
        line.hr = world[line.slug]
        line.learnamp = world["legal-entity-one" if line.slug == "legal-entity-two" else line.slug]
        line.telling = line.story(line)
    lisbon = world["scope-of-a-location"].change("add_location", name="Lisbon")["location"]
    world.overrides["scope-of-a-location"]["policy"]["scope"]["locations"] = [lisbon]
    zoo = world["scope-and-renames"].change("add_group", name="Zoo", type="TEAM")["group"]
    world.overrides["scope-and-renames"]["policy"]["scope"]["groups"][1] = zoo
    for slug in ("emptied-is-cleared", "emptied-is-kept"):
        world[slug].change("add_location", name="Lisbon")
    company = world["legal-entity-one"].description["learnamp"]
    world.overrides["legal-entity-two"]["learnamp"] = {key: company[key] for key in ("base_url", "client_id", "client_secret")}
    world.write_config()

    for line in LINES:
        tell(line)
    os.environ["TZDIR"] = zones.folder(world.folder)  # of all that is started from here on
    let_it_be(43200)
    start()
    world.wait_for("the first imports", lambda: [line.slug for line in LINES if not (
        world.topics.refresh().states().get(line.hr.id) or {}).get("last_poll")], 60)
    rounds = 0
    while any(line.waits_for is None for line in LINES):
        arrive()
        rounds += 1
        go_on(None)
    for program in world.programs:
        equal(program.stop(), 0, program.name)
    world.write_config()
    midnight = let_it_be(int(5 + 5 * PATIENCE))
    start()
    arrive()
    go_on(RESTART)
    wait_for("midnight", lambda: time.time() > midnight, 60)
    world.wait_for("midnight's events", lambda: [line.slug for line in LINES if line.zone in ("Test/Plain", "Test/Forward") and len(
        list(world.topics.refresh().events(line.hr.id))) < 3], 20)
    arrive()
    go_on(MIDNIGHT)
    print(f"  {len(LINES)} policies in {rounds} rounds")


@test
def I1_every_change_was_published_once_and_chained():
    fail(books.unreadable(world.topics))
    fail(books.chain(world.topics))
    fail(books.identities(world.topics))
    fail(books.snapshots(world.topics))


def prove(line):
    def proof():
        if line.error:
            raise line.error
        equal(line.waits_for, OVER, "what this line waits for")
    proof.title = line.title
    test(proof)


for each in LINES:
    prove(each)


world = World("policies", {line.slug: line.options() for line in LINES}, {"consumer": {"retry_delays": ["200ms", "300ms", "400ms"]}})
with world:
    run(world)
