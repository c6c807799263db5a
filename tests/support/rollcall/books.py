"""What must hold between HR, the topics and Learn Amp. Each function returns what is wrong, as a list of texts."""

import json
import urllib.parse
import uuid
from collections import Counter, defaultdict

from rollcall.topics import EVENT_TYPES

# docs/events.md: of which ce_id is made.
NAMESPACE = uuid.UUID("6a33d476-1718-4da9-a8d8-7b5b62d281be")
ALONE = {"created", "deactivated"}


def by_employee(topics, integration=None):
    """{key: {version: {type: value}}}; what is there twice is in the second list."""
    found, twice = defaultdict(lambda: defaultdict(dict)), []
    for event_type, record in topics.events(integration):
        metadata = record.value["metadata"]
        versions = found[record.key][metadata["version"]]
        if event_type in versions:
            twice.append(f"{record}: {event_type} of version {metadata['version']} once more")
        versions[event_type] = record.value
    return found, twice


def chain(topics, integration=None):
    """I1: every version once per type, each chained to the one before, without a gap."""
    found, problems = by_employee(topics, integration)
    for key, versions in found.items():
        before = None
        for version in sorted(versions):
            types = versions[version]
            for event_type, value in types.items():
                previous = value["metadata"]["previous_version"]
                if previous != before:
                    problems.append(f"{key}: {event_type} {version} follows {previous}, and {before} was before it")
            if len(types) > 1 and ALONE & set(types):
                problems.append(f"{key}: version {version} has {sorted(types)}, and created or deactivated stand alone")
            before = version
    return problems


def identities(topics, integration=None):
    """Every event says in its headers what it says inside, and its id is the one that follows from what it is."""
    problems, seen = [], set()
    for event_type, record in topics.events(integration):
        metadata, headers = record.value["metadata"], record.headers
        key = f"{metadata['integration_id']}/{metadata['employee_id']}"
        expected = {
            "ce_specversion": "1.0",
            "ce_id": str(uuid.uuid5(NAMESPACE, f"{key}|{metadata['version']}|{event_type}")),
            "ce_source": f"/integrations/{metadata['integration_id']}",
            "ce_type": f"rollcall.employee.{event_type}",
            "ce_subject": metadata["employee_id"],
            "content-type": "application/avro",
        }
        for name, value in expected.items():
            if headers.get(name) != value:
                problems.append(f"{record}: header {name} is {headers.get(name)}, and not {value}")
        if metadata["event_id"] != expected["ce_id"]:
            problems.append(f"{record}: event_id is {metadata['event_id']}, and not {expected['ce_id']}")
        if "ce_time" not in headers:
            problems.append(f"{record}: no ce_time")
        if record.key != key:
            problems.append(f"{record}: the key is not {key}")
        if metadata["event_id"] in seen:
            problems.append(f"{record}: event_id {metadata['event_id']} once more")
        seen.add(metadata["event_id"])
    return problems


def unreadable(topics):
    """Every record of the topics that only Rollcall writes can be decoded."""
    return [f"{record}: {record.problem}" for records in topics.records.values() for record in records if record.problem]


def snapshots(topics, integration=None):
    """The newest snapshot of everybody is what their newest event says."""
    problems = []
    found, _ = by_employee(topics, integration)
    rows = {key: row for key, row in topics.snapshots().items() if not integration or row["integration_id"] == integration}
    for key, versions in found.items():
        newest = max(versions)
        row = rows.get(key)
        if row is None:
            problems.append(f"{key}: events up to {newest}, and no snapshot")
            continue
        presence = "GONE" if "deactivated" in versions[newest] else "EMPLOYED"
        if (row["version"], row["presence"]) != (newest, presence):
            problems.append(f"{key}: the snapshot is {row['version']} {row['presence']}, the events are {newest} {presence}")
        for event_type, value in versions[newest].items():
            if value["employee"] != row["employee"]:
                problems.append(f"{key}: {event_type} {newest} and the snapshot differ: {value['employee']} {row['employee']}")
    problems += [f"{key}: a snapshot {rows[key]['version']} without any event" for key in rows.keys() - found.keys()]
    return problems


def ledger(topics, application="learnamp", integration=None):
    """I5: every event has an outcome."""
    problems, rows = [], topics.ledger(application)
    newest = {}
    for event_type, record in topics.events(integration):
        version = record.value["metadata"]["version"]
        at = event_type, record.key
        newest[at] = max(newest.get(at, 0), version)
    for (event_type, key), version in newest.items():
        row = rows.get(f"{event_type}:{key}")
        if row is None:
            problems.append(f"{event_type} {key}: no outcome")
        elif row["version"] < version:
            problems.append(f"{event_type} {key}: the outcome is of version {row['version']}, the event's is {version}")
        elif row["outcome"] in ("PARKED", "DEAD"):
            problems.append(f"{event_type} {key}: {row['outcome']} {row['reason']}")
    return problems


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


def dead_letters(topics, application="learnamp"):
    """I7: nothing is in the dead-letter topic."""
    return [f"{record}: {record.headers.get('rollcall_reason')} {record.headers.get('rollcall_message')}"
            for record in topics.records[f"{application}.dlq"]]


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

FIELDS = {"email": "email", "firstName": "first_name", "lastName": "last_name", "jobTitle": "job_title"}


def body_of(request):
    text = request.get("body") or ""
    try:
        return json.loads(text)
    except ValueError:
        return {name: values[-1] for name, values in urllib.parse.parse_qs(text, keep_blank_values=True).items()}


def _fits(body, state):
    for parameter, name in FIELDS.items():
        if parameter in body and (body[parameter] or None) != (state[name] or None):
            return False
    team = state["primary_team"]
    if "primaryTeamIntegrationExternalId" in body:
        return bool(team) and body["primaryTeamIntegrationExternalId"] == team["id"]
    return True


def order(topics, integration):
    """I4 with all lanes in one process: no older state was written over a newer one. Each write is taken for the
    oldest published state that it can be, if that is not older than the write before it."""
    problems = []
    found, _ = by_employee(topics, integration.id)
    writes = defaultdict(list)
    for request in integration.writes():
        if request.get("employee") and request["effect"] != "none":
            writes[request["employee"]].append(request)
    for employee, requests in writes.items():
        versions = found.get(f"{integration.id}/{employee}", {})
        states = [(version, next(iter(versions[version].items()))) for version in sorted(versions)]
        at = 0
        for request in requests:
            action = _action(request)
            if action is None:
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
    return "write" if set(body) & (set(FIELDS) | {"primaryTeamIntegrationExternalId"}) else None


def _is_of(action, event_type):
    return (action == "deactivate") == (event_type == "deactivated")


def all_of(topics, integrations, application="learnamp", dates=None):
    """Everything above but I4's order, by name."""
    books = {
        "unreadable records": unreadable(topics),
        "chain of versions": chain(topics),
        "event ids and headers": identities(topics),
        "snapshots": snapshots(topics),
        "ledger": ledger(topics, application),
        "dead letters": dead_letters(topics, application),
    }
    for integration in integrations:
        query = {"date": dates[integration.slug]} if dates and integration.slug in dates else {}
        books[f"Learn Amp equals HR: {integration.slug}"] = equality(integration, **query)
        books[f"nobody twice: {integration.slug}"] = duplicates(integration)
        books[f"deactivations: {integration.slug}"] = deactivations(topics, integration)
    return books


def counts(topics, integration=None):
    """{type: number of events}"""
    found = Counter(event_type for event_type, _ in topics.events(integration))
    return {event_type: found[event_type] for event_type in EVENT_TYPES}
