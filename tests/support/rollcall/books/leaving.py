"""I2 and I3: nobody is deactivated, by an event or by a request, unless HR said so; and never more of them than a brake lets pass."""

from collections import defaultdict
from datetime import timedelta

from rollcall.books.evidence import clock
from rollcall.books.hr import DAY, Order, day_of, days

# Two moments of two processes on one machine.
CLOCKS_MS = 1000
# Between the last look at the newest state and the arrival of the request lie one http_timeout (2 s in rollcall/config.py) and a process
# that stood still for less than a third of its session (2 s); a second more for a machine that is busy.
REQUEST_MS = 5000
HOURS_24 = 24 * 3600 * 1000
UNITS = {"s": 1000, "m": 60000, "h": 3600000, "d": 86400000}


def duration(value, otherwise):
    """"90s" and the like, in milliseconds."""
    return int(value[:-1]) * UNITS[value[-1]] if value else otherwise


# --- by HR's account -------------------------------------------------------------------------------------------------

def _looks(evidence, order, change, what):
    """The moments at which a reading could find the record deleted, or missing, since it was last published."""
    states = order.states
    found = []
    for index in range(order.at, len(states)):
        if not states[index][what]:
            continue
        end = states[index + 1]["since"] if index + 1 < len(states) else change.at
        if states[index]["since"] <= change.at + CLOCKS_MS:
            found.append((states[index]["since"], min(end, change.at + CLOCKS_MS), index))
    if what == "vanished":
        # A list that a fault shortened lacks people, as far as anybody who asks can tell.
        found += [(fetch["when"], fetch["when"], order.at) for fetch in evidence.fetches
                  if fetch.get("fault", 0) > 0 and fetch["status"] == 200 and fetch["answer"] == "whole"
                  and fetch["target"].startswith("/hris/employees") and fetch["when"] <= change.at + CLOCKS_MS]
    return found


def _absent(evidence, order, change, what):
    looks = _looks(evidence, order, change, what)
    if not looks:
        return None, f"and it was never {what} in HR since it was last published"
    grace = 0 if "clocks" in evidence.excused else duration(evidence.policy.get("absence_grace"), 3 * 3600000)
    first, last = min(look[0] for look in looks), max(look[1] for look in looks)
    if last - first < grace - CLOCKS_MS / 20:
        return None, f"and it was {what} for {last - first:.0f} ms only (absence_grace is {grace} ms)"
    return max(look[2] for look in looks), ""


def _left(evidence, order, change):
    mode = evidence.policy.get("deactivate_on", "either")
    day = day_of(change) + DAY
    if "clocks" in evidence.excused:
        day += timedelta(days=400)
    for index in range(order.at, len(order.states)):
        state = order.states[index]
        _, last = days(state)
        inactive = state.get("employment_status") == "INACTIVE"
        passed = last is not None and last < day
        if state["since"] <= change.at + CLOCKS_MS and (passed if mode == "leave_date" else inactive if mode == "status" and not passed else inactive or passed):
            return index, ""
    return None, "and HR never said that they left"


def _out_of_scope(evidence, order):
    scope = {name: set(entries) for name, entries in (evidence.policy.get("scope") or {}).items() if entries}
    if not scope:
        return None, "and the policy leaves nobody out"

    def names(ids):
        return set(ids) | {naming["name"] for unit in ids for naming in evidence.units.get(unit, ())}
    for index in range(order.at, len(order.states)):
        state = order.states[index]
        has = {"legal_entities": names([state.get("legal_entity")]), "locations": names([state.get("location")]),
               "groups": names(state["groups"]), "employment_types": {state.get("employment_type")}}
        if any(not entries & has[name] for name, entries in scope.items()):
            return index, ""
    return None, "and the scope never left them out"


def said_gone(evidence, order, change):
    """(which state of HR says so, else None; why not)"""
    if change.reason in ("DELETED", "MISSING"):
        return _absent(evidence, order, change, {"DELETED": "deleted", "MISSING": "vanished"}[change.reason])
    if change.reason == "OUT_OF_SCOPE":
        return _out_of_scope(evidence, order)
    return _left(evidence, order, change)


def events(evidence):
    """I2, I3: every deactivation that was published follows from what HR said since the state before."""
    problems = []
    for employee, changes in evidence.changes.items():
        order = Order(evidence, employee)
        before = None
        for change in changes:
            if change.resync:
                if change.gone and not (before and before.gone):
                    problems.append(f"{change}: RESYNC, and was not gone before")
            elif change.gone:
                index, why = said_gone(evidence, order, change)
                if index is None:
                    problems.append(f"{change}: {change.reason}, {why}")
                else:
                    order.at, order.before = index, change.state
            else:
                order.take(change)
            before = change
    return problems


# --- brakes ----------------------------------------------------------------------------------------------------------

def _approved(evidence):
    """{employee: since when a hold of deactivations in which they waited was approved}"""
    approved = {record.value["hold_id"]: record.timestamp for record in evidence.commands if record.value["kind"] == "APPROVE"}
    found = {}
    for record in evidence.topics.records["sync.pending"]:
        for hold in (record.value or {}).get("holds", ()):
            if hold["brake"] == "deactivations" and hold["hold_id"] in approved:
                found[record.value["employee_id"]] = approved[hold["hold_id"]]
    return found


def brake(evidence):
    """I3: no more deactivations in 24 hours than the limit at that moment, those aside that a person approved."""
    limits = (evidence.policy.get("brakes") or {}).get("deactivations")
    if not limits or not (limits["count"] or limits["percent"]):
        return []
    approved = _approved(evidence)
    by_version = sorted((change for changes in evidence.changes.values() for change in changes), key=lambda change: change.version)
    employed, counted, problems = set(), {}, []
    for position, change in enumerate(by_version):
        if position == 0 or change.version != by_version[position - 1].version:
            announced = len(employed)  # when the poll began
        if not change.gone:
            employed.add(change.employee)
            continue
        employed.discard(change.employee)
        if change.resync or approved.get(change.employee, change.at + 1) <= change.at:
            continue
        counted[change.employee] = change.version
        limit = max(limits["count"], announced * limits["percent"] // 100)
        within = [who for who, version in counted.items() if version > change.version - HOURS_24]
        if len(within) > limit:
            problems.append(f"{change}: the {len(within)}th deactivation within 24 hours, and the limit is {limit} of {announced}")
    return problems


# --- requests --------------------------------------------------------------------------------------------------------

def _presences(evidence, employee):
    """[(not before, at the latest, gone)], as Kafka had it."""
    found = [(change.at, evidence.committed_by(change), change.gone) for change in evidence.changes.get(employee, ())]
    found += [(at, at + CLOCKS_MS, True) for at in evidence.forgotten.get(employee, ())]
    return sorted(found)


def _may_be_sent(evidence, employee, when):
    """Why a deactivation of this employee may not arrive then; None: it may."""
    presences = _presences(evidence, employee)
    if not any(gone for *_, gone in presences):
        return "nobody ever published that they are gone"
    if "clocks" in evidence.excused:
        return None
    for index, (since, _, gone) in enumerate(presences):
        if not gone or since > when + CLOCKS_MS:
            continue
        later = [by for _, by, also in presences[index + 1:] if not also]
        if not later or later[0] >= when - REQUEST_MS:
            return None
    known = [(by, gone) for _, by, gone in presences if by < when - REQUEST_MS]
    if known and not known[-1][1]:
        return f"employed is what was published and committed at {clock(known[-1][0])} at the latest"
    return "what said that they are gone was published later"


def is_deactivation(request):
    return request["target"].partition("?")[0].endswith("/deactivate") and request["method"] in ("PUT", "LATE")


def requests(evidence):
    """I3: no deactivation is sent while the newest published state says employed."""
    # A user may have borne more than one id: a rehire under a new one takes over the user of the former.
    bearers = defaultdict(set)
    for user in evidence.users:
        bearers[user["id"]].add(user["integrationExternalId"])
    for request in evidence.requests:
        if request.get("user_id") and request.get("employee"):
            bearers[request["user_id"]].add(request["employee"])
    for employee, changes in evidence.changes.items():
        for change in changes:
            replaces = change.records["created"].value["replaces"] if "created" in change.records else None
            if replaces:
                for ids in bearers.values():
                    if employee in ids:
                        ids.add(replaces)
    problems = []
    for request in evidence.requests:
        if not is_deactivation(request) or request["method"] == "LATE":
            continue  # what comes late was sent before
        named = request.get("employee")
        people = {named} if named else bearers[request.get("user_id") or int(request["target"].split("/")[-2])]
        whys = {employee: _may_be_sent(evidence, employee, request["when"]) for employee in people}
        if whys and all(whys.values()):
            employee, why = next(iter(whys.items()))
            problems.append(f"{employee}: request {request['number']} at {clock(request['when'])} deactivates, and {why}")
    return problems


def _is_employed(evidence, employee, when):
    """Whether the newest state that was published by then says so."""
    known = [gone for since, _, gone in _presences(evidence, employee) if since <= when]
    return bool(known) and not known[-1]


def tasks(evidence):
    """I3: what deactivations destroy at Learn Amp is exactly what those destroy that were published."""
    problems = []
    for user in evidence.users:
        employee, number = user["integrationExternalId"], user["deactivations"]
        if not number and not user["tasksDestroyed"]:
            continue
        carried_out = [r for r in evidence.requests if is_deactivation(r) and r["effect"] == "done" and r.get("user_id") == user["id"]]
        if number > len(carried_out):
            problems.append(f"{employee}: user {user['id']} was deactivated {number} times, by {len(carried_out)} requests")
        bearers = {employee} | {change.value["replaces"] for change in evidence.changes.get(employee, ())
                                if change.value.get("replaces")}
        published = sum(change.gone for bearer in bearers for change in evidence.changes.get(bearer, ()))
        if any(bearer in evidence.forgotten for bearer in bearers) or "topic" in evidence.excused:
            continue
        # One more than was published is right where a process of another lane brought the person back by a state that it took for the newest.
        if published and number > published and any(_is_employed(evidence, employee, request["when"]) for request in carried_out):
            problems.append(f"{employee}: user {user['id']} was deactivated {number} times, and {published} were published")
        if not published:
            problems.append(f"{employee}: user {user['id']} lost {user['tasksDestroyed']} tasks by {number} deactivations, "
                            f"and nobody ever published that they are gone")
    return problems
