"""A producer with a large company, as it runs in production: how long it takes to be ready, with its files and without them, what a full poll
costs the whole process, and how much memory it takes (design section 10).

    env $(deploy/kafka.sh env) tests/support/python.sh tests/bench/producer_restart.py [PEOPLE]
"""

import os
import shutil
import sys
import time
from pathlib import Path

from rollcall.waiting import wait_for
from rollcall.world import World

PEOPLE = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
PATIENCE_S = 900


def memory(program):
    """MiB that are its own (not the mapped files of LMDB), and the most that was resident at a time, with them."""
    status = Path(f"/proc/{program.process.pid}/status").read_text()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in status.splitlines() if line.endswith(" kB")}
    return f"{kib['RssAnon'] / 1024:.0f} MiB of its own, {kib['VmRSS'] / 1024:.0f} MiB resident with the files"


def cpu_s(program):
    fields = Path(f"/proc/{program.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def say(what, began, more=""):
    print(f"{what:34} {time.monotonic() - began:7.2f} s  {more}", flush=True)


def ready(program):
    began = time.monotonic()
    program.start()
    wait_for("the producer to be ready", program.ready, PATIENCE_S, 0.02)
    return began


def full_poll(world, program, what):
    began, used = time.monotonic(), cpu_s(program)
    done = world.command("producer", "once", "--full", timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    used = cpu_s(program) - used
    say(what, began, f"{used:.2f} s of CPU in the process, {PEOPLE / used:.0f} employees/s; {memory(program)}")


def main():
    kombo = {"poll_interval": "24h", "full_sync_interval": "30d"}
    with World("restart", {"large": {"people": PEOPLE, "kombo": kombo}}, {"producer": {"http_timeout": "60s"}}, partitions=12) as world:
        program = world.producer()
        began = ready(program)
        say("ready, with nobody", began, memory(program))
        wait_for("the import", lambda: program.metric("last_complete_fetch_timestamp_seconds") > 0, PATIENCE_S, 0.2)
        say("imported", began, f"{int(program.metric('announced_employees')):,} of {PEOPLE:,} announced; {memory(program)}")
        full_poll(world, program, "full poll")
        program.stop()
        began = ready(program)
        say("ready again with its files", began, memory(program))
        full_poll(world, program, "full poll after the restart")
        program.kill()
        began = ready(program)
        say("ready again after a kill", began)
        program.stop()
        shutil.rmtree(world.folder / "state")
        began = ready(program)
        say("ready again without its files", began, memory(program))


main()
