"""Programs that go on, and are late."""

from rollcall.chaos.faults import Fault, moments
from rollcall.chaos.faults.programs import wipe
from rollcall.process import BIN


class SlowDisk(Fault):
    """A program's local tables lag behind Kafka, from its start on: it has to notice, and to wait (tests/fault/slow.c)."""

    name = "slow disk"
    share = 0.35

    def plan(self, chance, run):
        return [(at, chance.uniform(2, 5), (chance.choice(run.shape.names), chance.choice((300, 1000, 2000)), chance.random() < 0.3)) for at in moments(chance, run, 2)]

    def takes(self, name, *_):
        return (name,)

    def _while(self, run, name):
        return run.world.folder / f"slow-{name}"

    def begin(self, run, name, most_ms, wiped):
        program = run.programs[name]
        program.kill()
        run.kills += 1
        if wiped:
            wipe(run, name)
        self._while(run, name).touch()
        program.start({"LD_PRELOAD": str(BIN / "fault" / "slow.so"), "RC_SLOW_MS": str(most_ms), "RC_SLOW_WHILE": str(self._while(run, name))})
        run.note(self.name)

    def end(self, run, name, *_):
        self._while(run, name).unlink()


KINDS = [SlowDisk]
