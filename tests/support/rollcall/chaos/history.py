"""What happens in HR during a storm, from a seed."""

from collections import Counter


class History:
    """Steps of a few changes each, at moments of the storm."""

    def __init__(self, chance, run):
        self.counts = Counter()  # by operation
        self.steps = [(chance.uniform(0, 0.95) * run.length, chance.choice(run.integrations), chance.randrange(2**31))
                      for _ in range(round(run.length * 2.5))]

    def plan(self, run):
        for at, slug, seed in self.steps:
            run.agenda.at(at, self.step, run, slug, seed)

    def step(self, run, slug, seed):
        self.counts.update(run.world[slug].change("random", seed=seed, changes=3)["counts"])

    @property
    def changes(self):
        return sum(self.counts.values())
