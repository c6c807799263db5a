"""A small company made by hand, with everything that a run leaves behind, for the tests of those who read it: the books, the story."""

import copy
import datetime
import uuid
from collections import defaultdict

from rollcall.books.events import NAMESPACE
from rollcall.books.evidence import Evidence
from rollcall.books.hr import DEFAULT_MAPPING
from rollcall.topics import Record, Topics

NORTH = "personio:north"
START = 1_790_000_000_000  # ms
GROUPS = {"g1": "Sales", "g2": "Support"}
SECTION = {"id": NORTH, "policy": {"absence_grace": "1s", "brakes": {"deactivations": {"count": 3, "percent": 10}}},
           "mapping": {**DEFAULT_MAPPING, "managerEmail": "manager.work_email"}}


def when(second):
    return datetime.datetime.fromtimestamp(START / 1000 + second, datetime.timezone.utc)


class Paper(Topics):
    """Topics that were never on a broker."""

    def __init__(self):  # noqa: B024 - nothing of a broker is wanted
        self.prefix = "t."
        self.records = defaultdict(list)
        self.open = set()  # records that no lane has put behind it

    def put(self, topic, key, value, second, headers=None):
        record = Record(topic, 0, len(self.records[topic]), key, b"" if value is not None else None, headers or {}, START + int(second * 1000), value)
        self.records[topic].append(record)
        return record

    def committed(self, group):
        return {(self.prefix + topic, 0): min([record.offset for record in records if id(record) in self.open], default=10**6)
                for topic, records in self.records.items()}


class Company:
    """The integration, as the sandbox shows it."""

    id, slug = NORTH, "north"

    def __init__(self):
        self.topics = Paper()
        self.people = {}
        self.units = {unit: [{"name": name, "deleted": False}] for unit, name in GROUPS.items()}
        self.by_side = {"learnamp": [], "kombo": []}
        self.accounts = {}
        self.published = {}  # employee: (version, state)
        self.compared = []
        self.section = copy.deepcopy(SECTION)

    # --- what the books ask ---

    def history(self):
        return copy.deepcopy({"people": [{"employee": employee, "states": states} for employee, states in self.people.items()],
                              "units": [{"id": unit, "kind": "group", "type": "TEAM", "states": names} for unit, names in self.units.items()]})

    def requests(self, side="learnamp"):
        return copy.deepcopy(self.by_side[side])

    def writes(self):
        return [request for request in self.requests() if request["method"] != "GET"]

    def users(self):
        return list(self.accounts.values())

    def teams(self):
        return [{"name": names[-1]["name"]} for names in self.units.values()]

    def compare(self, **_):
        return {"differences": self.compared, "difference_count": len(self.compared), "strangers": []}

    # --- what happens ---

    def says(self, employee, second, **fields):
        """HR's next state of somebody; `second` None: from the beginning."""
        states = self.people.setdefault(employee, [])
        state = {**(states[-1] if states else {"first_name": employee.title(), "last_name": "Doe", "job_title": "Engineer",
                                               "work_email": f"{employee}@acme.example", "employment_status": "ACTIVE",
                                               "start_date": "2020-01-01", "groups": ["g1"], "deleted": False, "vanished": False}), **fields}
        state.pop("at", None)
        if second is not None:
            state["at"] = when(second).isoformat()
        states.append(state)

    def state(self, employee, back=1):
        """The published form of what HR says."""
        said = self.people[employee][-back]
        team = said["groups"][0]
        return {"email": said["work_email"], "first_name": said["first_name"], "last_name": said["last_name"], "job_title": said["job_title"],
                "avatar": None, "manager_email": None, "language": None, "status": said["employment_status"],
                "hire_date": datetime.date(2020, 1, 1), "leave_date": None, "primary_location": None,
                "primary_team": {"id": team, "name": self.units[team][-1]["name"]}, "secondary_teams": [], "custom": []}

    def publish(self, employee, second, types, state=None, **more):
        """Events, snapshot and outcomes of one change."""
        topics, key = self.topics, f"{NORTH}/{employee}"
        previous, before = self.published.get(employee, (None, None))
        version, state = START + int(second * 1000), state or self.state(employee)
        for event_type in types:
            event_id = str(uuid.uuid5(NAMESPACE, f"{key}|{version}|{event_type}"))
            metadata = {"event_id": event_id, "integration_id": NORTH, "employee_id": employee, "version": version,
                        "previous_version": previous, "occurred_at": when(second), "trigger": "POLL"}
            value = {"metadata": metadata, "employee": copy.deepcopy(state)}
            if event_type == "created":
                value.update(reason="INITIAL_IMPORT", replaces=None)
            elif event_type == "profile-updated":
                value["changed_fields"] = [{"name": "job_title", "previous": before["job_title"]}]
            elif event_type == "team-changed":
                value.update(previous_team=before["primary_team"], new_team=state["primary_team"])
            value.update(more)
            topics.put(f"employee.{event_type}", key, value, second, {
                "ce_specversion": "1.0", "ce_id": event_id, "ce_source": f"/integrations/{NORTH}", "ce_type": f"rollcall.employee.{event_type}",
                "ce_subject": employee, "content-type": "application/avro", "ce_time": "then"})
            self.outcome(event_type, employee, version, second + 0.5)
        topics.put("employee.snapshot", key, {
            "integration_id": NORTH, "employee_id": employee, "version": version, "previous_version": previous, "employee": copy.deepcopy(state),
            "presence": "GONE" if types == ["deactivated"] else "EMPLOYED"}, second)
        self.published[employee] = version, state
        return version

    def outcome(self, lane, employee, version, second, outcome="APPLIED"):
        return self.topics.put("learnamp.ledger", f"{lane}:{NORTH}/{employee}", {"version": version, "outcome": outcome, "reason": None}, second)

    def park(self, event, second, topic="learnamp.retry.1s", reason="TRANSIENT", **more):
        lane = event.topic.removeprefix("employee.")
        return self.topics.put(topic, event.key, event.value, second, {
            **event.headers, "rollcall_lane": lane, "rollcall_reason": reason, "rollcall_attempt": "1",
            "rollcall_origin": f"t.{event.topic}/0/{event.offset}", "rollcall_failed_at": when(second).isoformat(), **more})

    def ask(self, employee, second, method, target, status=200, body="", effect="done", **more):
        account = self.accounts.get(employee)
        self.by_side["learnamp"].append({
            "number": len(self.by_side["learnamp"]) + 1, "at": when(second).isoformat(), "machine_at": when(second).isoformat(), "method": method,
            "target": target, "employee": employee, "user_id": account and account["id"], "status": status, "effect": effect,
            "answer": "whole", "body": body, **more})

    def account(self, employee, **fields):
        """As Learn Amp shows the user."""
        state = self.published[employee][1]
        user = self.accounts.setdefault(employee, {"id": 1001 + len(self.accounts), "integrationExternalId": employee, "deactivations": 0,
                                                   "tasksDestroyed": 0, "statusValue": "confirmed"})
        user.update({"email": state["email"], "firstName": state["first_name"], "lastName": state["last_name"], "jobTitle": state["job_title"],
                     "hireDate": str(state["hire_date"]), "location": None,
                     "primaryTeam": {"integrationExternalId": state["primary_team"]["id"]}, **fields})
        return user

    def leave(self, employee, second, reason, state=None):
        """Published, sent and carried out."""
        state = state or self.published[employee][1]
        self.publish(employee, second, ["deactivated"], state, reason=reason, effective_date=None)
        self.account(employee, statusValue="deactivated", deactivations=1, tasksDestroyed=3, primaryTeam=None)
        user = self.accounts[employee]["id"]
        self.ask(employee, second + 0.3, "PUT", f"/v1/users/{user}/deactivate", 204)

    def event(self, event_type, employee):
        return next(r for r in self.topics.records[f"employee.{event_type}"] if r.key.endswith("/" + employee))

    def evidence(self, **more):
        return Evidence(self.topics, self, section=self.section, **more)

def company():
    """Ada is promoted and moves, leaves and comes back; Bob is deleted, Cid is missing; Dan and Eve stay."""
    made = Company()
    for employee in ("ada", "bob", "cid", "dan", "eve"):
        made.says(employee, None)
        made.publish(employee, 1, ["created"])
        made.account(employee)
        made.ask(employee, 1.3, "POST", "/v1/users", 201, f'{{"email": "{employee}@acme.example", "jobTitle": "Engineer"}}')
    made.says("ada", 10, job_title="Lead", groups=["g2"])
    made.publish("ada", 11, ["profile-updated", "team-changed"])
    made.ask("ada", 11.2, "PUT", "/v1/users/by_integration_external_id/ada", 200, '{"jobTitle": "Lead"}')
    made.ask("ada", 11.3, "PUT", "/v1/users/by_integration_external_id/ada", 200, '{"primaryTeamIntegrationExternalId": "g2"}')
    made.park(made.event("profile-updated", "ada"), 11.25)
    made.says("ada", 20, employment_status="INACTIVE")
    made.leave("ada", 21, "INACTIVE", made.state("ada"))
    made.says("ada", 40, employment_status="ACTIVE")
    made.publish("ada", 41, ["created"], reason="REHIRE")
    made.ask("ada", 41.2, "PUT", "/v1/users/1001/reactivate", 204)
    made.ask("ada", 41.3, "PUT", "/v1/users/1001", 200, '{"jobTitle": "Lead", "primaryTeamIntegrationExternalId": "g2"}')
    made.account("ada", statusValue="confirmed")
    made.says("bob", 30, deleted=True)
    made.leave("bob", 32, "DELETED")
    made.says("cid", 30, vanished=True)
    made.leave("cid", 33, "MISSING")
    return made
