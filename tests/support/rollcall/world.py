"""One sandbox, one topic prefix on the shared Kafka, one configuration, and the programs that run on them."""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import confluent_kafka

from rollcall import books, config
from rollcall.books.watch import Watch
from rollcall.process import ROOT, Program, run
from rollcall.sandbox import Sandbox
from rollcall.suite import fail
from rollcall.topics import Topics
from rollcall.waiting import wait_for

# A test that is ended ends what it started.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

KEEP = os.environ.get("RC_KEEP")  # a folder in which all logs and files stay


class Kafka:
    """The broker that tests/run.sh started, else one of our own that stays until stop(). With `brokers` always a cluster of our own."""

    def __init__(self, registry=False, brokers=0):
        self.address = None if brokers else os.environ.get("RC_TEST_KAFKA")
        self.registry = "" if brokers else os.environ.get("RC_TEST_REGISTRY", "")
        self.own = None
        self.starting = None
        self.down = False
        if self.address:
            return
        self.own = tempfile.mkdtemp(prefix="rollcall-kafka.")
        more = (["--registry"] if registry else []) + (["--brokers", str(brokers)] if brokers else [])
        done = subprocess.run(self._command("start", *more), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        atexit.register(self.stop)
        addresses = dict(line.split("=", 1) for line in done.stdout.split())
        self.address = addresses["RC_TEST_KAFKA"]
        self.registry = addresses.get("RC_TEST_REGISTRY", "")

    def _command(self, verb, *more):
        return [str(ROOT / "deploy/kafka.sh"), verb, "--dir", self.own, *more]

    def stop(self):
        if not self.own:
            return
        for log in Path(self.own).glob("broker-*.log") if KEEP else ():
            shutil.copy(log, Path(KEEP) / log.name)
        subprocess.run(self._command("stop", "--delete"), check=False)

    def cpu(self):
        """Seconds of processor time of the brokers that run."""
        used = 0
        for pid in Path(self.own).glob("broker-*.pid"):
            try:
                fields = Path(f"/proc/{pid.read_text().split()[0]}/stat").read_text().rpartition(")")[2].split()
            except (OSError, IndexError):
                continue  # it was killed
            used += int(fields[11]) + int(fields[12])
        return used / os.sysconf("SC_CLK_TCK")

    # --- brokers of our own cluster ---

    def signal(self, node, number):
        pid = int((Path(self.own) / f"broker-{node}.pid").read_text().split()[0])
        os.kill(pid, number)
        self.down = number == signal.SIGSTOP

    def kill(self, node):
        self.down = True
        subprocess.run(self._command("stop", "--node", str(node)), stdin=subprocess.DEVNULL, check=True)

    def begin_start(self):
        """Brings back who was killed; has_started() tells when all answer."""
        self.starting = subprocess.Popen(self._command("start"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def has_started(self):
        code = self.starting.poll()
        assert code in (None, 0), "brokers do not come back"
        self.down = code is None
        return code == 0


_kafka = None


def kafka():
    global _kafka
    if _kafka is None:
        _kafka = Kafka(registry=True)
    return _kafka


class World:
    """`integrations`: {slug: {"people": …, "seed": …, and sections of its configuration}}.
    `settings` are merged into the configuration. `cluster`: a Kafka of the test's own. A context manager: everything ends with it."""

    def __init__(self, name, integrations, settings=None, registry=False, partitions=4, cluster=None):
        self.name = name
        self.kafka = cluster or kafka()
        base = Path(KEEP) if KEEP else Path(tempfile.gettempdir())
        base.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix=f"rollcall-{name}.", dir=base))
        self.prefix = f"{name}-{os.getpid()}-{time.monotonic_ns() % 1000000}."
        # Groups have no prefix: on a broker that many tests share the application keeps them apart.
        self.application = self.prefix[:-1]
        self.settings = settings or {}
        self.partitions = partitions
        self.registry = self.kafka.registry if registry else ""
        self.programs = []
        self.overrides = {}
        self.sandbox = None
        self.topics = None
        self.watching = None
        try:
            self.sandbox = Sandbox(self.folder)
            self.integrations = {}
            for number, (slug, options) in enumerate(integrations.items()):
                options = dict(options)
                people, seed = options.pop("people", 10), options.pop("seed", 100 + number)
                sandbox_options = options.pop("sandbox", {})
                self.integrations[slug] = self.sandbox.add(slug, people, seed, **sandbox_options)
                self.overrides[slug] = options
            self.config_file = self.folder / "rollcall.yaml"
            self.write_config()
            self.topics = Topics(self.kafka.address, self.prefix, self.kafka.registry)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and kind is not SystemExit:
            self.report()
        self.close()

    def __getitem__(self, slug):
        return self.integrations[slug]

    def configuration(self):
        made = config.base(self.kafka.address, self.prefix, self.folder / "state", self.registry, self.partitions)
        made["consumer"]["application"] = self.application
        made["integrations"] = [config.integration(self.integrations[slug].description, **overrides)
                                for slug, overrides in self.overrides.items()]
        return config.merge(made, self.settings)

    def write_config(self, **settings):
        config.merge(self.settings, settings)
        config.write(self.configuration(), self.config_file)

    # --- programs ---

    def _program(self, kind, instance, arguments=(), environment=None):
        name = f"{kind}-{instance}"
        program = Program(name, f"rollcall-{kind}",
                          ["run", "--config", str(self.config_file), "--instance", instance, *arguments],
                          self.folder / f"{name}.log", environment)
        self.programs.append(program)
        return program

    def producer(self, instance="one", **options):
        return self._program("producer", instance, **options)

    def consumer(self, instance="one", events=None, **options):
        arguments = ["--events", ",".join(events)] if events else []
        return self._program("consumer", instance, arguments, **options)

    def command(self, program, *arguments, timeout=60):
        return run(f"rollcall-{program}", [*arguments, "--config", str(self.config_file)], timeout)

    def create_topics(self):
        done = self.command("producer", "topics")
        assert done.returncode == 0, done.stdout + done.stderr

    def read_anew(self):
        """Reads all topics again with new clients: those that saw brokers go and come may ask by leaders' epochs that are over for ever."""
        self.topics.close()
        self.topics = Topics(self.kafka.address, self.prefix, self.kafka.registry)

    def make_anew(self, topic):
        """Deletes a topic and makes it again, faster than a program looks at its metadata."""
        name = self.prefix + topic
        self.topics.admin.delete_topics([name])[name].result(30)
        self.wait_for(f"{name} to be gone", lambda: name not in self.topics.names(), 20, 0.05)
        self.create_topics()

    def start(self):
        """One producer and one consumer with all lanes."""
        producer, consumer = self.producer().start(), self.consumer().start()
        producer.wait_ready()
        consumer.wait_ready()
        return producer, consumer

    def delete_topics(self):
        """Everything of this world on a Kafka that goes on: topics, and the groups of it and of worlds before it of that kind. (Who left
        as a static member stays in its group until its session is over.)"""
        topics = Topics(self.kafka.address, self.prefix)
        for future in (topics.admin.delete_topics(topics.names(), request_timeout=20) if topics.names() else {}).values():
            future.result()
        kind = self.name.split("-")[0] + "-"
        groups = [group.group_id for group in topics.admin.list_consumer_groups(request_timeout=10).result().valid if group.group_id.startswith(kind)]
        for future in (topics.admin.delete_consumer_groups(groups, request_timeout=20) if groups else {}).values():
            if (error := future.exception()) and error.args[0].code() != confluent_kafka.KafkaError.NON_EMPTY_GROUP:
                raise error

    # --- conditions ---

    def wait_for(self, what, condition, timeout=40, interval=0.1):
        """waiting.wait_for, but a program that ended by itself ends it at once."""
        def checked():
            for program in self.programs:
                program.check()
            return condition()
        return wait_for(what, checked, timeout, interval)

    def wait_equal(self, *slugs, timeout=60, **query):
        for slug in slugs or self.integrations:
            self.wait_for(f"Learn Amp to equal HR ({slug})", lambda slug=slug: books.equality(self[slug], **query), timeout, 0.1)

    def wait_polled(self, *slugs, timeout=40, full=False):
        """Until a poll that began from now on has ended well."""
        since = time.time() * 1000
        wanted = [self[slug].id for slug in slugs or self.integrations]

        def polled():
            states = self.topics.refresh().states()
            polls = {i: (states.get(i) or {}).get("last_poll") for i in wanted}
            return [f"{i}: {poll}" for i, poll in polls.items()
                    if not poll or not poll["complete"] or milliseconds(poll["started_at"]) < since or (full and not poll["full"])]
        self.wait_for("a complete poll", polled, timeout, 0.2)

    def wait_quiet(self, timeout=60):
        """Until every lane has finished every record that there is."""
        self.wait_for("all lanes to have finished all records", lambda: self.topics.unfinished(self.application), timeout, 0.2)

    def settle(self, timeout=90, **query):
        """Until HR was polled, everything that follows from it is finished, and Learn Amp equals HR."""
        self.wait_polled(timeout=timeout)
        self.wait_equal(timeout=timeout, **query)
        self.wait_quiet(timeout=timeout)
        self.topics.refresh()

    def watch(self):
        """From now on the books know when a snapshot could be read, and judge the moments of deactivations by it."""
        self.watching = Watch(self.kafka.address, self.prefix)

    def read_books(self, **run):
        """{name: problems} of all books; `run`: rollcall.books.all_of."""
        self.topics.refresh()
        sections = {section["id"]: section for section in self.configuration()["integrations"]}
        return books.all_of(self.topics, self.integrations.values(), self.application, sections=sections, folders=[self.folder],
                            seen=self.watching and self.watching.seen, **run)

    def check_books(self, without=(), **run):
        """All books at once; fails with everything that is wrong."""
        problems = []
        for name, found in self.read_books(**run).items():
            if name.split(":")[0] in without:
                continue
            problems += [f"{name}: {problem}" for problem in found]
        fail(problems, "books")

    # --- the end ---

    def report(self):
        """What the programs said, where a test failed."""
        for program in self.programs:
            text = program.text().splitlines()
            worth = [line for line in text if " WARN" in line or " ERROR" in line or "warn" in line or "error" in line]
            print(f"  --- {program.name} ({program.state()}, life {program.lives}): {program.log}")
            # The last of what it said tells what it waits for, where it warned of nothing.
            for line in worth[-12:] + [line for line in text[-6:] if line not in worth[-12:]]:
                print("    " + line[:300])
        self.report_hanging()

    def report_hanging(self):
        """Transactions that stay open: whoever waits behind one says no more than that they wait."""
        if not self.topics or self.kafka.down:
            return
        found = self.topics.open_transactions()
        if found:
            time.sleep(2)  # ours are over in a fraction of it
            found = [place for place in self.topics.open_transactions() if place in found]
        for place in found:
            print(f"  --- {place}")

    def close(self):
        for program in self.programs:
            program.kill()
        if self.watching:
            self.watching.close()
        if self.topics:
            self.topics.close()
        if self.sandbox:
            self.sandbox.stop()
        if not KEEP:
            shutil.rmtree(self.folder, ignore_errors=True)


def milliseconds(value):
    """fastavro gives timestamp-millis as datetime."""
    return value.timestamp() * 1000 if hasattr(value, "timestamp") else value
