"""What befalls the programs themselves."""

import shutil
import signal

from rollcall.chaos.faults import Fault, moments
from rollcall.process import BIN
from rollcall.topics import EVENT_TYPES

# The points of tests/fault/death.c; those of which a life sees one only must be hit by the first.
DEATHS = ("initialised", "begun", "produced", "offsets", "offsets-sent", "commit", "committing", "committed", "abort")
SESSION_S = 3  # run.py


def wipe(run, name):
    """Its local tables are gone, as on a machine that is new."""
    shutil.rmtree(run.world.folder / "state" / name.split("-", 1)[1], ignore_errors=True)
    run.note("state files deleted")


class OfOne(Fault):
    """Something that befalls one of the programs that were there from the start."""

    def takes(self, name, *_):
        return (name,)

    @staticmethod
    def victim(chance, run):
        return chance.choice(run.shape.names)


class Kill(OfOne):
    name = "SIGKILL"
    share = 0.7

    def plan(self, chance, run):
        return [(at, chance.uniform(0, 2), (self.victim(chance, run), chance.random() < 0.2)) for at in moments(chance, run, 4)]

    def begin(self, run, name, wiped):
        run.programs[name].kill()
        run.kills += 1
        run.note(self.name)
        if wiped:
            wipe(run, name)

    def end(self, run, name, wiped):
        run.programs[name].start()


class Death(OfOne):
    """Killed, and its next life ends inside a transaction."""

    name = "death inside a transaction"
    share = 0.5

    def plan(self, chance, run):
        def one():
            point = chance.choice(DEATHS)
            return self.victim(chance, run), f"{point}:{chance.randint(1, 1 if point in ('initialised', 'abort') else 4)}", chance.random() < 0.2
        return [(at, chance.uniform(2, 5), one()) for at in moments(chance, run, 3)]

    def begin(self, run, name, death, wiped):
        program = run.programs[name]
        program.kill()
        run.kills += 1
        program.start({"LD_PRELOAD": str(BIN / "fault" / "death.so"), "RC_DEATH": death})
        program.expected = False  # to run

    def end(self, run, name, death, wiped):
        program = run.programs[name]
        if program.alive:  # it never came there
            run.note(Kill.name)
        else:
            assert program.process.returncode == -signal.SIGKILL, f"{name} {program.state()}: {program.tail(4)}"
            run.note(self.name)
            run.tell(f"{name} died at {death}")
        program.kill()
        run.kills += 1
        if wiped:
            wipe(run, name)
        program.start()


class Freeze(OfOne):
    """Stands still, mostly longer than its session lasts, and goes on as if nothing had happened."""

    name = "SIGSTOP"
    share = 0.4

    def plan(self, chance, run):
        return [(at, chance.choice((0.5, SESSION_S + chance.uniform(-1, 2))), (self.victim(chance, run),)) for at in moments(chance, run, 2)]

    def begin(self, run, name):
        run.programs[name].pause()
        run.note(self.name)

    def end(self, run, name):
        run.programs[name].resume()


class More(Fault):
    """Programs join those that are there, and leave again, each as it was drawn: with a goodbye or without."""

    def plan(self, chance, run):
        goodbyes = tuple(chance.random() < 0.6 for _ in range(self.others))
        return [(chance.uniform(0.1, 0.4) * run.length, chance.uniform(0.3, 0.6) * run.length, goodbyes)]

    def names(self, count):
        return [f"{self.kind}-more{number}" for number in range(count)]

    def begin(self, run, *goodbyes):
        for name in self.names(len(goodbyes)):
            run.start(name, self.kind)
        run.note(self.name)

    def end(self, run, *goodbyes):
        for name, goodbye in zip(self.names(len(goodbyes)), goodbyes):
            if goodbye:
                run.dismiss(name)
            else:
                run.kill(name)
                run.note(Kill.name)


class MoreConsumers(More):
    name = "consumers 1 to 4 to 1"
    kind = "consumer"
    others = 3
    share = 0.2


class MoreProducers(More):
    name = "producers 1 to 3 to 1"
    kind = "producer"
    others = 2
    share = 0.2


class Regroup(Fault):
    """Those who ran all lanes go, and each lane gets a process of its own; and back. The other way round where lanes are apart."""

    name = "lanes regrouped"
    share = 0.2

    def plan(self, chance, run):
        self.before = list(run.shape.consumers)
        if len(self.before) == len(EVENT_TYPES):
            self.others = {"consumer-all": None}
        else:
            self.others = {f"consumer-only-{lane}": [lane] for lane in EVENT_TYPES}
        return [(chance.uniform(0.1, 0.5) * run.length, chance.uniform(0.2, 0.4) * run.length, (chance.random() < 0.6,))]

    def takes(self, goodbye):
        return self.before

    def begin(self, run, goodbye):
        for name in self.before:
            program = run.programs[name]
            program.expected = False  # to run
            program.signal(signal.SIGTERM if goodbye else signal.SIGKILL)
        for name, events in self.others.items():
            run.start(name, "consumer", events)
        run.note(self.name)

    def end(self, run, goodbye):
        for name in self.others:
            run.dismiss(name)
        for name in self.before:
            program = run.programs[name]
            program.kill()  # if it has not gone by now
            run.kills += not goodbye
            assert program.process.returncode == -signal.SIGKILL or run.ended_well(program), f"{name} {program.state()}: {program.tail(4)}"
            program.start()


KINDS = [Kill, Death, Freeze, MoreConsumers, MoreProducers, Regroup]
