"""I1 within the topics: every change once, chained, with its differences told right. Each function returns what is wrong, as a list
of texts."""

import uuid
from collections import Counter, defaultdict

from rollcall.books.hr import same_text
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


def erased(topics):
    """Keys whose snapshot was erased: forgotten people, whose chain begins anew."""
    return {record.key for record in topics.records["employee.snapshot"] if record.raw is None}


def chain(topics, integration=None, excused=()):
    """I1: every version once per type, each chained to the one before, without a gap."""
    found, problems = by_employee(topics, integration)
    forgotten = erased(topics)
    for key, versions in found.items():
        before = None
        for version in sorted(versions):
            types = versions[version]
            for event_type, value in types.items():
                previous = value["metadata"]["previous_version"]
                if previous != before and not (previous is None and key in forgotten) and "topic" not in excused:
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


def unreadable(topics, sown=()):
    """Every record of the topics that only Rollcall writes can be decoded. `sown`: topic/partition/offset of a test's own poison."""
    sown = {topics.prefix + place for place in sown}

    def is_sown(record):
        return f"{topics.prefix}{record.topic}/{record.partition}/{record.offset}" in sown or record.headers.get("rollcall_origin") in sown
    return [f"{record}: {record.problem}" for records in topics.records.values() for record in records
            if record.problem and not is_sown(record)]


def snapshots(topics, integration=None, excused=()):
    """I1: event and snapshot are published together: every snapshot has its events and says the same, and the newest event its snapshot."""
    problems, seen = [], set()
    found, _ = by_employee(topics, integration)
    for record in topics.records["employee.snapshot"]:
        row = record.value
        if row is None or (integration and row["integration_id"] != integration):
            continue
        events = found.get(record.key, {}).get(row["version"])
        if not events:
            problems += [f"{record}: a snapshot {row['version']} without any event"] if "topic" not in excused else []
            continue
        if (record.key, row["version"]) in seen:
            problems.append(f"{record}: the snapshot of version {row['version']} once more")
        seen.add((record.key, row["version"]))
        presence = "GONE" if "deactivated" in events else "EMPLOYED"
        if row["presence"] != presence:
            problems.append(f"{record}: {row['presence']}, and the events of version {row['version']} say {presence}")
        for event_type, value in events.items():
            if value["employee"] != row["employee"]:
                problems.append(f"{record}: {event_type} {row['version']} and the snapshot differ: {value['employee']} {row['employee']}")
            if value["metadata"]["previous_version"] != row["previous_version"]:
                problems.append(f"{record}: follows {row['previous_version']}, and its {event_type} {value['metadata']['previous_version']}")
    rows, forgotten = topics.snapshots(), erased(topics)
    for key, versions in found.items():
        newest = max(versions)
        if key not in rows:
            problems += [f"{key}: events up to {newest}, and no snapshot"] if key not in forgotten else []
        elif rows[key]["version"] != newest and "topic" not in excused:
            problems.append(f"{key}: the newest snapshot is {rows[key]['version']}, the newest events are {newest}")
    return problems


# --- what an event says changed --------------------------------------------------------------------------------------

FIELDS = ("email", "first_name", "last_name", "job_title", "avatar", "manager_email", "language", "status", "hire_date", "leave_date",
          "primary_location")


def _text(state, name):
    """A field as changed_fields writes it."""
    if name.startswith("custom:"):
        return next((entry["value"] for entry in state["custom"] if f"custom:{entry['name']}" == name), None)
    value = state[name]
    if name == "primary_location":
        return value and value["name"]
    return str(value) if value is not None else None


def _differing(before, now):
    found = set()
    for name in FIELDS:
        if name == "primary_location":
            different = (before[name] or {"id": None, "name": None}) != (now[name] or {"id": None, "name": None})
        elif isinstance(before[name], str) or isinstance(now[name], str):
            different = not same_text(name, before[name], now[name])
        else:
            different = before[name] != now[name]
        if different:
            found.add(name)
    custom = {entry["name"] for state in (before, now) for entry in state["custom"]}
    return found | {f"custom:{name}" for name in custom if _text(before, f"custom:{name}") != _text(now, f"custom:{name}")}


def _wrong_profile(value, before, now):
    listed = {change["name"]: change["previous"] for change in value["changed_fields"]}
    differing = _differing(before, now)
    if not differing:
        yield "profile-updated without a difference"
    elif set(listed) != differing:
        yield f"changed_fields are {sorted(listed)}, and what changed is {sorted(differing)}"
    for name in set(listed) & differing:
        if listed[name] != _text(before, name):
            yield f"{name} was {listed[name]!r} before, and what was published before is {_text(before, name)!r}"


def _wrong_team(value, before, now):
    if value["previous_team"] != before["primary_team"]:
        yield f"previous_team is {value['previous_team']}, and what was published before is {before['primary_team']}"
    if value["new_team"] != now["primary_team"]:
        yield f"new_team is {value['new_team']}, and the state says {now['primary_team']}"
    if _teams(before) == _teams(now):
        yield "team-changed without a difference"


def _teams(state):
    return state["primary_team"], state["secondary_teams"]


def _wrong_change(change, before):
    """Of a change and the one before it (None: none, or forgotten)."""
    records, state = change.records, change.state
    if any(record.value["employee"] != state for record in records.values()):
        yield "its events have different states"
    if "created" in records:
        if change.resync:
            if before is None or before.gone or before.state != state:
                yield "RESYNC, and not what was published before"
        elif change.reason in ("NEW_HIRE", "INITIAL_IMPORT"):
            if before is not None:
                yield f"{change.reason}, and they were published before"
        elif before is None and not records["created"].value["replaces"] or before and not before.gone:
            yield f"{change.reason}, and they were not gone"
        return
    if before is None:
        yield "the first of somebody, and not created"
    elif change.gone:
        if before.gone != change.resync:
            yield f"{change.reason}, and they were {'gone' if before.gone else 'employed'} before"
        if change.resync and before.state != state:
            yield "RESYNC, and not what was published before"
    elif before.gone:
        yield "a change of somebody who is gone"
    else:
        if "profile-updated" in records:
            yield from _wrong_profile(records["profile-updated"].value, before.state, state)
        elif _differing(before.state, state):
            yield f"{sorted(_differing(before.state, state))} changed, and no profile-updated says so"
        if "team-changed" in records:
            yield from _wrong_team(records["team-changed"].value, before.state, state)
        elif _teams(before.state) != _teams(state):
            yield "the teams changed, and no team-changed says so"


def differences(evidence):
    """I1: every event tells a difference, and tells it right: who was there before, what changed, and what it was."""
    problems = []
    if "topic" in evidence.excused:
        return problems
    for employee, changes in evidence.changes.items():
        before = None
        for change in changes:
            if before and any(before.at <= at <= change.at for at in evidence.forgotten.get(employee, ())):
                before = None
            problems += [f"{change}: {wrong}" for wrong in _wrong_change(change, before)]
            before = change
    return problems


def counts(topics, integration=None):
    """{type: number of events}"""
    found = Counter(event_type for event_type, _ in topics.events(integration))
    return {event_type: found[event_type] for event_type in EVENT_TYPES}
