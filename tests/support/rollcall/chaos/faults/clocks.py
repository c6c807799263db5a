"""Wall clocks that are set while programs run (tests/fault/clock.c)."""

from rollcall.chaos.faults import Fault, moments
from rollcall.clock import Clock

HOUR = 3600
# A few seconds, with which the producer goes on (a grace that began in them ends so much later), or so much that it concludes nothing until
# its clock agrees with Kombo's again.
STEPS = (-5, -2, 2, 5, -HOUR, HOUR, -26 * HOUR, 26 * HOUR)


class Stepped(Fault):
    """The clock of one program is set, forwards or back, and in the end is right again."""

    name = "clock stepped"
    share = 0.3

    def plan(self, chance, run):
        self.clocks = {}
        return [(at, chance.uniform(0.5, 4), (chance.choice(run.shape.names), chance.choice(STEPS))) for at in moments(chance, run, 3)]

    def takes(self, name, step):
        return (name,)

    def begin(self, run, name, step):
        if name not in self.clocks:
            self.clocks[name] = Clock(run.world.folder / f"clock-{name}")
        program = run.programs[name]
        # Whoever was started without it is started anew; what began it since may have been another fault.
        program.kill()
        run.kills += 1
        program.start(self.clocks[name].environment())
        run.agenda.after(0.4, self.clocks[name].set, step)
        run.note(self.name)

    def end(self, run, name, step):
        self.clocks[name].set(0)

    def calm(self, run):
        for clock in self.clocks.values():
            clock.set(0)


KINDS = [Stepped]
