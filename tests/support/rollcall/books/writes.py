"""I4 and I6: what was written at Learn Amp, in which order, and what stands there in the end."""

import json
import urllib.parse
from collections import Counter, defaultdict

from rollcall.books.events import by_employee
from rollcall.books.hr import DEFAULT_MAPPING, same_text


def equality(integration, **query):
    """I6: Learn Amp equals HR."""
    result = integration.compare(**query)
    shown = result["differences"]
    # HR's white space is not sent.
    problems = [f"{d['employee']} {d['field']}: HR {d.get('hr')!r}, Learn Amp {d.get('learnamp')!r}" for d in shown
                if (d.get("hr") or "").strip() != (d.get("learnamp") or "")]
    if result["difference_count"] > len(shown):
        problems.append(f"{result['difference_count'] - len(shown)} more")
    problems += [f"user {user} bears an id that is no employee's" for user in result["strangers"]]
    return problems


def duplicates(integration):
    """Nobody, and no team, is there twice."""
    problems = []
    for what, names in (("team", [t["name"] for t in integration.teams()]),
                        ("user with address", [u["email"].lower() for u in integration.users() if u["email"]])):
        problems += [f"{number} times {what} {name}" for name, number in Counter(names).items() if number > 1]
    return problems


def deactivations(topics, integration):
    """I3: a user was deactivated only if an event said that the person has left."""
    gone = {record.value["metadata"]["employee_id"] for event_type, record in topics.events(integration.id)
            if event_type == "deactivated"}
    # The same person under a new id, at the same user.
    gone |= {record.value["metadata"]["employee_id"] for event_type, record in topics.events(integration.id)
             if event_type == "created" and record.value["replaces"] in gone}
    return [f"user {user['id']} of {user['integrationExternalId']} was deactivated {user['deactivations']} times, and no event says why"
            for user in integration.users() if user["deactivations"] and user["integrationExternalId"] not in gone]


# --- I4 -------------------------------------------------------------------------------------------------------------

FIELDS = {"email": "email", "firstName": "first_name", "lastName": "last_name", "jobTitle": "job_title", "hireDate": "hire_date"}
TEAM = "primaryTeamIntegrationExternalId"


def body_of(request):
    text = request.get("body") or ""
    try:
        return json.loads(text)
    except ValueError:
        return {name: values[-1] for name, values in urllib.parse.parse_qs(text, keep_blank_values=True).items()}


def _shown(state, field):
    if field == "primary_location":
        return (state[field] or {}).get("name") or None
    return str(state[field]) if state[field] is not None else None


def _fits(body, state):
    if any(parameter in body and (body[parameter] or None) != (_shown(state, field) or None) for parameter, field in FIELDS.items()):
        return False
    if TEAM in body:
        return bool(state["primary_team"]) and body[TEAM] == state["primary_team"]["id"]
    return True


def order(topics, integration, aside=""):
    """I4 with all lanes in one process: no older state was written over a newer one. Each write is taken for the
    oldest published state that it can be, if that is not older than the write before it. Writes count in the order
    in which they came: how late an effect is depends on the machine, and whether it was mended shows in the end (newest).
    `aside`: policy.swap_address, at which one of two who swap waits."""
    problems = []
    found, _ = by_employee(topics, integration.id)
    writes = defaultdict(list)
    for request in integration.writes():
        if request.get("employee") and request["effect"] != "none" and request["method"] != "LATE":
            writes[request["employee"]].append(request)
    for employee, requests in writes.items():
        versions = found.get(f"{integration.id}/{employee}", {})
        states = [(version, next(iter(versions[version].items()))) for version in sorted(versions)]
        at = 0
        for request in requests:
            action = _action(request)
            if action is None or (aside and body_of(request).get("email") == aside.replace("{id}", employee)):
                continue
            fitting = [index for index, (_, (event_type, value)) in enumerate(states)
                       if _is_of(action, event_type) and (action != "write" or _fits(body_of(request), value["employee"]))]
            later = [index for index in fitting if index >= at]
            if later:
                at = later[0]
            elif fitting:
                problems.append(f"{employee}: request {request['number']} ({request['method']} {request['target']}) wrote "
                                f"version {states[fitting[-1]][0]} after {states[at][0]}")
            else:
                problems.append(f"{employee}: request {request['number']} ({request['method']} {request['target']} "
                                f"{request.get('body')}) is no state that was published")
    return problems


def _action(request):
    if request["target"].endswith("/deactivate"):
        return "deactivate"
    if request["target"].endswith("/reactivate"):
        return None
    body = body_of(request)
    return "write" if set(body) & (set(FIELDS) | {TEAM}) else None


def _is_of(action, event_type):
    return (action == "deactivate") == (event_type == "deactivated")


# --- what stands there in the end ------------------------------------------------------------------------------------

SHOWN = {**FIELDS, "location": "primary_location"}


def _unfinished(evidence, employee):
    """Why Learn Amp may differ for this person; None: it may not."""
    for lane in ("created", "profile-updated", "team-changed", "deactivated"):
        rows = evidence.ledger.get((lane, employee))
        if rows and rows[-1].value["outcome"] in ("PARKED", "DEAD"):
            return f"{lane} {rows[-1].value['outcome']} {rows[-1].value['reason']}"
    return None


def waiting(evidence):
    """{employee: why} of whom I6 excepts: their change waits, is parked, or is a dead letter."""
    found = {employee: f"pending {','.join(row['reasons'])}" for employee, row in evidence.pending.items()}
    for employee in evidence.snapshots:
        why = _unfinished(evidence, employee)
        if why:
            found[employee] = why
    return found


def _differing(row, user, mapped):
    state = row["employee"]
    for parameter, field in SHOWN.items():
        target = parameter
        if _shown(state, field) is None and target not in mapped:
            continue  # what is mapped no more clears nothing
        if not same_text(field, _shown(state, field), user.get(parameter)):
            yield f"{parameter} is {user.get(parameter)!r}, and published is {_shown(state, field)!r}"
    team, there = state["primary_team"], user["primaryTeam"]
    if (team or {}).get("id") != (there or {}).get("integrationExternalId"):
        yield f"the primary team is {there and there['integrationExternalId']}, and published is {team and team['id']}"


def _manager(evidence, employee, row, user, active):
    """Who has a manager whom Learn Amp knows is not left without one, unless the last tier was over before it did (I6). Another manager than
    the published one is not judged: an address that moved from one person to another named somebody else when it was written."""
    wanted = row["employee"].get("manager_email")
    without = any(rows and rows[-1].value["outcome"] == "WITHOUT_MANAGER"
                  for rows in (evidence.ledger.get((lane, employee)) for lane in ("created", "profile-updated", "deactivated")))
    if not wanted or without or wanted.lower() not in active or user.get("manager"):
        return []
    return [f"{employee}: user {user['id']}: the manager is nobody, and published is {wanted}"]


def newest(evidence):
    """I4: Learn Amp stays at no older state: everybody is there as the newest snapshot says, but who is parked or a dead letter."""
    by_id = {user["integrationExternalId"]: user for user in evidence.users if user["integrationExternalId"]}
    mapped = evidence.section.get("mapping") or DEFAULT_MAPPING
    addresses = {user["email"].lower() for user in evidence.users if user["statusValue"] != "deactivated" and user["email"]}
    problems = []
    for employee, row in evidence.snapshots.items():
        user = by_id.get(employee)
        if _unfinished(evidence, employee):
            continue
        active = user is not None and user["statusValue"] != "deactivated"
        if row["presence"] == "GONE":
            problems += [f"{employee}: gone as published, and user {user['id']} is active"] if active else []
        elif not active:
            problems.append(f"{employee}: employed as published, and {'deactivated' if user else 'not there'} at Learn Amp")
        else:
            problems += [f"{employee}: user {user['id']}: {wrong}" for wrong in _differing(row, user, mapped)]
            problems += _manager(evidence, employee, row, user, addresses) if "managerEmail" in mapped else []
    return problems


BY_ID = "/by_integration_external_id/"


def identity(evidence):
    """I6: nobody's user becomes somebody else's, but that of a former employee id of the same person."""
    bears, problems = {}, []
    for request in evidence.requests:
        user = request.get("user_id")
        if not user or request["effect"] != "done":
            continue
        if BY_ID in request["target"]:
            bears.setdefault(user, urllib.parse.unquote(request["target"].split(BY_ID)[1].split("?")[0].split("/")[0]))
        new = body_of(request).get("integrationExternalId") if request["method"] != "GET" else None
        if not new:
            continue
        old = bears.get(user, new)
        former = {change.value.get("replaces") for change in evidence.changes.get(new, ()) if "created" in change.records}
        if old != new and old not in former:
            problems.append(f"request {request['number']} ({request['method']} {request['target']}) made the user of {old} that of {new}")
        bears[user] = new
    return problems


def equal(evidence, **query):
    """I6: Learn Amp equals HR for everybody who is not excepted."""
    excepted = waiting(evidence)
    return [problem for problem in equality(evidence.integration, **query) if problem.split(" ", 1)[0] not in excepted]
