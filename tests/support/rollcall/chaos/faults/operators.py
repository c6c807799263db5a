"""Operators at work in the middle of it: every command of both programs, typed while everything else goes on (docs/cli.md, docs/operations.md)."""

import json
import random
import subprocess
import time

from rollcall.chaos.faults import Fault, moments
from rollcall.process import BIN, Program
from rollcall.topics import EVENT_TYPES, Producer
from rollcall.waiting import PATIENCE, never

WAIT = "15s"  # of a command for Kafka and for an answer
TYPED_S = 90  # until a command has ended, whatever it says
LOOK_S = 0.3  # between two looks at what an operator waits for
# What waits for somebody, or differs, is told by the exit code 3.
MAY_FIND = {"status", "plan", "once", "audit"}
REFUSAL = "Validation failed: First name is not to our taste"
LIMIT = 2  # of the brake for deactivations, where holds are decided


class Typed(Program):
    """One command. It says what it did in one JSON document, or why it could not on standard error."""

    def __init__(self, run, kind, *arguments, must=True, environment=None):
        folder = run.world.folder / "typed"
        folder.mkdir(exist_ok=True)
        number = len(list(folder.iterdir()))
        self.words = f"rollcall-{kind} {' '.join(arguments)}"
        self.again = (kind, *arguments)
        self.must = must  # comes to a good end when it is typed again in the calm; else its subject may be gone
        self.out = folder / f"{number:03}.json"
        more = ["--wait", WAIT] if "--wait" not in arguments and arguments[0] not in ("status", "dlq", "trace", "check", "topics") else []
        super().__init__(f"command {number:03}", f"rollcall-{kind}", [*arguments, "--json", *more, "--config", str(run.world.config_file)],
                         folder / f"{number:03}.log", environment)
        self.run = run
        self.expected = False
        self.began = time.monotonic()
        with open(self.out, "wb") as out, open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=self.environment,
                                            start_new_session=True, cwd=folder)
        self.lives = 1
        run.world.programs.append(self)  # so that it ends with the world

    def has_ended(self):
        """Judges it once it has."""
        if self.alive:
            assert time.monotonic() - self.began < TYPED_S * PATIENCE, f"{self.words} does not end: {self.tail(4)}"
            return False
        if self in self.run.world.programs:
            self.run.world.programs.remove(self)
            self._judge()
        return True

    def _judge(self):
        code, printed, said = self.process.returncode, self.out.read_text(), self.text().strip()
        self.run.tell(f"{self.words}: exit code {code}{'; ' + said.splitlines()[-1][:160] if said and code else ''}")
        wanted = (0, 1, 3) if self.again[1] in MAY_FIND else (0, 1)
        if "--hold" in self.again:
            wanted += (2,)  # it ended by itself meanwhile, and there is another one
        assert code in wanted, f"{self.words}: {self.state()}, and docs/cli.md knows {wanted}: {said[-600:]}"
        self.document = None
        if printed:
            try:
                self.document = json.loads(printed)
            except ValueError:
                raise AssertionError(f"{self.words}: this is not one JSON document: {printed[:300]}") from None
        self.done = code not in (1, 2)
        assert not self.done or self.document is not None, f"{self.words}: exit code {code} without a document"
        assert self.done or said or self.document, f"{self.words} failed without a word"


class Operator(Fault):
    """A person at a terminal, who types one command after the other, and what failed once more when all is well again."""

    share = 0.35

    def __init__(self):
        self.waiting = []  # [(kind, arguments, must, then)]
        self.typing = None  # (command, then)
        self.failed = []
        self.looking = False

    def type(self, run, kind, *arguments, must=True, then=None):
        """`then` is called with the command when it was done; or with the one that was typed in its place in the calm."""
        self.waiting.append((kind, arguments, must, then))
        if not self.looking:
            self.looking = True
            run.agenda.after(0, self._look, run)

    def _look(self, run):
        self.looking = False
        self.work(run)
        if (self.typing or self.waiting) and run.agenda.now < run.length:
            self.looking = True
            run.agenda.after(0.05, self._look, run)

    def work(self, run):
        """One look at what is typed; true while there is more."""
        if self.typing:
            command, then = self.typing
            if not command.has_ended():
                return True
            self.typing = None
            if command.done:
                run.note(f"{self.name}: {' '.join(word for word in command.again[1:3] if not word.startswith('-') and ':' not in word)}")
                if then:
                    then(command)
            else:
                run.note(f"{self.name}: failed, and said why")
                self.failed.append((command, then))
        if not self.typing and self.waiting:
            kind, arguments, must, then = self.waiting.pop(0)
            self.typing = Typed(run, kind, *arguments, must=must), then
        return bool(self.typing or self.waiting)

    def now(self, run, kind, *arguments):
        """Types it in the calm, where it has to come to a good end; returns it."""
        def tried():
            command = Typed(run, kind, *arguments)
            run.wait_for(f"{command.words} to end", command.has_ended, TYPED_S)
            return command if command.done else [command.tail(3)]
        return run.wait_for(f"rollcall-{kind} {' '.join(arguments)} to do what it is for", tried, interval=0.5)

    def calm(self, run):
        run.wait_for(f"what was typed to end ({self.name})", lambda: not self.work(run), TYPED_S)
        for command, then in self.failed:
            if command.must:
                again = self.now(run, *command.again)
                if then:
                    then(again)


def people_at(integration, deactivated=False):
    """The employee ids of users at Learn Amp, in an order that a seed can choose from."""
    return sorted(user["integrationExternalId"] for user in integration.users()
                  if user["integrationExternalId"] and (user["statusValue"] == "deactivated") == deactivated)


def pick(seed, among, count=1):
    """Some of them, as a number drawn before the run decides."""
    return random.Random(seed).sample(among, min(count, len(among)))


class Looking(Operator):
    """What changes nothing: typed at any moment."""

    name = "commands that look"
    share = 0.4
    WHAT = (("producer", "status"), ("producer", "plan"), ("producer", "check"), ("producer", "topics"), ("consumer", "plan"),
            ("consumer", "audit"), ("consumer", "trace"), ("consumer", "dlq", "list"), ("consumer", "check"), ("consumer", "dlq", "replay"))

    def plan(self, chance, run):
        return [(at, 0, (chance.choice(self.WHAT), chance.choice(run.integrations), chance.randrange(2**31))) for at in moments(chance, run, 5)]

    def begin(self, run, what, slug, seed):
        integration = run.world[slug]
        kind, *words = what
        if words[0] == "trace":
            people = people_at(integration)
            words += ["--employee", pick(seed, people)[0] if people else "nobody"]
        if words[0] != "topics":
            words += ["--integration", integration.id]
        # Who was published may be forgotten, and a service may be away: then it says so.
        self.type(run, kind, *words, must=words[0] not in ("trace", "check"))


class Polling(Operator):
    name = "once"

    def plan(self, chance, run):
        return [(at, 0, (chance.choice(run.integrations), chance.random() < 0.5)) for at in moments(chance, run, 3)]

    def begin(self, run, slug, full):
        self.type(run, "producer", "once", "--integration", run.world[slug].id, *(["--full"] if full else []))


class Resync(Operator):
    name = "resync"

    def plan(self, chance, run):
        return [(at, 0, (chance.choice(run.integrations), chance.random() < 0.7, chance.randrange(2**31))) for at in moments(chance, run, 2)]

    def begin(self, run, slug, one, seed):
        integration = run.world[slug]
        people = people_at(integration)
        one = ["--employee", *pick(seed, people)] if one and people else []
        # Refused while creations are paused, and about somebody who was forgotten.
        self.type(run, "producer", "resync", "--integration", integration.id, *one, "--yes", must=False)


class Pause(Operator):
    """The stop button, for everything or for one type. In the calm it is looked at from outside: nothing is sent while it lasts."""

    name = "pause and resume"

    def plan(self, chance, run):
        self.looked_at = chance.choice(run.integrations) if chance.random() < 0.5 else None
        self.restarted = chance.random() < 0.5  # meanwhile, with tables that lag
        self.seed = chance.randrange(2**31)
        return [(at, chance.uniform(0.5, 4), (chance.choice(run.integrations), chance.choice((None, None, *EVENT_TYPES))))
                for at in moments(chance, run, 2)]

    def takes(self, slug, events):
        return (f"pause of {slug}",)

    def begin(self, run, slug, events):
        self.type(run, "producer", "pause", "--integration", run.world[slug].id, *(["--events", events] if events else []), must=False)

    def end(self, run, slug, events):
        self.type(run, "producer", "resume", "--integration", run.world[slug].id)

    def calm(self, run):
        super().calm(run)
        if self.looked_at:
            self._look_at_one(run, run.world[self.looked_at])
        for integration in run.world.integrations.values():
            # A pause whose answer was lost may have come after its resume.
            self.now(run, "producer", "resume", "--integration", integration.id)

    def _look_at_one(self, run, integration):
        self.now(run, "producer", "pause", "--integration", integration.id)
        wait_silent(run, integration)
        user = next((user for user in integration.users() if user["integrationExternalId"] in pick(self.seed, people_at(integration))), None)
        if user is None:
            return
        before = integration.last_request()
        # Somebody whom the consumers would write at once if they might.
        integration.change_user(user["id"], jobTitle="Changed by hand")
        self.now(run, "consumer", "audit", "--repair", "--integration", integration.id)
        late = restart_slowly(run, run.consumers()) if self.restarted else None
        never(f"a write at Learn Amp while {integration.id} is paused",
              lambda: [f"{r['method']} {r['target']} {r.get('body')}" for r in integration.writes(after=before)], 4 if self.restarted else 2.5)
        run.note(f"{self.name}: looked at")
        if late:
            late.unlink()


def restart_slowly(run, names):
    """Killed, and their tables lag until the file that is returned is removed (tests/fault/slow.c)."""
    late = run.world.folder / "slow-at-first"
    late.touch()
    for name in names:
        run.programs[name].kill()
        run.kills += 1
        run.programs[name].start({"LD_PRELOAD": str(BIN / "fault" / "slow.so"), "RC_SLOW_MS": "2000", "RC_SLOW_WHILE": str(late)})
    return late


def wait_silent(run, integration, seconds=1.5):
    """Until what was under way is over: nothing was sent for as long as a request may take."""
    seen = [integration.last_request(), time.monotonic()]

    def silent():
        last = integration.last_request()
        if last != seen[0]:
            seen[:] = last, time.monotonic()
        return time.monotonic() - seen[1] > seconds
    run.wait_for(f"Learn Amp of {integration.id} to be left alone", silent, 20, 0.1)


class Decide(Operator):
    """Many leave at once, the brake holds them, and somebody approves or rejects. Who was rejected is still there at the end; then HR
    takes it back."""

    name = "holds decided"
    share = 0.35

    def plan(self, chance, run):
        self.rejected = {}  # (slug, employee): (status, last day) as it was decided about
        self.slug = chance.choice(run.integrations)
        brakes = {"deactivations": {"count": LIMIT, "percent": 0}}
        run.policy[self.slug] = {"brakes": {**run.policy.get(self.slug, {}).get("brakes", {}), **brakes}}
        return [(at, 0, (chance.choice(("approve", "reject")), chance.randint(LIMIT + 1, LIMIT + 3), chance.randrange(2**31)))
                for at in sorted(chance.uniform(0.02, 0.6) * run.length for _ in range(chance.randint(1, 2)))]

    def takes(self, *_):
        return (f"holds of {self.slug}",)

    def begin(self, run, verb, number, seed):
        integration = run.world[self.slug]
        there = run.history.present(integration)
        leaving = pick(seed, [employee for employee in people_at(integration) if employee in there], number)
        integration.changes([{"op": "leave", "employee": employee} for employee in leaving])
        run.history.counts["leave"] += len(leaving)
        self._ask(run, verb)

    def _ask(self, run, verb):
        def seen(command):
            holds = holds_in(command.document)
            if holds:
                self.type(run, "producer", "status", "--integration", run.world[self.slug].id, "--hold", holds[0]["id"], must=False,
                          then=lambda shown: self._decide(run, verb, holds[0]["id"], shown))
            elif run.agenda.now < run.length:
                run.agenda.after(LOOK_S, self._ask, run, verb)
        self.type(run, "producer", "status", "--integration", run.world[self.slug].id, must=False, then=seen)

    def _decide(self, run, verb, hold, shown):
        def decided(_):
            for employee in people if verb == "reject" else ():
                record = integration.employee(employee)
                self.rejected[employee] = record["employment_status"], record["termination_date"]
        integration = run.world[self.slug]
        people = [person["employee_id"] for found in holds_in(shown.document) for person in found.get("people", ()) if found["id"] == hold]
        # It may have ended by itself meanwhile.
        self.type(run, "producer", verb, "--integration", integration.id, "--hold", hold, "--yes", must=False, then=decided)

    def calm(self, run):
        super().calm(run)
        integration = run.world[self.slug]
        self.now(run, "producer", "once", "--full", "--integration", integration.id)
        self._look_at_the_rejected(run, integration)

        def decided():
            self._take_back(run, integration)
            self.now(run, "producer", "once", "--full", "--integration", integration.id)
            holds = holds_in(self.now(run, "producer", "status", "--integration", integration.id).document)
            for hold in holds:
                command = Typed(run, "producer", "approve", "--integration", integration.id, "--hold", hold["id"], "--yes")
                run.wait_for(f"{command.words} to end", command.has_ended, TYPED_S)
            return [f"{hold['id']} is open" for hold in holds]
        run.wait_for(f"all holds of {self.slug} to be decided", decided)

    def _look_at_the_rejected(self, run, integration):
        pending = run.world.topics.refresh().pending()
        there = run.history.present(integration)
        for employee, decided_about in self.rejected.items():
            if employee not in there:
                continue  # HR says nothing of them any more
            record = integration.employee(employee)
            waits = pending.get(f"{integration.id}/{employee}")
            if (record["employment_status"], record["termination_date"]) != decided_about or record["employment_status"] != "INACTIVE":
                continue  # HR has said something else since
            assert waits and "REJECTED" in str(waits["reasons"]), f"{employee} was rejected and does not wait: {waits}"

    def _take_back(self, run, integration):
        """Of everybody who was rejected: also of those who joined between the look at the list and the decision."""
        for key, row in run.world.topics.refresh().pending().items():
            if key.startswith(integration.id + "/") and "REJECTED" in str(row["reasons"]) and row["employee_id"] not in run.history.absent[self.slug]:
                integration.change("update", row["employee_id"], employment_status="ACTIVE", termination_date=None)


def holds_in(document):
    return [hold for integration in document["integrations"] for hold in integration.get("holds", ())]


class Forget(Operator):
    """Somebody has left, and is erased."""

    name = "forget"
    share = 0.25

    def plan(self, chance, run):
        self.due = []
        return [(chance.uniform(0.02, 0.5) * run.length, 0, (chance.choice(run.integrations), chance.randrange(2**31)))]

    def begin(self, run, slug, seed):
        integration = run.world[slug]
        there = run.history.present(integration)
        for employee in pick(seed, [employee for employee in people_at(integration) if employee in there]):
            integration.change("leave", employee)
            run.history.counts["leave"] += 1
            self.due.append((integration, employee))
            self._wait(run, integration, employee)

    def _wait(self, run, integration, employee):
        user = integration.user(employee)
        if user and user["statusValue"] == "deactivated":
            self._erase(run, integration, employee)
        elif run.agenda.now < run.length:
            run.agenda.after(LOOK_S, self._wait, run, integration, employee)

    def _erase(self, run, integration, employee):
        self.due.remove((integration, employee))
        # Refused when HR has employed the person again.
        self.type(run, "producer", "forget", "--integration", integration.id, "--employee", employee, "--yes", must=False)

    def calm(self, run):
        super().calm(run)
        for integration, employee in self.due:  # a hold, or a pause, was in the way
            command = Typed(run, "producer", "forget", "--integration", integration.id, "--employee", employee, "--yes")
            run.wait_for(f"{command.words} to end", command.has_ended, TYPED_S)


class Replay(Operator):
    """The consumers are stopped, moved back to before the first event, and started again, as the runbook says."""

    name = "replay"
    share = 0.25

    def plan(self, chance, run):
        types = chance.choice((EVENT_TYPES, ("created",), ("created",), ("profile-updated", "team-changed"), ("deactivated",)))
        self.late = types if chance.random() < 0.4 else None
        slug = chance.choice((None, *run.integrations))
        self.more = slug
        return [] if self.late else [(chance.uniform(0.3, 0.8) * run.length, 0, (types, *run.shape.consumers))]

    def takes(self, types, *consumers):
        return consumers

    def _words(self, run, types):
        more = ["--integration", run.world[self.more].id] if self.more else []
        return ["replay", "--events", ",".join(types), "--since", "1h", *more]

    def begin(self, run, types, *consumers):
        for name in consumers:
            run.programs[name].expected = False
            run.programs[name].signal(15)
        self._stopped(run, types, consumers)

    def _stopped(self, run, types, consumers):
        if any(run.programs[name].alive for name in consumers):
            run.agenda.after(0.1, self._stopped, run, types, consumers)
            return
        # Somebody else's consumers may still be there: then it refuses, and the others go on.
        self.type(run, "consumer", *self._words(run, types), must=False)
        self._over(run, consumers)

    def _over(self, run, consumers):
        if self.work(run):
            run.agenda.after(0.1, self._over, run, consumers)
            return
        for name in consumers:
            run.programs[name].start()
        run.release(*consumers)

    def end(self, run, types, *consumers):
        run.taken.update(consumers)  # until _over

    def calm(self, run):
        super().calm(run)
        if not self.late:
            return
        consumers = [run.programs[name] for name in run.consumers()]
        for program in consumers:
            assert program.stop() == 0, f"{program.name} {program.state()}"
        self.now(run, "consumer", *self._words(run, self.late))
        run.note(f"{self.name}: in the calm")
        for program in consumers:
            program.start()


class DeadLetters(Operator):
    """Bytes that nobody can read, and records that Learn Amp refuses; dead letters are looked at and tried once more."""

    name = "dead letters"
    share = 0.3

    def plan(self, chance, run):
        self.faults = []
        happenings = []
        for at in moments(chance, run, 2):
            slug = chance.choice(run.integrations)
            happenings.append((at, chance.uniform(1, 3), ("refused", slug, chance.randint(1, 2))))
        if chance.random() < 0.5:
            happenings.append((chance.uniform(0.02, 0.9) * run.length, 0,
                               ("poison", chance.choice(EVENT_TYPES), chance.choice((*run.integrations, "nobody")), chance.randbytes(chance.randint(0, 60)).hex())))
        return happenings

    def takes(self, what, *_):
        return ("brokers",) if what == "poison" else ()

    def begin(self, run, what, *more):
        if what == "poison":
            event_type, slug, value = more
            raw = b"poison" + bytes.fromhex(value)
            key = f"{run.world[slug].id}/poison" if slug != "nobody" else "poison"
            place = Producer(run.world.kafka.address).send(f"{run.world.prefix}employee.{event_type}", key.encode(), raw)
            run.sown.add(place.removeprefix(run.world.prefix))
            run.note("poison sown")
            return
        slug, number = more
        run.settled.add(REFUSAL)
        self.faults.append(run.world.sandbox.fault("status", "learnamp", run.world[slug], status=422, next=number,
                                                   body=json.dumps({"error": REFUSAL}),
                                                   match={"method": "PUT", "path": "/v1/users*"}))

    def end(self, run, what, *more):
        if what == "poison":
            return
        number = self.faults.pop(0)
        hits = run.world.sandbox.hits(number)
        run.world.sandbox.clear(number)
        if hits:
            run.note("records refused for good", hits)
            self.type(run, "consumer", "dlq", "list", must=False)
            self.type(run, "consumer", "dlq", "replay", "--apply", "--reason", "REJECTED", must=False)

    def calm(self, run):
        super().calm(run)
        # What was refused last may be on its way to the dead letters.
        run.world.wait_quiet()
        self.now(run, "consumer", "dlq", "replay", "--apply", "--reason", "REJECTED")
        run.world.wait_quiet()
        found = self.now(run, "consumer", "dlq", "list").document["dead_letters"]
        left = [letter for letter in found if letter["reason"] == "REJECTED"]  # run.py sees to conflicts
        assert not left, f"dead letters that nobody refuses any more: {left}"


KINDS = [Looking, Polling, Resync, Pause, Decide, Forget, Replay, DeadLetters]
