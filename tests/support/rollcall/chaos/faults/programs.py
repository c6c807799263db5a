"""What befalls the programs themselves."""

import shutil

from rollcall.chaos.faults import Fault, moments


class Kill(Fault):
    name = "SIGKILL"
    share = 0.8

    def plan(self, chance, run):
        return [(at, chance.uniform(0, 2), (chance.choice(run.shape.names), chance.random() < 0.2))
                for at in moments(chance, run, 4)]

    def takes(self, name, wiped):
        return (name,)

    def begin(self, run, name, wiped):
        run.programs[name].kill()
        run.kills += 1
        run.note(self.name)
        if wiped:
            wipe(run, name)

    def end(self, run, name, wiped):
        run.programs[name].start()


def wipe(run, name):
    """Its local tables are gone, as on a machine that is new."""
    shutil.rmtree(run.world.folder / "state" / name.split("-", 1)[1], ignore_errors=True)
    run.note("state files deleted")


KINDS = [Kill]
