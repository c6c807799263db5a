"""What a run left behind, read once and put in order, so that all checks judge the same facts. Moments are milliseconds
since 1970 by the machine's clock, where nothing else is said."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property

from rollcall.topics import EVENT_TYPES

# A transaction is over, or was given up, so long after its records were written (transaction.timeout.ms and some).
COMMIT_MS = 12000


def moment(text):
    """Of an RFC 3339 text; 0 for none: from the beginning."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000 if text else 0


def milliseconds(value):
    """fastavro gives timestamp-millis as datetime."""
    return value.timestamp() * 1000 if isinstance(value, datetime) else value


def clock(at):
    return datetime.fromtimestamp(at / 1000, timezone.utc).strftime("%H:%M:%S.%f")[:-3]


@dataclass
class Change:
    """All events of one version of one employee."""

    employee: str
    version: int
    records: dict = field(default_factory=dict)  # by type

    @cached_property
    def first(self):
        return next(iter(self.records.values()))

    @property
    def value(self):
        return self.first.value

    @property
    def state(self):
        return self.value["employee"]

    @property
    def gone(self):
        return "deactivated" in self.records

    @property
    def reason(self):
        return self.value.get("reason")

    @property
    def resync(self):
        return self.reason == "RESYNC"

    @property
    def at(self):
        """When it was written, by its producer's clock."""
        return min(record.timestamp for record in self.records.values())

    def __str__(self):
        return f"{self.employee} {'+'.join(self.records)} {self.version}"


@dataclass
class Parked:
    """A record in a retry topic, or a dead letter."""

    record: object
    lane: str
    reason: str
    origin: str  # topic/partition/offset
    id: str  # of the event; "": poison
    version: int | None
    failed_at: str

    @property
    def dead(self):
        return self.record.topic.endswith(".dlq")

    @property
    def same(self):
        """What all copies of one event share."""
        return self.id or self.origin

    def __str__(self):
        return f"{self.record} ({self.lane}, {self.reason})"


def parked_of(record):
    headers = record.headers
    metadata = (record.value or {}).get("metadata") or {}
    return Parked(record, headers.get("rollcall_lane") or "created", headers.get("rollcall_reason") or "",
                  headers.get("rollcall_origin") or "", headers.get("ce_id") or "", metadata.get("version"),
                  headers.get("rollcall_failed_at") or "")


class Evidence:
    """Of one integration. `section`: its part of the configuration. `seen`: {(topic, partition, offset): when a reader of committed
    records saw it}, of snapshots (rollcall.books.watch). `committed`: {lane: {(topic, partition): offset}}; left out, it is asked for. `excused`: what
    was done to the run that some check must take into account, one word each (rollcall.books.EXCUSES says which there are)."""

    def __init__(self, topics, integration, application="learnamp", section=None, seen=None, committed=None, excused=()):
        self.topics = topics
        self.integration = integration
        self.application = application
        self.section = section or {}
        self.policy = self.section.get("policy") or {}
        self.seen = seen or {}
        self.excused = frozenset(excused)
        self._committed = committed

    # --- Kafka ---

    @cached_property
    def changes(self):
        """{employee: [Change, …]}, by rising version."""
        found = defaultdict(dict)
        for event_type, record in self.topics.events(self.integration.id):
            metadata = record.value["metadata"]
            employee, version = metadata["employee_id"], metadata["version"]
            found[employee].setdefault(version, Change(employee, version)).records.setdefault(event_type, record)
        return {employee: [versions[version] for version in sorted(versions)] for employee, versions in found.items()}

    @cached_property
    def forgotten(self):
        """{employee: [moments at which the snapshot was erased]}"""
        found = defaultdict(list)
        for record in self.topics.records["employee.snapshot"]:
            if record.raw is None and record.key.startswith(self.integration.id + "/"):
                found[record.key.rpartition("/")[2]].append(record.timestamp)
        return found

    @cached_property
    def snapshots(self):
        return {row["employee_id"]: row for row in self.topics.snapshots().values() if row["integration_id"] == self.integration.id}

    @cached_property
    def pending(self):
        return {row["employee_id"]: row for row in self.topics.pending().values() if row["integration_id"] == self.integration.id}

    @cached_property
    def ledger(self):
        """{(lane, employee): [record, …]}, all that was ever written."""
        found = defaultdict(list)
        for record in self.topics.records[f"{self.application}.ledger"]:
            lane, _, key = record.key.partition(":")
            integration, _, employee = key.rpartition("/")
            if integration == self.integration.id and record.value is not None:
                found[lane, employee].append(record)
        return found

    @cached_property
    def parked(self):
        """What was parked and dead-lettered, by topic and offset; of records that cannot be read, those whose key names the integration."""
        topics = [topic for topic in self.topics.records
                  if topic.startswith(f"{self.application}.retry.") or topic == f"{self.application}.dlq"]
        return [parked_of(record) for topic in sorted(topics) for record in self.topics.records[topic]
                if record.key.startswith(self.integration.id + "/")]

    @cached_property
    def commands(self):
        return [record for record in self.topics.records["sync.commands"]
                if record.value is not None and record.value["integration_id"] == self.integration.id]

    @cached_property
    def committed(self):
        return self._committed or {lane: self.topics.committed(f"{self.application}.{lane}") for lane in EVENT_TYPES}

    def done(self, lane, record):
        """Whether the lane has put the record behind it."""
        return self.committed[lane].get((self.topics.prefix + record.topic, record.partition), -1) > record.offset

    @cached_property
    def _snapshot_places(self):
        return {(record.key, record.value["version"]): (record.topic, record.partition, record.offset)
                for record in self.topics.records["employee.snapshot"] if record.value is not None}

    def committed_by(self, change):
        """The moment by which everybody could read it: its snapshot is of the same transaction."""
        place = self._snapshot_places.get((change.first.key, change.version))
        return self.seen.get(place, change.at + COMMIT_MS)

    # --- the services ---

    @cached_property
    def people(self):
        """{employee: [state, …]} in the words of the sandbox's operations, with `since` as a moment."""
        found = {}
        for person in self._history["people"]:
            for state in person["states"]:
                state["since"] = moment(state.get("at"))
            found[person["employee"]] = person["states"]
        return found

    @cached_property
    def units(self):
        """{id: [naming, …]} of groups, locations and legal entities; each naming knows the unit's type."""
        found = {}
        for unit in self._history["units"]:
            for naming in unit["states"]:
                naming["since"], naming["type"] = moment(naming.get("at")), unit.get("type")
            found[unit["id"]] = unit["states"]
        return found

    @cached_property
    def _history(self):
        return self.integration.history()

    @cached_property
    def requests(self):
        """At Learn Amp, in the order in which it answered; each with `when`."""
        return self._booked("learnamp")

    @cached_property
    def fetches(self):
        return self._booked("kombo")

    def _booked(self, side):
        found = self.integration.requests(side)
        for request in found:
            request["when"] = moment(request.get("machine_at") or request["at"])
        return found

    @cached_property
    def users(self):
        return self.integration.users()
