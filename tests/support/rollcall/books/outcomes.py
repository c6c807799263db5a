"""I5 and I7: every event comes to its outcome, nothing that was parked is lost, and only what was refused for good is a dead letter."""

import re
from collections import Counter, defaultdict

from rollcall.topics import EVENT_TYPES

DEAD_REASONS = {"REJECTED", "IDENTITY_CONFLICT", "POISON"}
# docs/design.md, "Outcomes": only these answers refuse a record for good.
REJECTING = {400, 406, 410, 413, 414, 422, 431}


def ledger(topics, application="learnamp", integration=None):
    """I5: every event has an outcome, but for who was forgotten since: that erases them."""
    problems, rows = [], topics.ledger(application)
    erased_at = {record.key: record.timestamp for record in topics.records["employee.snapshot"] if record.raw is None}
    newest = {}
    for event_type, record in topics.events(integration):
        at = event_type, record.key
        newest[at] = max(newest.get(at, (0, 0)), (record.value["metadata"]["version"], record.timestamp))
    for (event_type, key), (version, timestamp) in newest.items():
        row = rows.get(f"{event_type}:{key}")
        if row is None and timestamp <= erased_at.get(key, 0):
            continue
        if row is None:
            problems.append(f"{event_type} {key}: no outcome")
        elif row["version"] < version:
            problems.append(f"{event_type} {key}: the outcome is of version {row['version']}, the event's is {version}")
        elif row["outcome"] in ("PARKED", "DEAD"):
            problems.append(f"{event_type} {key}: {row['outcome']} {row['reason']}")
    return problems


def outcomes(evidence):
    """I5: an offset is committed only with the record's outcome: what a lane has put behind it is in its ledger, or lies parked."""
    if "ledger" in evidence.excused:
        return []
    topics = evidence.topics
    origins = {parked.origin for parked in evidence.parked}
    best = {at: max(row.value["version"] for row in rows) for at, rows in evidence.ledger.items()}
    problems = []
    for lane in EVENT_TYPES:
        for record in topics.records[f"employee.{lane}"]:
            if record.raw is None or not record.key.startswith(evidence.integration.id + "/") or not evidence.done(lane, record):
                continue
            if f"{topics.prefix}{record.topic}/{record.partition}/{record.offset}" in origins:
                continue
            if record.value is None:
                problems.append(f"{record}: nobody can read it, and it is no dead letter")
                continue
            version = record.value["metadata"]["version"]
            there = best.get((lane, record.value["metadata"]["employee_id"]))
            if there is None or there < version:
                problems.append(f"{record}: the lane {lane} has put version {version} behind it, and its ledger says {there or 'nothing'}")
    return problems


def successors(evidence):
    """I5: nothing that was parked is lost: it was parked once more, became a dead letter, or was finished."""
    if "ledger" in evidence.excused:
        return []
    finished = defaultdict(int)
    for at, rows in evidence.ledger.items():
        finished[at] = max([row.value["version"] for row in rows if row.value["outcome"] not in ("PARKED", "DEAD")], default=0)
    copies = defaultdict(list)
    for parked in evidence.parked:
        copies[parked.same].append(parked)
    problems = []
    for parked in evidence.parked:
        if parked.dead or not evidence.done(parked.lane, parked.record):
            continue
        employee = parked.record.key.rpartition("/")[2]
        later = any(other.failed_at > parked.failed_at and other.record is not parked.record for other in copies[parked.same])
        if not later and (parked.version is None or finished[parked.lane, employee] < parked.version):
            problems.append(f"{parked}: version {parked.version} was put behind, and neither parked again nor finished")
    return problems


def parked_once(evidence):
    """I1, I5: what is parked is parked once: no copy was committed twice."""
    found = Counter((parked.record.topic, parked.lane, parked.same, parked.failed_at, parked.record.headers.get("rollcall_attempt"))
                    for parked in evidence.parked if parked.dead or parked.reason not in DEAD_REASONS | {"REPAIR"})
    return [f"{topic}: {same} of the lane {lane} was parked {number} times at {at}" for (topic, lane, same, at, _), number in found.items()
            if number > 1]


# --- dead letters ----------------------------------------------------------------------------------------------------

def dead_letters(topics, application="learnamp", sown=(), settled=(), excused=()):
    """I6, I7: the dead letters are exactly the poison that was sown (topic/partition/offset without the prefix), once each; without any,
    there is none. `settled`: words with which Learn Amp refused records for a while; an operator tried them once more, and the ledger says
    what became of them."""
    sown = {topics.prefix + place for place in sown}
    letters = topics.records[f"{application}.dlq"]
    found = Counter(record.headers.get("rollcall_origin") for record in letters)
    problems = [f"{record}: {record.headers.get('rollcall_reason')} {record.headers.get('rollcall_message')}" for record in letters
                if record.headers.get("rollcall_origin") not in sown and record.headers.get("rollcall_message") not in settled]
    again = "again" in excused
    return problems + [f"{place}: the poison is {found[place]} times a dead letter" for place in sorted(sown)
                       if not found[place] or (found[place] > 1 and not again)]


def refused(evidence):
    """I7: whoever is a dead letter was refused by Learn Amp itself, by an answer that means this very record."""
    answers, taken = defaultdict(set), set()
    # A request that was refused before the service looked at it names the user only.
    owners = {str(request["user_id"]): request["employee"] for request in evidence.requests if request.get("user_id") and request.get("employee")}
    for request in evidence.requests:
        user = re.match(r"/v1/users/(\d+)", request["target"])
        employee = request.get("employee") or (user and owners.get(user[1]))
        if request["method"] != "GET" and employee:
            answers[employee].add(request["status"])
    for employee, statuses in answers.items():
        if statuses & {400, 409, 422}:
            taken.add(employee)
    problems = []
    for letter in evidence.parked:
        employee = letter.record.key.rpartition("/")[2]
        if not letter.dead:
            continue
        if letter.reason not in DEAD_REASONS:
            problems.append(f"{letter}: {letter.reason} is no reason for a dead letter")
        elif letter.reason == "POISON" and letter.version is not None:
            problems.append(f"{letter}: POISON, and it can be read")
        elif letter.reason == "REJECTED" and not answers[employee] & REJECTING:
            problems.append(f"{letter}: REJECTED, and Learn Amp answered nothing but {sorted(answers[employee])} to this person's writes")
        elif letter.reason == "IDENTITY_CONFLICT" and employee not in taken:
            problems.append(f"{letter}: IDENTITY_CONFLICT, and Learn Amp answered nothing but {sorted(answers[employee])} to this person's writes")
    return problems
