"""The story of one employee by time: what HR did, what was published, what each lane made of it, what was asked of Learn Amp, and
the faults of the run between them. It is what a person reads to find a defect."""

import contextlib
from dataclasses import dataclass

from rollcall.books.evidence import Evidence, clock, milliseconds
from rollcall.books.writes import body_of
from rollcall.topics import Topics

HR_FIELDS = ("employment_status", "work_email", "first_name", "last_name", "job_title", "start_date", "termination_date", "manager", "location",
             "groups", "deleted", "vanished")
LONGEST = 240  # characters of a line


@dataclass
class Line:
    at: float  # milliseconds
    who: str
    what: str


def concerned(problems, evidence):
    """The employees whom these texts name, most often named first."""
    text = "\n".join(problems)
    known = set(evidence.people) | set(evidence.changes)
    return sorted((employee for employee in known if employee in text), key=lambda employee: (-text.count(employee), text.find(employee)))


# --- HR ---------------------------------------------------------------------------------------------------------------

def _named(evidence, name, value):
    """Units by their first names, as those who read them know them."""
    if name == "groups":
        return ", ".join(_named(evidence, "group", group) for group in value or ())
    return evidence.units[value][0]["name"] if value in evidence.units else value


def _hr(evidence, employee):
    before, units = {}, set()
    for state in evidence.people.get(employee, ()):
        units.update(state["groups"], [state.get("location")])
        was, now = ({name: _named(evidence, name, value.get(name)) if name in ("groups", "location") else value.get(name) for name in HR_FIELDS}
                    for value in (before, state))
        changed = [f"{name}: {was[name] or '–'} → {now[name] or '–'}" if before else f"{name}: {now[name]}"
                   for name in HR_FIELDS if was[name] != now[name] and (before or now[name])]
        yield Line(state["since"], "HR", "; ".join(changed) or "touched, nothing changed")
        before = state
    for unit in units:
        for naming in evidence.units.get(unit, ())[1:]:
            yield Line(naming["since"], "HR", f"{_named(evidence, 'group', unit)} is {'deleted' if naming['deleted'] else 'called ' + repr(naming['name'])}")


def _fetches(evidence, employee):
    """Those that a fault bent, and the last one before each change that was published: what it was made of."""
    lists = [fetch for fetch in evidence.fetches if fetch["target"].startswith("/hris/employees")]
    shown = {fetch["number"]: fetch for fetch in lists if fetch.get("fault") or fetch["status"] != 200 or fetch["answer"] != "whole"}
    for change in evidence.changes.get(employee, ()):
        before = [fetch for fetch in lists if fetch["when"] <= change.at]
        shown.update({fetch["number"]: fetch for fetch in before[-1:]})
    for fetch in shown.values():
        yield Line(fetch["when"], "Kombo", f"{fetch['target'].partition('?')[0]}?…{_filters(fetch)}: {fetch['status'] or 'no answer'}, "
                                           f"{fetch['answer']}{_fault(fetch)}")


def _filters(fetch):
    query = fetch["target"].partition("?")[2]
    return " ".join(part[:40] for part in query.split("&") if part.startswith(("updated_after", "ids", "cursor")))


def _fault(request):
    return f" (fault {request['fault']})" if request.get("fault") else ""


# --- Kafka ------------------------------------------------------------------------------------------------------------

def _place(record, application):
    return f"{record.topic.removeprefix(application + '.')}/{record.partition}/{record.offset}"


def _about(record, evidence, employee):
    return record.key.rpartition("/")[2] == employee and evidence.integration.id in record.key


def _event(record, value):
    metadata = value["metadata"]
    more = ""
    if "changed_fields" in value:
        state = value["employee"]
        more = ", ".join(f"{change['name']}: {change['previous']} → {state.get(change['name'], '…')}" for change in value["changed_fields"])
    elif "new_team" in value:
        more = f"{(value['previous_team'] or {}).get('name')} → {(value['new_team'] or {}).get('name')}"
    elif "reason" in value:
        more = value["reason"] + (f", replaces {value['replaces']}" if value.get("replaces") else "")
    return f"{record.topic.removeprefix('employee.')} {metadata['version']} after {metadata['previous_version']}: {more}"


def _published(record, value):
    if value is None:
        return "erased" if record.raw is None else f"unreadable: {record.problem}"
    if "metadata" in value:
        return _event(record, value)
    if record.topic == "employee.snapshot":
        return f"snapshot {value['version']} {value['presence']}: {value['employee']['job_title']}, {(value['employee']['primary_team'] or {}).get('name')}"
    if record.topic == "sync.pending":
        holds = ", ".join(hold["hold_id"] for hold in value["holds"])
        return f"pending: {', '.join(value['reasons'])}, would be {value['wanted']}{' in ' + holds if holds else ''}"
    return f"{record.key.partition(':')[0]} {value['version']} {value['outcome']}{': ' + value['reason'] if value['reason'] else ''}"


def _topics(records_of, evidence, employee, word):
    application = evidence.application
    for topic, records in records_of.items():
        if topic in ("schemas", "sync.state", "sync.commands"):
            continue
        for record in records:
            if not _about(record, evidence, employee):
                continue
            if topic.startswith(f"{application}.retry.") or topic == f"{application}.dlq":
                headers = record.headers
                what = (f"{headers.get('rollcall_lane')} {headers.get('rollcall_reason')} attempt {headers.get('rollcall_attempt')}"
                        f"{' unanswered' if headers.get('rollcall_unanswered') else ''}, not before {(headers.get('rollcall_not_before') or '–')[11:23]}: "
                        f"{headers.get('rollcall_message') or ''}")
                who = "letter" if topic.endswith(".dlq") else "parked"
            else:
                what = _published(record, record.value)
                who = "ledger" if topic == f"{application}.ledger" else "Kafka"
            yield Line(record.timestamp, who, f"{what}  [{_place(record, application)}{word}]")


def _orders(evidence):
    for record in evidence.commands:
        value = record.value
        yield Line(record.timestamp, "order", f"{value['kind']} {value['hold_id'] or ''} {value['employee_id'] or ''} (expires "
                                              f"{clock(milliseconds(value['expires_at']))})")


# --- Learn Amp --------------------------------------------------------------------------------------------------------

def _requests(evidence, employee):
    """Those about this person, and all that make and rename teams: whose member they are is not theirs alone."""
    users = {user["id"] for user in evidence.users if user["integrationExternalId"] == employee}
    for request in evidence.requests:
        about_teams = request["target"].startswith("/v1/teams") and request["method"] != "GET"
        if request.get("employee") != employee and request.get("user_id") not in users and not about_teams:
            continue
        body = {name: value for name, value in body_of(request).items() if name not in ("integrationExternalId",)} if request.get("body") else ""
        answered = request["status"] or "no answer"
        more = "" if request["answer"] == "whole" else f", the answer was {request['answer']}"
        effect = {"done": "", "none": ", no effect", "late": ", takes effect later"}[request["effect"]]
        target = request["target"].partition("?")[0].replace(employee, "*")
        yield Line(request["when"], "request", f"{request['number']} {request['method']} {target}: {answered}{more}{effect}{_fault(request)} "
                                               f"{body or ''}")


# --- all of it --------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def uncommitted(kafka, prefix, registry=""):
    """All records of the prefix, those of aborted transactions too."""
    topics = Topics(kafka, prefix, registry, isolation="read_uncommitted")
    try:
        yield topics.refresh()
    finally:
        topics.close()


def aborted_of(everything, topics):
    """{topic: [records that no reader of committed ones sees]}"""
    found = {}
    for topic, records in everything.records.items():
        seen = {(record.partition, record.offset) for record in topics.records.get(topic, ())}
        found[topic] = [record for record in records if (record.partition, record.offset) not in seen]
    return found


def lines(evidence, employee, told=(), aborted=None):
    """All that is known, by time. `told`: (moment, what) of the run's faults; `aborted`: aborted_of()."""
    found = [*_hr(evidence, employee), *_fetches(evidence, employee), *_topics(evidence.topics.records, evidence, employee, ""),
             *_topics(aborted or {}, evidence, employee, ", ABORTED"), *_orders(evidence), *_requests(evidence, employee),
             *(Line(at, "run", what) for at, what in told)]
    # What HR said from the beginning stands first; at one moment cause comes before effect.
    ranks = {who: number for number, who in enumerate(("run", "HR", "Kombo", "order", "Kafka", "request", "parked", "letter", "ledger"))}
    return sorted(found, key=lambda line: (line.at, ranks[line.who]))


def tell(evidence, employee, told=(), aborted=None, began=0):
    """The story as text. `began`: the moment from which seconds are counted."""
    text = [f"  --- the story of {employee} ({evidence.integration.id})"]
    for line in lines(evidence, employee, told, aborted):
        since = f"{(line.at - began) / 1000:+9.3f}" if line.at else "   before"
        text.append(f"    {clock(line.at) if line.at else '':12} {since} {line.who:<8}{line.what}"[:LONGEST])
    return "\n".join(text)


def print_stories(world, problems, told=(), began=0, most=2):
    """Of those whom the problems ({check: texts}) name most. `told`: moments in milliseconds."""
    texts = [text for found in problems.values() for text in found]
    sections = {section["id"]: section for section in world.configuration()["integrations"]}
    left = most
    aborted = None
    for integration in world.integrations.values():
        evidence = Evidence(world.topics, integration, world.application, sections[integration.id])
        for employee in concerned(texts, evidence)[:left]:
            if aborted is None:
                with uncommitted(world.kafka.address, world.prefix, world.kafka.registry) as everything:
                    aborted = aborted_of(everything, world.topics)
            print(tell(evidence, employee, told, aborted, began))
            left -= 1


