"""What operators type and see at 3 a.m., with a large company: wall time, CPU and memory of each command, and of the page's answers.

    env $(deploy/kafka.sh env) tests/support/python.sh tests/bench/operators.py [PEOPLE [HELD]]

PEOPLE are imported and carried out at Learn Amp, HELD of them wait in a hold. RC_STAY=FILE: at the end it waits while FILE is there.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from rollcall.process import BIN
from rollcall.waiting import wait_for
from rollcall.world import World

PEOPLE = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
HELD = int(sys.argv[2]) if len(sys.argv) > 2 else PEOPLE // 10
PATIENCE_S = 3600
MIB = 1024


def highest_mib(pid, before):
    """Of the program alone: what the kernel tells at the end counts this process's own memory from before it began, too."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return before
    found = next((int(line.split()[1]) / MIB for line in status.splitlines() if line.startswith("VmHWM")), 0)
    return max(before, found if "Name:\trollcall" in status else 0)


def measure(world, program, *arguments, codes=(0,)):
    """One command: wall, CPU and the most memory that was resident (looked at every 10 ms)."""
    out = world.folder / "out"
    began, highest, ended = time.monotonic(), 0, 0
    with open(out, "wb") as file:
        pid = os.posix_spawn(str(BIN / f"rollcall-{program}"), [f"rollcall-{program}", *arguments, "--config", str(world.config_file)], os.environ,
                             file_actions=[(os.POSIX_SPAWN_DUP2, file.fileno(), 1), (os.POSIX_SPAWN_DUP2, file.fileno(), 2)])
        while not ended:
            highest = highest_mib(pid, highest)
            ended, status, used = os.wait4(pid, os.WNOHANG)
            time.sleep(0.01)
    wall = time.monotonic() - began
    text = out.read_text()
    words = f"{program} {' '.join(arguments)}"
    print(f"{words[:74]:74} {wall:6.2f} s wall  {used.ru_utime + used.ru_stime:6.2f} s CPU  {highest:5.0f} MiB  {len(text):9,} bytes", flush=True)
    code = os.waitstatus_to_exitcode(status)
    assert code in codes, f"exit code {code}: {text[-2000:]}"
    return text


def ask(program, path):
    """One answer of the page; asks again while a list is made. Returns it."""
    began = time.monotonic()
    while True:
        asked = time.monotonic()
        try:
            with urllib.request.urlopen(f"http://{program.address()}{path}", timeout=60) as answer:
                body = answer.read()
            break
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
        time.sleep(0.05)
    now = time.monotonic()
    print(f"{'GET ' + path[:70]:74} {now - began:6.2f} s wall, the answer itself {1000 * (now - asked):6.1f} ms  {len(body):9,} bytes", flush=True)
    return json.loads(body)


def resources(program):
    fields = Path(f"/proc/{program.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    status = Path(f"/proc/{program.process.pid}/status").read_text()
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))
    return f"{program.name}: {(int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK'):.1f} s of CPU so far, {own / MIB:.0f} MiB of its own"


def build(world):
    """Everybody published, HELD of them with a change that waits."""
    acme, producer = world["large"], world.producer()
    world.sandbox.call("PUT", "clock", {"advance_ms": 600000})  # nobody was changed just now
    began = time.monotonic()
    producer.start()
    wait_for("the import", lambda: producer.metric("last_complete_fetch_timestamp_seconds") > 0, PATIENCE_S, 1)
    print(f"imported after {time.monotonic() - began:.0f} s; {resources(producer)}", flush=True)
    staff = [e for e in acme.employees(limit=2 * HELD + 1000) if e["work_email"] and e["employment_status"] == "ACTIVE"]
    for first in range(0, HELD, 5000):
        acme.changes([{"op": "update", "employee": e["id"], "employment_status": "INACTIVE"} for e in staff[first:first + 5000]])
    acme.change("hire", work_email=None)
    measure(world, "producer", "once", "--wait", "10m", codes=(3,))
    print(resources(producer), flush=True)
    return producer, staff


def carry_out(world, producer):
    """Everything that was published, at Learn Amp."""
    began, consumer = time.monotonic(), world.consumer().start()
    wait_for("the users", lambda: consumer.metric("events_finished_total") >= producer.metric("announced_employees"), PATIENCE_S, 2)
    print(f"carried out after {time.monotonic() - began:.0f} s; {resources(consumer)}", flush=True)
    return consumer


def main():
    brakes = {"deactivations": {"count": 100, "percent": 0}}
    large = {"people": PEOPLE, "kombo": {"poll_interval": "24h", "full_sync_interval": "30d", "page_size": 250}, "policy": {"brakes": brakes},
             "learnamp": {"max_in_flight": 500}}
    settings = {"producer": {"http_timeout": "60s"}, "consumer": {"transaction_interval": "500ms", "http_timeout": "20s"}}
    with World("atscale", {"large": large}, settings, partitions=12) as world:
        acme = world["large"]
        producer, staff = build(world)
        about = ("--integration", acme.id)
        status = json.loads(measure(world, "producer", "status", "--json", codes=(3,)))
        (hold,) = status["integrations"][0]["holds"]
        measure(world, "producer", "status", codes=(3,))
        measure(world, "producer", "status", *about, "--hold", hold["id"], codes=(3,))
        measure(world, "producer", "status", *about, "--hold", hold["id"], "--json", codes=(3,))
        measure(world, "producer", "pause", *about)
        measure(world, "producer", "resume", *about)
        for path in ("integrations", f"waiting?integration={acme.id}", f"waiting?integration={acme.id}&reason=HELD&limit=500",
                     f"waiting?integration={acme.id}&search=anna", f"waiting?integration={acme.id}&offset={HELD - 50}", f"calendar?integration={acme.id}",
                     f"activity?integration={acme.id}", f"dead-letters?integration={acme.id}", "integrations"):
            ask(producer, f"/api/{path}")
        print(resources(producer), flush=True)
        measure(world, "producer", "plan", codes=(3,))
        measure(world, "producer", "plan", "--instance", producer.name.split("-")[1], codes=(3,))
        consumer = carry_out(world, producer)
        measure(world, "consumer", "trace", *about, "--employee", staff[-1]["id"])
        measure(world, "consumer", "trace", *about, "--employee", staff[-1]["work_email"])
        measure(world, "consumer", "trace", *about, "--employee", staff[0]["id"], codes=(0, 3))
        measure(world, "consumer", "dlq", "list")
        measure(world, "consumer", "dlq", "list", *about, "--employee", staff[-1]["id"])
        measure(world, "producer", "reject", *about, "--hold", hold["id"], "--yes")
        print(resources(producer), resources(consumer), f"config: {world.config_file}", sep="\n", flush=True)
        while Path(os.environ.get("RC_STAY", "/nonexistent")).exists():
            time.sleep(1)


if __name__ == "__main__":
    main()
