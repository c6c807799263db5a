"""What befalls the files under state_dir."""

import os
import random
import shutil

from rollcall.chaos.faults import Fault, moments

HOWS = ("cut", "cut to nothing", "flipped", "of another life", "deleted below it", "lock file gone")


class Spoilt(Fault):
    """A program ends, its local tables are not what they were, and it starts again; or they are deleted while it runs."""

    name = "state files spoilt"
    share = 0.3

    def plan(self, chance, run):
        return [(at, chance.uniform(0, 1.5), (chance.choice(run.shape.names), chance.choice(HOWS), chance.randrange(2**31)))
                for at in moments(chance, run, 2)]

    def takes(self, name, how, seed):
        return (name,)

    @staticmethod
    def folder(run, name):
        kind, instance = name.split("-", 1)
        return run.world.folder / "state" / instance / kind

    def begin(self, run, name, how, seed):
        folder, program = self.folder(run, name), run.programs[name]
        run.note(f"state files: {how}")
        if how == "deleted below it":  # ends in end()
            shutil.rmtree(folder.parent, ignore_errors=True)
            return
        program.kill()
        run.kills += 1
        data = folder / "data.mdb"
        if not data.exists():
            return
        size = data.stat().st_size
        if how == "cut":
            os.truncate(data, random.Random(seed).randrange(8192, max(8193, size)))
        elif how == "cut to nothing":
            os.truncate(data, 0)
        elif how == "flipped":
            self.flip(data, size, seed)
        elif how == "of another life":
            self.swap(run, name, data)
        else:
            (folder / "lock.mdb").unlink(missing_ok=True)

    @staticmethod
    def flip(data, size, seed):
        """The head: what LMDB itself checks. A flipped row of a table nobody could tell from a good one."""
        chance = random.Random(seed)
        with open(data, "r+b") as file:
            for at in (16 + chance.randrange(8), 4096 + 16 + chance.randrange(8)):
                if at < size:
                    file.seek(at)
                    file.write(bytes([chance.randrange(1, 256)]))

    def swap(self, run, name, data):
        """That of another program of its kind, if there is one."""
        others = [self.folder(run, other) / "data.mdb" for other in run.shape.names if other != name and other.split("-")[0] == name.split("-")[0]]
        for other in others:
            if other.exists():
                shutil.copy(other, data)
                return

    def end(self, run, name, how, seed):
        if how == "deleted below it":  # it went on without them; the next life makes them anew
            run.programs[name].kill()
            run.kills += 1
        run.programs[name].start()


KINDS = [Spoilt]
