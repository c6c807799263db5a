"""Brokers die, stand still, and come back."""

import signal

from rollcall.chaos.faults import Fault, moments


class OfBrokers(Fault):
    def takes(self, *_):
        return ("brokers",)

    def calm(self, run):
        run.wait_for("the brokers to be back", lambda: not run.cluster.down)


class Frozen(OfBrokers):
    name = "broker SIGSTOP"
    share = 0.25

    def plan(self, chance, run):
        return [(at, chance.choice((0.5, 2, 4)), (chance.randint(1, run.brokers),)) for at in moments(chance, run, 2)]

    def begin(self, run, node):
        run.cluster.signal(node, signal.SIGSTOP)
        run.note(self.name)

    def end(self, run, node):
        run.cluster.signal(node, signal.SIGCONT)


class Killed(OfBrokers):
    """Of one broker alone the whole of Kafka is away; of three, one."""

    name = "broker SIGKILL"
    share = 0.1  # it takes seconds of processor time to start one

    def plan(self, chance, run):
        # With three brokers it is what a run is about.
        often = 2 if run.brokers > 1 else 1
        return [(at, chance.uniform(0, 3), (chance.randint(1, run.brokers),)) for at in moments(chance, run, often)]

    def begin(self, run, node):
        run.cluster.kill(node)
        run.note(self.name)

    def end(self, run, node):
        run.hold("brokers")
        run.cluster.begin_start()
        run.agenda.after(0.2, self._look, run)

    def _look(self, run):
        if run.cluster.has_started():
            run.release("brokers")
        else:
            run.agenda.after(0.2, self._look, run)


KINDS = [Frozen, Killed]
