"""Programs that go on, and are late."""

from rollcall.chaos.faults import Fault, moments
from rollcall.process import BIN


class SlowDisk(Fault):
    """A program's local tables lag behind Kafka, from its start on: it has to notice, and to wait (tests/fault/slow.c)."""

    name = "slow disk"
    share = 0.35

    def plan(self, chance, run):
        return [(at, chance.uniform(2, 5), (chance.choice(run.shape.names), chance.choice((300, 1000, 2000)))) for at in moments(chance, run, 2)]

    def takes(self, name, most_ms):
        return (name,)

    def _while(self, run, name):
        return run.world.folder / f"slow-{name}"

    def begin(self, run, name, most_ms):
        program = run.programs[name]
        program.kill()
        run.kills += 1
        self._while(run, name).touch()
        program.start({"LD_PRELOAD": str(BIN / "fault" / "slow.so"), "RC_SLOW_MS": str(most_ms), "RC_SLOW_WHILE": str(self._while(run, name))})
        run.note(self.name)

    def end(self, run, name, most_ms):
        self._while(run, name).unlink()


KINDS = [SlowDisk]
