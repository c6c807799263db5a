"""The kinds of faults. Each draws from a chance of its own what it will do, so that a new kind changes no other kind's plans."""


class Fault:
    """One kind of fault of one run. It happens as often as its plan says; whatever it began is ended before the calm."""

    name = ""  # the words of the table in docs/reliability.md
    share = 0.3  # of the runs that have it

    def plan(self, chance, run):
        """What will happen: a list of (at, seconds, arguments). Everything random is drawn here. `run` knows its `length` in seconds,
        its `shape`, its `integrations` (slugs) and `brokers` (their number); nothing runs yet."""
        raise NotImplementedError

    def takes(self, *arguments):
        """Names of what nobody else may touch from begin() to end(), such as a program's; a happening waits until all are free."""
        return ()

    def begin(self, run, *arguments):
        raise NotImplementedError

    def end(self, run, *arguments):
        """The fault is over; what takes longer goes on as run.agenda has it. What must have come to its end is waited for in calm()."""

    def calm(self, run):
        """After the storm, when all are ended: waits until nothing of it is left, and says in run.excuse what it legitimately cost."""


def kinds():
    """All kinds, in the order of their modules."""
    from rollcall.chaos.faults import brokers, clocks, files, narrow, operators, programs, services, slow
    return [*programs.KINDS, *brokers.KINDS, *services.KINDS, *slow.KINDS, *narrow.KINDS, *operators.KINDS, *clocks.KINDS, *files.KINDS]


def moments(chance, run, most, least=1):
    """Between `least` and `most` moments of the storm, in their order."""
    return sorted(chance.uniform(0.02, 0.9) * run.length for _ in range(chance.randint(least, most)))
