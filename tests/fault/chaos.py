"""Runs whose seed decides what happens in HR and what goes wrong meanwhile; after each the books are read from outside.

    tests/fault/chaos --seed 1 --runs 100 --slots 4 --out runs.jsonl
    tests/fault/chaos --seed 17                     one seed again; --times 5: five times
    tests/fault/chaos --seed 17 --only SIGKILL      with this kind of fault alone (--list shows all)
    tests/fault/chaos                               ten fixed seeds and three fresh ones: what tests/run.sh runs

Runs go side by side in slots, each with a Kafka of its own that stays over its runs. A run that fails prints what
happened and the command that repeats it; the exit code is 1 then.
"""

import argparse
import ctypes
import json
import multiprocessing
import os
import secrets
import signal
import sys
import time
import traceback
from multiprocessing.connection import wait
from pathlib import Path

import confluent_kafka

from rollcall import world
from rollcall.chaos.faults import kinds
from rollcall.chaos.run import Run, repeat
from rollcall.waiting import wait_for

FIXED, FRESH = 10, 3
PR_SET_CHILD_SUBREAPER = 36
GRACE_S = 60  # for a slot to end what it started


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, help="the first seed")
    parser.add_argument("--runs", type=int, default=1, help="so many seeds from there on")
    parser.add_argument("--times", type=int, default=1, help="each seed so often")
    parser.add_argument("--slots", type=int, default=2, help="runs side by side")
    parser.add_argument("--brokers", type=int, default=1, help="of each slot's Kafka: 1, or 3 with replicated topics")
    parser.add_argument("--only", default="", help="NAME,…: these kinds of faults alone, in every run")
    parser.add_argument("--keep", help="a folder in which logs and files of all runs stay")
    parser.add_argument("--out", type=Path, help="a file that gets one JSON line a run")
    parser.add_argument("--list", action="store_true", help="shows the kinds of faults")
    options = parser.parse_args()
    options.only = [name for name in options.only.split(",") if name]
    unknown = set(options.only) - {kind.name for kind in kinds()}
    if unknown:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; --list shows them")
    if min(options.runs, options.times, options.slots, options.brokers) < 1:
        parser.error("--runs, --times, --slots and --brokers are 1 at least")
    return options


def seeds(options):
    if options.seed is not None:
        chosen = range(options.seed, options.seed + options.runs)
    else:
        # Fresh ones: of the size that is easily typed again.
        chosen = [*range(1, FIXED + 1), *(1000 + secrets.randbelow(10**6) for _ in range(FRESH))]
    return [seed for seed in chosen for _ in range(options.times)]


# --- a slot ---------------------------------------------------------------------------------------------------------

def slot(connection, options):
    """Serves seeds until the connection ends. What it starts, it ends, however it is ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is the one who tells us
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cluster = None
    try:
        while True:
            try:
                seed = connection.recv()
            except EOFError:
                return
            if cluster is None:
                cluster = world.Kafka(brokers=options.brokers)
                warm(cluster)
            figures = Run(seed, cluster, options.brokers, options.only).conduct()
            if figures["problems"] or figures["crash"]:
                # Whatever went wrong may have to do with it.
                cluster.stop()
                cluster = None
            connection.send(figures)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if cluster:
            cluster.stop()


def warm(cluster):
    """Kafka makes its own topics when the first transaction and the first group need them: no run's time."""
    producer = confluent_kafka.Producer({"bootstrap.servers": cluster.address, "transactional.id": "warm", "log_level": 2})
    consumer = confluent_kafka.Consumer({"bootstrap.servers": cluster.address, "group.id": "warm", "log_level": 2})

    def done(ask, *arguments):
        try:
            ask(*arguments)
        except confluent_kafka.KafkaException as error:
            return [str(error)]  # its coordinator is being found
        return []
    wait_for("the coordinator of transactions", lambda: done(producer.init_transactions, 60), 120)
    wait_for("the coordinator of groups", lambda: done(consumer.committed, [confluent_kafka.TopicPartition("warm", 0)], 60), 120)
    consumer.close()


class Slots:
    """Processes that are given seeds one by one."""

    def __init__(self, options):
        # What a slot that was killed leaves behind becomes our child, and is found.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.options = options
        self.working = {}  # connection: (process, seed)

    def _begin(self, seed):
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(target=self._serve, args=(theirs, ours))
        process.start()
        theirs.close()
        ours.send(seed)
        self.working[ours] = process, seed

    def _serve(self, connection, parents):
        parents.close()
        for other in self.working:
            other.close()  # so that a slot sees its end when the parent is gone
        slot(connection, self.options)

    def run(self, queue):
        """Yields the figures of each run."""
        queue = list(reversed(queue))
        while queue and len(self.working) < self.options.slots:
            self._begin(queue.pop())
        while self.working:
            reap()
            for connection in wait(list(self.working), 0.2):
                process, seed = self.working.pop(connection)
                try:
                    figures = connection.recv()
                except EOFError:
                    process.join()
                    figures = {"seed": seed, "problems": {}, "crash": f"the slot ended with {process.exitcode}"}
                    connection.close()
                    if queue:
                        self._begin(queue.pop())
                else:
                    if queue:
                        self.working[connection] = process, queue.pop()
                        connection.send(self.working[connection][1])
                    else:
                        connection.close()
                yield figures

    def close(self):
        """Ends all; returns what had to be ended by force."""
        for connection, (process, _) in self.working.items():
            process.terminate()
            connection.close()
        deadline = time.monotonic() + GRACE_S
        while multiprocessing.active_children() and time.monotonic() < deadline:
            reap()
            time.sleep(0.05)
        reap()
        left = []
        while found := children():
            left += [name for _, name, _ in found]
            for pid, *_ in found:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        return left


def children():
    """[(process id, name, state)] of ours. Those of a child that ends become ours."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, rest = path.read_text().rpartition(")")
        except OSError:
            continue
        state, parent = rest.split()[:2]
        if int(parent) == os.getpid():
            pid, name = head.split(" (", 1)
            found.append((int(pid), name, state))
    return found


def reap():
    """Takes leave of what came to us from our slots and has ended since: a broker is gone for kafka.sh only then."""
    slots = {process.pid for process in multiprocessing.active_children()}
    for pid, _, state in children():
        if state == "Z" and pid not in slots:
            os.waitpid(pid, 0)


# --- the whole ------------------------------------------------------------------------------------------------------

def line(figures, options):
    """One run for people."""
    well = not figures["problems"] and not figures["crash"]
    said = f"{'ok' if well else 'not ok'} chaos seed {figures['seed']}: "
    if not well:
        why = figures["crash"].splitlines()[-1] if figures["crash"] else next(iter(figures["problems"].items()))
        why = f"the harness broke: {why}" if figures["crash"] else f"{why[0]}: {str(why[1][0]).splitlines()[0]}"
        return f"{said}{why[:400]}\n    again: {repeat(figures['seed'], options.only, options.brokers)}"
    faults = ", ".join(f"{name} {number}" for name, number in sorted(figures["faults"].items()))
    return (f"{said}{figures['changes']} changes, {figures['events']} events, {figures['requests']} requests; {figures['shape']}; "
            f"{faults or 'no fault'} ({figures['seconds']:.0f} s, {figures['cpu']['all']:.1f} s of CPU)")


def main():
    options = parse()
    if options.list:
        print("\n".join(kind.name for kind in kinds()))
        return
    if options.keep:
        world.KEEP = options.keep
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also in the background of a shell, which would have it ignored
    slots, runs, failed, left = Slots(options), 0, 0, []
    out = options.out and options.out.open("a")
    try:
        for figures in slots.run(seeds(options)):
            runs += 1
            failed += bool(figures["problems"] or figures["crash"])
            print(line(figures, options), flush=True)
            if out:
                out.write(json.dumps(figures) + "\n")
                out.flush()
    except (KeyboardInterrupt, SystemExit):
        failed += 1
        print("interrupted")
    except Exception:  # noqa: B902 - told before all is ended
        failed += 1
        traceback.print_exc()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        left = slots.close()
    if left:
        failed += 1
        print(f"not ok chaos leaves nothing running: {', '.join(left)} had to be killed")
    print(f"{runs} runs, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
