"""What has to meet for a rule to matter, brought together: a few people to whom several things happen within a second or two. Each kind
says which interleaving it is after; which rule forbids its harm is in docs/architecture.md."""

import time
from pathlib import Path

from rollcall.chaos.faults import Fault
from rollcall.chaos.faults.operators import Typed, people_at, pick
from rollcall.process import BIN
from rollcall.sandbox import Refused

LOOK_S = 0.02
SESSION_S = 3  # run.py


class Narrow(Fault):
    """Waits, in the storm, for the moment at which the next thing has to happen."""

    share = 0.2

    def __init__(self):
        self.numbers = []

    def fault(self, run, *arguments, **more):
        number = run.world.sandbox.fault(*arguments, **{"next": 1, **more})
        self.numbers.append(number)
        return number

    def when(self, run, condition, then, *arguments):
        if condition():
            then(run, *arguments)
        elif run.agenda.now < run.length:
            run.agenda.after(LOOK_S, self.when, run, condition, then, *arguments)

    def when_hit(self, run, number, then, *arguments):
        self.when(run, lambda: run.world.sandbox.hits(number) > 0, then, *arguments)

    def end(self, run, *arguments):
        for number in self.numbers:
            run.world.sandbox.clear(number)
        self.numbers = []


def update(run, integration, employee, **fields):
    """HR says it, unless somebody else has let the record vanish meanwhile."""
    try:
        integration.change("update", employee, **fields)
    except Refused:
        return
    run.history.counts["title"] += 1


def lane_of(run, lane):
    """Names of the consumers that have it."""
    return [name for name, lanes in run.shape.consumers.items() if lanes is None or lane in lanes]


def alone(run, *lanes):
    """The consumer that has the first of these lanes, when it has none of the others; else None."""
    for name, has in run.shape.consumers.items():
        if has and lanes[0] in has and not set(has) & set(lanes[1:]):
            return name
    return None


class LateThenChanged(Narrow):
    """A write without an answer takes effect when a newer state was written; with the consumer killed between the two, or not."""

    name = "late effect before a change"

    def plan(self, chance, run):
        run.kombo["poll_interval"] = "300ms"  # the change has to come before the effect
        return [(chance.uniform(0.02, 0.6) * run.length, 4, (chance.choice(run.integrations), chance.randrange(2**31), chance.random() < 0.5))
                for _ in range(chance.randint(1, 3))]

    def begin(self, run, slug, seed, killed):
        integration = run.world[slug]
        for employee in pick(seed, people_at(integration)):
            number = self.fault(run, "late", "learnamp", integration, delay_ms=1400,
                                match={"method": "P*", "path": "/v1/users*", "contains": employee})
            update(run, integration, employee, job_title=f"Before {seed % 1000}")
            self.when_hit(run, number, self._go_on, integration, employee, seed, killed)

    def _go_on(self, run, integration, employee, seed, killed):
        update(run, integration, employee, job_title=f"After {seed % 1000}")
        run.note(self.name)
        for name in lane_of(run, "profile-updated") if killed else ():
            if run.take(name):
                run.programs[name].kill()
                run.kills += 1
                run.programs[name].start()
                run.release(name)


class Slowed(Narrow):
    """One consumer whose tables lag from a moment on."""

    def prepare(self, run, name, then):
        program = run.programs[name]
        program.kill()
        run.kills += 1
        program.start({"LD_PRELOAD": str(BIN / "fault" / "slow.so"), "RC_SLOW_MS": "6000", "RC_SLOW_WHILE": str(self._while(run))})
        self.when(run, lambda: program.address() and program.ready() is True, then)

    def _while(self, run):
        return run.world.folder / f"slow-{type(self).__name__}"

    def slow(self, run):
        self._while(run).touch()

    def when_parked(self, run, name, employee, attempt, then, *arguments):
        def parked():
            return any("record parked" in line and employee in line and f"attempt={attempt}" in line
                       for line in run.programs[name].text().splitlines())
        self.when(run, parked, then, *arguments)

    def end(self, run, *arguments):
        super().end(run)
        self._while(run).unlink(missing_ok=True)

    def takes(self, name, *_):
        return (name,)


class LeaverReturns(Slowed):
    """A deactivation whose answer was lost is tried again when the person is back, by a consumer that does not know it yet (S3)."""

    name = "back before the deactivation's answer"
    share = 0.3

    def plan(self, chance, run):
        name = alone(run, "deactivated", "created")
        at, slug, seed = chance.uniform(0.02, 0.2) * run.length, chance.choice(run.integrations), chance.randrange(2**31)
        return [(at, run.length, (name, slug, seed))] if name else []

    def begin(self, run, name, slug, seed):
        self.prepare(run, name, lambda run: self._leave(run, name, run.world[slug], seed))

    def _leave(self, run, name, integration, seed):
        for employee in pick(seed, people_at(integration)):
            path = f"/v1/users/{integration.user(employee)['id']}/deactivate"
            self.fault(run, "drop", "learnamp", integration, effect=True, match={"path": path})
            integration.change("leave", employee)
            run.history.counts["leave"] += 1
            self.when_parked(run, name, employee, 1, self._return, integration, employee)

    def _return(self, run, integration, employee):
        self.slow(run)
        integration.change("rehire", employee)
        run.history.counts["rehire"] += 1
        run.note(self.name)


class NewcomerChanges(Slowed):
    """A creation whose answer was lost is tried again when another process has written a newer title, which it does not know yet (S4)."""

    name = "changed before the creation's answer"
    share = 0.3

    def plan(self, chance, run):
        name = alone(run, "created", "profile-updated")
        at, slug, seed = chance.uniform(0.02, 0.2) * run.length, chance.choice(run.integrations), chance.randrange(1000)
        return [(at, run.length, (name, slug, seed))] if name else []

    def begin(self, run, name, slug, seed):
        self.prepare(run, name, lambda run: self._hire(run, name, run.world[slug], seed))

    def _hire(self, run, name, integration, seed):
        employee = integration.change("hire", first_name="Nova", last_name=f"Newcomer {seed}", job_title="As hired")["employee"]
        run.history.counts["hire"] += 1
        self.fault(run, "drop", "learnamp", integration, effect=True, next=2, match={"method": "P*", "path": "/v1/users*", "contains": employee})
        self.when_parked(run, name, employee, 2, self._change, integration, employee)

    def _change(self, run, integration, employee):
        self.slow(run)
        update(run, integration, employee, job_title="As promoted")
        run.note(self.name)


class StopInside(Narrow):
    """A producer stands still when it has begun a transaction, another one takes over and publishes, and the first goes on."""

    name = "SIGSTOP inside a transaction"
    share = 0.2

    def plan(self, chance, run):
        name = chance.choice(list(run.shape.producers))
        self.heir = None if len(run.shape.producers) > 1 else "producer-heir"
        return [(chance.uniform(0.02, 0.1) * run.length, run.length, (name, f"begun:{chance.randint(2, 4)}"))]

    def takes(self, name, point):
        return (name,)

    def begin(self, run, name, point):
        program = run.programs[name]
        if self.heir:
            run.start(self.heir, "producer")
        program.kill()
        run.kills += 1
        program.start({"LD_PRELOAD": str(BIN / "fault" / "death.so"), "RC_STOP": point})
        self.when(run, lambda: is_stopped(program), self._stopped, program)

    def _stopped(self, run, program):
        run.note(self.name)
        run.tell(f"{program.name} stands still inside a transaction")
        run.agenda.after(SESSION_S + 2.5, self._continue, run, program)

    def _continue(self, run, program):
        if program.alive:
            program.resume()

    def end(self, run, name, point):
        super().end(run)
        self._continue(run, run.programs[name])
        if self.heir:
            run.agenda.after(1, run.dismiss, self.heir)


def is_stopped(program):
    try:
        return Path(f"/proc/{program.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False


class AddressHandedOn(Narrow):
    """Somebody new gets the address that another one had, and comes first to Learn Amp, where the other still bears it."""

    name = "an address handed on"
    share = 0  # by name only: tests/fault/mutants.py

    def plan(self, chance, run):
        return [(chance.uniform(0.02, 0.6) * run.length, 3, (chance.choice(run.integrations), chance.randrange(2**31)))]

    def begin(self, run, slug, seed):
        integration = run.world[slug]
        for employee in pick(seed, people_at(integration)):
            address = integration.employee(employee)["work_email"]
            self.numbers.append(run.world.sandbox.fault("status", "learnamp", integration, status=503, next=-1,
                                                        match={"method": "P*", "path": "/v1/users/*", "contains": employee}))
            integration.changes([{"op": "update", "employee": employee, "work_email": f"moved-{seed}@{address.rpartition('@')[2]}"},
                                 {"op": "hire", "first_name": "Heir", "last_name": f"Of Address {seed % 1000}", "work_email": address}])
            run.history.counts["email"] += 1
            run.history.counts["hire"] += 1
            run.note(self.name)


class ManagerLeaves(Narrow):
    """Somebody leaves whom others have as their manager, and the others change: nobody can set that manager any more."""

    name = "a manager leaves"
    share = 0  # by name only: tests/fault/mutants.py

    def plan(self, chance, run):
        return [(chance.uniform(0.02, 0.4) * run.length, run.length, (chance.choice(run.integrations), chance.randrange(2**31)))]

    def begin(self, run, slug, seed):
        integration = run.world[slug]
        there, reports = set(people_at(integration)), {}
        for person in integration.employees():
            manager = (person["manager"] or {}).get("id")
            if person["id"] in there and manager in there:
                reports.setdefault(manager, []).append(person["id"])
        for manager in pick(seed, sorted(reports)):
            integration.change("leave", manager)
            run.history.counts["leave"] += 1
            self.when(run, lambda: integration.user(manager)["statusValue"] == "deactivated", self._change, integration, reports[manager])

    def _change(self, run, integration, reports):
        for number, employee in enumerate(reports[:3]):
            update(run, integration, employee, job_title=f"Without a manager {number}")
        run.note(self.name)


class OnceStandsStill(Narrow):
    """No producer runs, and `once` polls in its place. It stands still when it has begun its transaction, a producer starts, takes over
    and publishes, and `once` goes on: not even as it was then is it a member of the group, which has given it no name of its own."""

    name = "once stands still inside its transaction"
    share = 0  # by name only: tests/fault/mutants.py

    def plan(self, chance, run):
        return [(0.02 * run.length, run.length, tuple(run.shape.producers))]

    def takes(self, *names):
        return names

    def begin(self, run, *names):
        for name in names:
            run.programs[name].kill()
            run.programs[name].expected = False
            run.kills += 1
        run.agenda.after(SESSION_S + 0.5, self._once, run, names)

    def _once(self, run, names):
        self.once = Typed(run, "producer", "once", "--instance", "by-hand", must=False,
                          environment={"LD_PRELOAD": str(BIN / "fault" / "death.so"), "RC_STOP": "begun:1"})
        for integration in run.world.integrations.values():
            for employee in people_at(integration)[:3]:
                update(run, integration, employee, job_title="While nobody looks")
        self.when(run, lambda: is_stopped(self.once), self._stopped, names)

    def _stopped(self, run, names):
        run.tell("once stands still inside its transaction")
        run.note(self.name)
        self._start(run, names)
        run.agenda.after(SESSION_S + 2, self._continue)

    @staticmethod
    def _start(run, names):
        for name in names:
            if not run.programs[name].alive:
                run.programs[name].start()

    def _continue(self):
        if self.once.alive:
            self.once.resume()

    def calm(self, run):
        self._start(run, run.shape.producers)
        self._continue()
        run.wait_for("once to end", self.once.has_ended, 60)


class LongOutage(Narrow):
    """Kombo is away for ten minutes by its own clock, and nobody is read in full for a long time: what changed meanwhile has to be asked
    for from before the outage."""

    name = "Kombo is away for ten minutes"
    share = 0  # by name only: tests/fault/mutants.py
    LENGTH_MS = 600000

    def plan(self, chance, run):
        # Its clock begins that far behind ours, so that the outage lasts a moment of the run.
        run.clock_ms = -self.LENGTH_MS
        run.kombo["full_sync_interval"] = "1h"
        self.changed = []  # (integration, employee)
        return [(chance.uniform(0.1, 0.5) * run.length, run.length, (chance.randrange(2**31),))]

    def begin(self, run, seed):
        away = [run.world.sandbox.fault("status", "kombo", run.world[slug], status=503, next=-1, match={"path": "/hris/*"})
                for slug in run.integrations]
        self.numbers += away
        for integration in run.world.integrations.values():
            for employee in pick(seed, people_at(integration), 2):
                update(run, integration, employee, job_title=f"During the outage {seed % 1000}")
                self.changed.append((integration, employee))
        self.when(run, lambda: all(run.world.sandbox.hits(number) for number in away), self._is_back, away)

    def calm(self, run):
        """What changed in the outage came without a full reading; then that is typed twice, for who has vanished is seen by nothing else."""
        def missed():
            shown = {person["id"]: person for integration in run.world.integrations.values() for person in integration.employees()}
            for integration, employee in self.changed:
                record, user = shown.get(employee), integration.user(employee)
                if record and user and user["statusValue"] != "deactivated" and user["jobTitle"] != (record["job_title"] or ""):
                    yield f"{employee}: HR says {record['job_title']!r}, Learn Amp {user['jobTitle']!r}"
        run.wait_for("what changed in the outage to arrive", lambda: list(missed()), 30)
        for _ in range(2):
            command = Typed(run, "producer", "once", "--full")
            run.wait_for(f"{command.words} to end", command.has_ended, 60)
            time.sleep(1.1)  # absence_grace

    def _is_back(self, run, away):
        # A moment for what the polls made of it.
        run.agenda.after(0.5, self._later, run, away)

    def _later(self, run, away):
        run.world.sandbox.call("PUT", "clock", {"advance_ms": self.LENGTH_MS})
        for number in away:
            if number in self.numbers:
                self.numbers.remove(number)
                run.world.sandbox.clear(number)
        run.note(self.name)


KINDS = [LateThenChanged, LeaverReturns, NewcomerChanges, StopInside, OnceStandsStill, AddressHandedOn, ManagerLeaves, LongOutage]
