"""One run: a world that a seed shapes, its import, the storm, the calm after it, and the books, read from outside."""

import random
import resource
import signal
import time
import traceback
from collections import Counter

from rollcall import books, config
from rollcall.chaos import story
from rollcall.chaos.agenda import Agenda
from rollcall.chaos.faults import kinds
from rollcall.chaos.history import History
from rollcall.sandbox import Refused
from rollcall.topics import EVENT_TYPES
from rollcall.waiting import PATIENCE
from rollcall.world import World

INTEGRATIONS = ("north", "east")
PEOPLE = 20  # in each
IMPORT_S, CALM_S, SETTLE_S, STOP_S = 90, 60, 90, 40  # a slow machine is no defect


class Shape:
    """Which programs run: {name: (kind, instance, lanes)}. Together: all lanes in each consumer."""

    def __init__(self, chance):
        self.producers = {f"producer-p{n}": None for n in range(1, chance.choice((1, 1, 2)) + 1)}
        lanes = chance.choice(("together", "together", "together by two", "apart", "leavers apart"))
        self.consumers = {
            "together": {"consumer-c1": None},
            "together by two": {"consumer-c1": None, "consumer-c2": None},
            "apart": {f"consumer-{lane}": [lane] for lane in EVENT_TYPES},
            "leavers apart": {"consumer-c1": list(EVENT_TYPES[:3]), "consumer-leavers": ["deactivated"]},
        }[lanes]
        self.words = f"{len(self.producers)} producer{'s' * (len(self.producers) > 1)}, lanes {lanes}"

    @property
    def names(self):
        return [*self.producers, *self.consumers]


class Run:
    """Made from a seed, it holds the whole plan; conduct() carries it out, once."""

    def __init__(self, seed, cluster, brokers=1, only=()):
        self.seed = seed
        self.cluster = cluster
        self.brokers = brokers
        self.integrations = INTEGRATIONS
        chance = self.chance("shape")
        self.length = chance.uniform(8, 12)
        self.shape = Shape(chance)
        self.world = None
        self.programs = {}  # those that ought to live, by name
        self.leaving = {}  # program: when it was told to
        self.agenda = None
        self.taken = Counter()
        self.active = []  # (fault, arguments)
        self.faults_seen = Counter()
        self.told = []  # (seconds since the storm began, what)
        self.kills = 0
        self.excuse = set()  # words that the books know
        self.policy = {}  # {slug: what a fault needs of its policy}
        self.kombo = {}  # what one needs of every `kombo` section
        self.clock_ms = 0  # how far the services' clock is ahead from the beginning
        self.sown = set()  # places of bytes on event topics that are none of Rollcall's
        self.settled = set()  # words with which Learn Amp refused records that were tried once more
        self.conflicts = 0
        self.history = History(self.chance("history"), self)
        self.faults = self._draw(only)

    def chance(self, name):
        return random.Random(f"{self.seed}/{name}")

    def _draw(self, only):
        """[(fault, its happenings)]"""
        drawn = []
        for kind in kinds():
            chance = self.chance(kind.name)
            if kind.name in only if only else chance.random() < kind.share:
                fault = kind()
                drawn.append((fault, list(fault.plan(chance, self))))
        return drawn

    # --- for the faults ---

    def note(self, name, number=1):
        self.faults_seen[name] += number

    def tell(self, what):
        """A line of what happened when."""
        self.told.append((self.agenda.now if self.agenda else 0, what))

    def take(self, *names):
        """False if somebody else has one of them."""
        if any(self.taken[name] for name in names):
            return False
        self.taken.update(names)
        return True

    def hold(self, name):
        """Keeps what is taken beyond the fault's end, until it is released once more."""
        self.taken[name] += 1

    def release(self, *names):
        self.taken.subtract(names)

    def start(self, name, kind, events=None):
        """A program that ought to live from now on."""
        instance = name.split("-", 1)[1]
        self.programs[name] = program = getattr(self.world, kind)(instance, **({"events": events} if events else {})).start()
        return program

    def consumers(self):
        """Names of those that ought to live now."""
        return [name for name in self.programs if name.startswith("consumer")]

    def dismiss(self, name):
        """Tells a program to end; the calm waits until it has, and wants it to say so."""
        program = self.programs.pop(name)
        program.expected = False
        if program.alive:
            program.signal(signal.SIGTERM)
            self.leaving[program] = time.monotonic()

    def kill(self, name):
        """Ends a program for good, without a goodbye."""
        self.programs.pop(name).kill()
        self.kills += 1

    @staticmethod
    def ended_well(program):
        """Who is told to end before they listen to signals ends by the signal."""
        return program.process.returncode == 0 or (program.process.returncode == -signal.SIGTERM and not program.text())

    def wait_for(self, what, condition, timeout=CALM_S, interval=0.05):
        return self.world.wait_for(what, condition, timeout, interval)

    # --- the storm ---

    def _begin(self, fault, seconds, arguments):
        names = fault.takes(*arguments)
        if not self.take(*names):
            if self.agenda.now < self.length - 0.5:
                self.agenda.after(0.25, self._begin, fault, seconds, arguments)
            return
        self.tell(f"{fault.name} {' '.join(map(str, arguments))}")
        entry = fault, arguments, names
        self.active.append(entry)
        fault.begin(self, *arguments)
        self.agenda.at(min(self.agenda.now + seconds, self.length), self._end, entry)

    def _end(self, entry):
        fault, arguments, names = entry
        self.active.remove(entry)
        self.tell(f"end of {fault.name} {' '.join(map(str, arguments))}")
        fault.end(self, *arguments)
        self.release(*names)

    def storm(self):
        self.agenda = Agenda()
        self.history.plan(self)
        for fault, happenings in self.faults:
            for at, seconds, arguments in happenings:
                self.agenda.at(at, self._begin, fault, seconds, tuple(arguments))
        deadline = time.monotonic() + (self.length + CALM_S) * PATIENCE
        while self.agenda.due or self.agenda.now < self.length:
            self.agenda.work()
            for program in self.world.programs:
                program.check()
            assert time.monotonic() < deadline, f"the storm does not end: {self.agenda.due[:3]}"
            time.sleep(0.01)
        assert not self.active, f"{self.active} were not ended"

    def calm(self):
        for fault, _ in self.faults:
            fault.calm(self)
        self.world.sandbox.clear()
        for name, program in self.programs.items():
            assert program.alive, f"{name} {program.state()}"
        self.wait_for("those who were dismissed to end", lambda: [p.name for p in self.leaving if p.alive])
        for program in self.leaving:
            assert self.ended_well(program), f"{program.name} was told to end: {program.state()}: {program.tail(4)}"
        self.world.read_anew()

    # --- one after the other ---

    def _world(self):
        more = {"people": PEOPLE, "mapping": config.MANAGERS,
                "kombo": {"poll_interval": "1s", "full_sync_interval": "4s", "page_size": 10, **self.kombo},
                "policy": {"swap_address": "swap-{id}@swap.example"}}
        settings = {"kafka": {"replication_factor": min(3, self.brokers), "session.timeout.ms": 3000, "heartbeat.interval.ms": 500},
                    "producer": {"http_timeout": "2s"},
                    "consumer": {"http_timeout": "1500ms", "retry_delays": ["1s", "2s", "3s"]}}
        made = World(f"chaos-{self.seed}", {slug: {**more, "policy": {**more["policy"], **self.policy.get(slug, {})},
                                                  "seed": self.chance(slug).randrange(2**31)} for slug in self.integrations},
                     settings, partitions=3, cluster=self.cluster)
        if self.clock_ms:
            made.sandbox.call("PUT", "clock", {"offset_ms": self.clock_ms})
        return made

    def _import(self):
        for name in self.shape.producers:
            self.start(name, "producer")
        for name, events in self.shape.consumers.items():
            self.start(name, "consumer", events)
        self.world.wait_equal(timeout=IMPORT_S)

    def _stop(self):
        """Everybody ends when they are told to, and says so."""
        for program in self.programs.values():
            if program.alive:
                program.expected = False
                program.signal(signal.SIGTERM)
        found = []
        for program in self.programs.values():
            code = program.stop(STOP_S)
            if code != 0 or "stopped" not in program.tail(1):
                found.append(f"{program.name} ended with {code}: {program.tail(2)}")
        return found

    @property
    def together(self):
        """Whether all lanes were in one process all the time: then no write may be older than the one before it (I4)."""
        return len(self.shape.consumers) == 1 and not self.faults_seen["consumers 1 to 4 to 1"] and not self.faults_seen["lanes regrouped"]

    def _books(self):
        if self.faults_seen:
            self.excuse.add("again")
        found = self.world.read_books(excused=self.excuse, sown=self.sown, settled=self.settled, together=self.together)
        return {name: problems for name, problems in found.items() if problems}

    def _books_after(self, phases):
        """What they say of a run that did not settle: more than that it waited."""
        if "settle" not in phases or "books" in phases:
            return {}
        try:
            return self._books()
        except Exception as error:  # noqa: B902 - it failed already
            return {"the books can be read": [repr(error)]}

    def conduct(self):
        """Carries it out; returns the figures. `problems` is empty when all is well."""
        figures, began, used = {"seed": self.seed, "shape": self.shape.words}, time.monotonic(), cpu(self.cluster)
        phases, problems, crash = {}, {}, None
        try:
            with phase(phases, "start"):
                self.world = self._world()
                self.world.watch()
            for name, step in (("import", self._import), ("storm", self.storm), ("calm", self.calm), ("settle", self._settle)):
                with phase(phases, name):
                    step()
            with phase(phases, "books"):
                problems = self._books()
            with phase(phases, "stop"):
                ended = self._stop()
            if ended:
                problems["programs end when they are told to"] = ended
            figures.update(self._figures(problems))
        except Refused:  # by the sandbox: we asked for what there is not
            crash = traceback.format_exc()
        except AssertionError as error:
            problems[f"in the {next(reversed(phases))}"] = [str(error)]
            problems.update(self._books_after(phases))
        except Exception:  # noqa: B902 - whatever breaks in here is not the product's fault, and no success either
            crash = traceback.format_exc()
        finally:
            figures["faults"] = dict(self.faults_seen)
            figures["kills"] = self.kills
            if (problems or crash) and self.world:
                self.report(problems, crash)
            with phase(phases, "end"):
                self.close()
        figures.update(problems={name: found[:20] for name, found in problems.items()}, crash=crash,
                       phases=phases, seconds=round(time.monotonic() - began, 2), cpu=spent(used, cpu(self.cluster)))
        return figures

    def _settle(self):
        """Until all is done that follows from HR. What a brake still holds is approved: it is what HR wants in the end."""
        self.world.wait_polled(timeout=SETTLE_S)
        self.wait_for("everything to be decided, and Learn Amp to equal HR", self._undecided, SETTLE_S, 0.3)
        self.world.settle(timeout=SETTLE_S)

    def _undecided(self):
        found = self.history.still_there(self)
        holds = {(row["integration_id"], hold["hold_id"]) for row in self.world.topics.refresh().pending().values() for hold in row["holds"]}
        for integration, hold in sorted(holds):
            done = self.world.command("producer", "approve", "--integration", integration, "--hold", hold, "--yes")
            self.tell(f"approved {hold} of {integration}: exit code {done.returncode}")
            found.append(f"{hold} of {integration} is held: {done.stderr.strip()[-200:]}")
        found += self._conflicts()
        for integration in self.world.integrations.values():
            found += books.equality(integration)
        return found + self.world.topics.unfinished(self.world.application)

    def _conflicts(self):
        """Who waits for an address longer than the last tier, because its holder's own change waits for the service, is left to a person
        (docs/design.md, "Outcomes"). The tiers of a test are seconds; a person tries once more."""
        letters = [record for record in self.world.topics.records[f"{self.world.application}.dlq"]
                   if record.headers.get("rollcall_reason") == "IDENTITY_CONFLICT"]
        if len(letters) == self.conflicts:
            return []
        self.note("identity conflicts tried once more", len(letters) - self.conflicts)
        self.conflicts = len(letters)
        self.settled.update(record.headers.get("rollcall_message") for record in letters)
        for integration in self.world.integrations.values():
            # An address of somebody who left stays with their user (docs/learnamp.md): the runbook says to free it, and to replay.
            for user in integration.users():
                holds = any(f"user {user['id']}," in (record.headers.get("rollcall_message") or "") for record in letters
                            if record.key.startswith(integration.id + "/"))
                if holds and user["statusValue"] == "deactivated" and not user["email"].endswith("@left.example"):
                    integration.change_user(user["id"], email=f"user{user['id']}@left.example")
                    self.note("addresses of leavers freed by hand")
        done = self.world.command("consumer", "dlq", "replay", "--apply", "--reason", "IDENTITY_CONFLICT")
        self.tell(f"dlq replay of identity conflicts: exit code {done.returncode}")
        return [f"{len(letters)} identity conflicts"]

    def _figures(self, problems):
        types = books.counts(self.world.topics)
        return {"changes": self.history.changes, "events": sum(types.values()), "types": types,
                "requests": sum(len(integration.writes()) for integration in self.world.integrations.values()),
                **books.figures(problems)}

    # --- the end ---

    def report(self, problems, crash):
        """Everything that helps to understand what went wrong."""
        print(f"--- seed {self.seed}: {self.shape.words}; {len(self.told)} things happened in {self.length:.1f} s")
        for at, what in self.told:
            print(f"    {at:6.2f} {what}")
        for name, found in problems.items():
            print(f"  --- {name}: {len(found)} wrong")
            for problem in found[:20]:
                print(f"    {problem}")
        try:
            self._tell_stories(problems)
        except Exception as error:  # noqa: B902 - likewise below: a report that fails hides nothing of what it is about
            print(f"  --- no story can be told: {error!r}")
        if crash:
            print("  --- the harness broke, not Rollcall:\n    " + crash.rstrip().replace("\n", "\n    "))
        try:
            self.world.report()
        except Exception as error:  # noqa: B902
            print(f"  --- no more can be told: {error!r}")

    def _tell_stories(self, problems):
        """Of those whom the problems name."""
        began = time.time() - (self.agenda.now if self.agenda else 0)
        if self.world.topics:
            self.world.topics.refresh(10)
            story.print_stories(self.world, problems, [((began + at) * 1000, what) for at, what in self.told], began * 1000)

    def close(self):
        if not self.world:
            return
        self.world.close()
        try:
            self.world.delete_topics()
        except Exception as error:  # noqa: B902 - the next run sees whether this cluster still works
            print(f"  --- the topics of seed {self.seed} stay: {error!r}")


class phase:
    """Notes how long what is inside took, also when it fails."""

    def __init__(self, phases, name):
        self.phases, self.name = phases, name

    def __enter__(self):
        self.began = time.monotonic()
        self.phases[self.name] = 0

    def __exit__(self, *_):
        self.phases[self.name] = round(time.monotonic() - self.began, 2)


def cpu(cluster):
    """{who: seconds of processor time so far}: the programs that have ended, this process, the brokers."""
    def seconds(who):
        used = resource.getrusage(who)
        return used.ru_utime + used.ru_stime
    return {"programs": seconds(resource.RUSAGE_CHILDREN), "harness": seconds(resource.RUSAGE_SELF), "brokers": cluster.cpu()}


def spent(before, after):
    # A broker that was killed begins at nothing.
    found = {who: round(max(0, after[who] - before[who]), 2) for who in before}
    return {**found, "all": round(sum(found.values()), 2)}


def repeat(seed, only=(), brokers=1):
    """The command that does it again."""
    more = (f" --only '{','.join(only)}'" if only else "") + (f" --brokers {brokers}" if brokers > 1 else "")
    return f"tests/fault/chaos --seed {seed}{more}"
