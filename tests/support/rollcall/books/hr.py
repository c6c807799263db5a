"""I1: what was published is what HR said, in HR's order. HR's own account is the sandbox's history; the projection is made here
once more, from the documents alone."""

from datetime import date, timedelta

from rollcall.books.evidence import clock, milliseconds

DAY = timedelta(days=1)
STATUSES = ("ACTIVE", "LEAVE", "PENDING", "INACTIVE")
DEFAULT_MAPPING = {"firstName": "first_name", "lastName": "last_name", "email": "work_email", "jobTitle": "job_title", "avatar": "avatar",
                   "location": "work_location.name", "hireDate": "start_date", "leaveDate": "termination_date"}
# A field of the published state: the target that fills it, and the source from which this module can work it out.
TEXTS = {"email": ("email", "work_email"), "first_name": ("firstName", "first_name"), "last_name": ("lastName", "last_name"),
         "job_title": ("jobTitle", "job_title"), "avatar": ("avatar", "avatar")}


def text(value):
    return (value or "").strip() or None


def same_text(field, one, other):
    """As the diff compares them (docs/projection.md)."""
    one, other = text(one), text(other)
    if field in ("email", "manager_email"):
        return (one or "").casefold() == (other or "").casefold()
    if field == "avatar":
        return (one or "").partition("?")[0] == (other or "").partition("?")[0]
    return one == other


def days(state):
    """(first, last) day of work."""
    first = date.fromisoformat(state["start_date"]) if state.get("start_date") else None
    last = date.fromisoformat(state["termination_date"]) if state.get("termination_date") else None
    # Left over from an earlier employment.
    return first, None if first and last and last < first else last


def day_of(change):
    occurred = milliseconds(change.value["metadata"]["occurred_at"])
    return date.fromtimestamp(occurred / 1000)


class Order:
    """One employee: how far into HR's account the published states have come. Each is matched with the oldest state of HR that it can
    be, and nothing ever goes back."""

    def __init__(self, evidence, employee):
        self.evidence = evidence
        self.states = evidence.people.get(employee, [])
        self.mapping = evidence.section.get("mapping") or DEFAULT_MAPPING
        self.keeps = evidence.policy.get("on_null") == "keep"
        self.at = 0
        self.names = {}  # unit: how far into its names
        self.before = None  # what was published before
        self.problems = []

    def mapped(self, target, source):
        """True: from that source; None: from nowhere; False: from a source that cannot be worked out here."""
        return (self.mapping.get(target) == source) if target in self.mapping else None

    def differing(self, state, published):
        """The fields that this state of HR does not explain."""
        found = [field for field, (target, source) in TEXTS.items()
                 if self.mapped(target, source) is True and not self._explains(field, state.get(source), published[field])]
        if published["status"] != (state["employment_status"] if state.get("employment_status") in STATUSES else "UNKNOWN"):
            found.append("status")
        first, last = days(state)
        for field, target, source, value in (("hire_date", "hireDate", "start_date", first), ("leave_date", "leaveDate", "termination_date", last)):
            kept = field == "hire_date" and value is None and self._kept(field, published[field])
            if self.mapped(target, source) is not False and published[field] != value and not kept:
                found.append(field)
        return found + self._differing_units(state, published)

    def _kept(self, field, published):
        return self.keeps and self.before is not None and published == self.before[field]

    def _explains(self, field, said, published):
        return same_text(field, said, published) or (text(said) is None and self._kept(field, published))

    def _differing_units(self, state, published):
        found = []
        location = published["primary_location"]
        if self.mapped("location", "work_location.name") is True and (location or {}).get("id") != state.get("location") \
                and not (state.get("location") is None and self._kept("primary_location", location)):
            found.append("primary_location")
        manager = self.mapped("managerEmail", "manager.work_email")
        if manager is True and not any(same_text("manager_email", email, published["manager_email"]) for email in self._managers(state)):
            found.append("manager_email")
        if not self._team_fits(state, published):
            found.append("primary_team")
        return found

    def _managers(self, state):
        """The addresses that the manager ever had; none while there is no manager, or no record of them."""
        states = self.evidence.people.get(state.get("manager"), [])
        gaps = not states or any(s["vanished"] or s["deleted"] or not text(s.get("work_email")) for s in states)
        kept = [self.before["manager_email"]] if self.before is not None and self.keeps else []
        return {s.get("work_email") for s in states} | ({None} if gaps else set()) | set(kept)

    def _team_fits(self, state, published):
        kinds = self.evidence.policy.get("primary_team", ["TEAM", "DEPARTMENT"])
        if not kinds:
            return True
        team = published["primary_team"]
        units = {group: self.evidence.units[group][-1] for group in state["groups"]}
        deleted = any(unit["deleted"] for unit in units.values())
        for kind in kinds:
            of_kind = [group for group, unit in units.items() if unit["type"] == kind]
            if not of_kind:
                continue
            if deleted:  # it counted until then: nobody can tell from here which of them did
                return team is None or team["id"] in units
            held = self.before and self.before["primary_team"] and self.before["primary_team"]["id"]
            return team is not None and team["id"] == (held if held in of_kind else min(of_kind))
        return team is None or (self.keeps and self.before is not None and team == self.before["primary_team"]) or (deleted and team["id"] in units)

    def _name(self, ref, what, change):
        """Names of a unit do not go back either."""
        if not ref or ref["id"] not in self.evidence.units:
            return
        names = self.evidence.units[ref["id"]]
        reached = self.names.get(ref["id"], 0)
        fitting = [index for index, naming in enumerate(names) if text(naming["name"]) == text(ref["name"])]
        later = [index for index in fitting if index >= reached]
        if later:
            self.names[ref["id"]] = later[0]
        elif fitting:
            self.problems.append(f"{change}: {what} is called {ref['name']!r}, as it was before {names[reached]['name']!r}")
        elif text(ref["name"]) is not None:
            self.problems.append(f"{change}: {what} is called {ref['name']!r}, and never was in HR")

    def take(self, change):
        """A published state of somebody who is employed."""
        fitting = [index for index, state in enumerate(self.states) if not self.differing(state, change.state)]
        later = [index for index in fitting if index >= self.at]
        if later:
            self.at = later[0]
        elif fitting:
            self.problems.append(f"{change}: what HR said until {clock(self.states[fitting[-1] + 1]['since'])}, after what it "
                                 f"said since {clock(self.states[self.at]['since'])}")
        else:
            best = min((self.differing(state, change.state) for state in self.states[self.at:]), key=len, default=["everything"])
            self.problems.append(f"{change}: HR never said so; it differs in {', '.join(best)}: "
                                 f"{ {field: str(change.state.get(field)) for field in best} }")
        self._name(change.state["primary_team"], "the team", change)
        if self.mapped("location", "work_location.name") is True:
            self._name(change.state["primary_location"], "the location", change)
        self.before = change.state


def employed(change, policy):
    """I1: nobody is announced, or kept, by a state that says that they have left. A day to either side: time zones."""
    state, mode = change.state, policy.get("deactivate_on", "either")
    if mode != "leave_date" and state["status"] == "INACTIVE":
        return f"{change}: published as employed, and INACTIVE"
    if mode != "status" and state["leave_date"] and state["leave_date"] < day_of(change) - DAY:
        return f"{change}: published as employed, and left on {state['leave_date']}"
    return None


def states(evidence):
    """I1: every published state of everybody is one that HR had, and they come in HR's order."""
    from rollcall.books.leaving import said_gone  # which asks for the order, too

    problems = []
    for employee, changes in evidence.changes.items():
        order = Order(evidence, employee)
        for change in changes:
            if change.resync:
                continue  # the former state once more: rollcall.books.events.differences
            if change.gone:
                index, _ = said_gone(evidence, order, change)
                order.at = order.at if index is None else index
                order.before = change.state
                continue
            problem = employed(change, evidence.policy)
            if problem and "clocks" not in evidence.excused:
                problems.append(problem)
            order.take(change)
        problems += order.problems
    return problems


def newest(evidence):
    """I6: the newest snapshot of everybody is what HR says now, unless a change of theirs is known and waits."""
    problems = []
    for employee, row in evidence.snapshots.items():
        if employee in evidence.pending or row["presence"] != "EMPLOYED":
            continue
        states_of = evidence.people.get(employee)
        if not states_of:
            problems.append(f"{employee}: published, and HR has no such employee")
            continue
        order = Order(evidence, employee)
        order.before = row["employee"]  # of several teams the one that is held
        now = states_of[-1]
        if now["vanished"] or now["deleted"]:
            problems.append(f"{employee}: employed as published, and {'deleted' if now['deleted'] else 'missing'} in HR since {clock(now['since'])}")
            continue
        differing = order.differing(now, row["employee"])
        team = row["employee"]["primary_team"]
        if team and team["id"] in evidence.units and text(evidence.units[team["id"]][-1]["name"]) != text(team["name"]):
            differing.append("name of the team")
        if differing:
            problems.append(f"{employee}: the newest snapshot ({row['version']}) differs from HR in {', '.join(differing)}")
    for employee, states_of in evidence.people.items():
        if employee not in evidence.snapshots and employee not in evidence.pending and owes(states_of[-1], evidence):
            problems.append(f"{employee}: employed in HR, and never published")
    return problems


def owes(state, evidence):
    """Whether HR says without any doubt that this person is to be announced."""
    policy = evidence.policy
    scope = policy.get("scope") or {}
    _, last = days(state)
    plain = all(text(state.get(field)) for field in ("work_email", "first_name", "last_name"))
    return (plain and state.get("employment_status") in ("ACTIVE", "LEAVE") and not last and not state["vanished"] and not state["deleted"]
            and not any(scope.values()) and not evidence.forgotten)
