"""Kombo's webhooks and the messages to people: from HR to Learn Amp in seconds, whoever delivers whatever how often."""

import base64
import concurrent.futures
import hashlib
import hmac
import http.server
import json
import re
import signal
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from rollcall.suite import equal, run, test
from rollcall.waiting import PATIENCE, wait_for
from rollcall.world import Kafka, World

RARELY = {"kombo": {"poll_interval": "3h", "full_sync_interval": "24h"}}


class Chat:
    """What notify.url is: hears messages."""

    def __init__(self):
        self.heard = heard = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def of(self, kind):
        return [message for message in self.heard if message["kind"] == kind]


chat = Chat()
cluster = Kafka(brokers=1)  # of our own: it is stopped for a while
world = World("webhook", {
    "acme": {"people": 10, **RARELY},
    "sick": {"people": 4, **RARELY},
    "rejects": {"people": 4, **RARELY},
    "held": {"people": 10, **RARELY, "policy": {"brakes": {"deactivations": {"count": 1, "percent": 0}}}},
    "silent": {"people": 4, "kombo": {"poll_interval": "1s", "webhook_secret": ""}},
}, settings={"notify": {"url": chat.url}}, cluster=cluster)
acme, sick, rejects, held, silent = (world[slug] for slug in ("acme", "sick", "rejects", "held", "silent"))
producers = []


def body_of(integration, number, **data):
    return json.dumps({"id": f"delivery-{number}", "type": "data-changed",
                       "data": {"integration_id": integration.id, "integration_tool": "personio", "integration_category": "HRIS",
                                "changed_models": [{"name": "hris_employees"}], **data}}).encode()


def sign(body, secret):
    return base64.urlsafe_b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).rstrip(b"=").decode()


def post(producer, body, signature=None, method="POST"):
    """(status, text)"""
    headers = {"Content-Type": "application/json", **({"X-Kombo-Signature": signature} if signature is not None else {})}
    request = urllib.request.Request(f"http://{producer.address()}/webhooks/kombo", body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def deliver(producer, integration, number):
    body = body_of(integration, number)
    return post(producer, body, sign(body, integration.description["kombo"]["webhook_secret"]))[0]


def kombo_says(producer, integration, **what):
    """As the stand-in of Kombo delivers it."""
    return integration.call("POST", "webhook", {"url": f"http://{producer.address()}/webhooks/kombo", **what})["status"]


def commands(integration):
    return [record for record in world.topics.refresh().records["sync.commands"] if record.key == integration.id]


def polls(integration):
    return sum(producer.metric("polls_total", integration=integration.id) for producer in producers if producer.alive)


def owner_of(integration):
    owners = [p for p in producers if ("announced_employees", (("integration", integration.id),)) in p.metrics()]
    return owners[0] if len(owners) == 1 else None


def state(integration):
    return world.topics.refresh().states()[integration.id]


def retitle(integration, title):
    person = next(e["id"] for e in integration.employees() if integration.user(e["id"]))
    integration.change("update", person, job_title=title)
    return lambda: integration.user(person)["jobTitle"] == title


@test
def from_the_webhook_to_Learn_Amp_in_seconds():
    producers.extend(world.producer(name).start() for name in ("one", "two"))
    world.consumer().start().wait_ready()
    for producer in producers:
        producer.wait_ready()
    world.wait_equal()
    world.wait_quiet()
    arrived = retitle(acme, "Captain")
    began = time.monotonic()
    equal(kombo_says(producers[0], acme, models=["hris_employees", "hris_join_employees_teams"]), 200)
    wait_for("the change at Learn Amp", arrived, 10)
    assert time.monotonic() - began < 10 * PATIENCE
    world.topics.refresh()
    kinds = [(kind, record.value["metadata"]["trigger"]) for kind, record in world.topics.events(acme.id) if kind != "created"]
    equal(kinds, [("profile-updated", "WEBHOOK")])


@test
def whichever_producer_is_told_the_one_that_owns_the_integration_polls():
    owner = wait_for("an owner of acme", lambda: owner_of(acme))
    stranger = next(producer for producer in producers if producer is not owner)
    arrived, before = retitle(acme, "Admiral"), stranger.metric("polls_total", integration=acme.id)
    equal(deliver(stranger, acme, "stranger"), 200)
    wait_for("the change at Learn Amp", arrived, 15)
    equal(stranger.metric("polls_total", integration=acme.id), before)


@test
def what_is_not_signed_changes_nothing_and_cannot_be_told_apart():
    producer = producers[0]
    body, before = body_of(acme, "forged"), len(commands(acme))
    unknown, secret = body.replace(acme.id.encode(), b"personio:nobody"), acme.description["kombo"]["webhook_secret"]
    wrong = [post(producer, body, sign(body, "another secret")), post(producer, body), post(producer, body, ""),
             post(producer, body + b" ", sign(body, secret)), post(producer, unknown, sign(unknown, secret)),
             post(producer, body_of(silent, 1), sign(body_of(silent, 1), "")),
             post(producer, body_of(silent, 1), sign(body_of(silent, 1), silent.description["kombo"]["webhook_secret"]))]
    equal(wrong, [(401, wrong[0][1])] * len(wrong))
    equal([post(producer, b"{", "x")[0], post(producer, b"x" * 70000, "x")[0], post(producer, None, method="GET")[0]], [400, 413, 405])
    equal(len(commands(acme)), before)
    equal([r for r in world.topics.records["sync.commands"] if r.key not in (acme.id, sick.id)], [])
    refused = {detail: producer.metric("webhooks_total", result="refused", detail=detail)
               for detail in ("bad_signature", "no_signature", "unknown_integration", "no_secret", "malformed")}
    equal(refused, {"bad_signature": 3, "no_signature": 1, "unknown_integration": 1, "no_secret": 2, "malformed": 1})
    log = producer.text()
    assert "unknown_integration" in log and "no_secret" in log, "the log does not say why"
    # Without a secret polling goes on.
    wait_for("a change that was polled", retitle(silent, "Polled"), 20)


@test
def what_was_delivered_twice_is_harmless():
    before = len(commands(acme))
    equal([deliver(producers[0], acme, "twice") for _ in range(5)], [200] * 5)
    equal(len(commands(acme)), before + 1)
    # Another producer cannot know; its command has the same id.
    equal(deliver(producers[1], acme, "twice"), 200)
    ids = {record.value["id"] for record in commands(acme)[before:]}
    equal((len(commands(acme)), len(ids)), (before + 2, 1))
    events = len(list(world.topics.events(acme.id)))
    finished(acme)
    equal(len(list(world.topics.refresh().events(acme.id))), events)


def finished(*integrations):
    """Until the producers have committed every command of theirs."""
    def open_commands():
        world.topics.refresh()
        committed = world.topics.committed(f"{world.prefix}rollcall-producer")
        return [str(r) for r in world.topics.records["sync.commands"]
                if r.key in [i.id for i in integrations] and committed.get((world.prefix + "sync.commands", r.partition), 0) <= r.offset]
    wait_for("all commands to be finished", open_commands, 40)


@test
def a_burst_is_a_handful_of_polls():
    arrived, before, known = retitle(acme, "Commodore"), polls(acme), len(commands(acme))
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        equal(set(pool.map(lambda n: deliver(producers[n % 2], acme, f"burst-{n}"), range(200))), {200})
    wait_for("the change at Learn Amp", arrived, 15)
    equal(len(commands(acme)), known + 200)
    finished(acme)
    assert polls(acme) - before <= 6, f"{polls(acme) - before} polls"


@test
def who_has_to_mend_a_connection_is_told_at_once_and_once():
    sick.settings(kombo={"status": "INVALID"})
    equal(kombo_says(producers[0], sick, type="integration-state-changed", state="INVALID"), 200)
    wait_for("the customer to be needed", lambda: state(sick)["state"] == "NEEDS_CUSTOMER", 15)
    message, = wait_for("the message", lambda: tuple(chat.of("needs_customer")), 10)
    equal((message["integration"], message["reason"]), (sick.id, state(sick)["reason"]))
    assert f"rollcall-producer once --integration {sick.id}" in message["text"], message
    failures = state(sick)["failures"]
    equal(kombo_says(producers[1], sick), 200)
    wait_for("another poll", lambda: state(sick)["failures"] > failures, 15)
    # Nor again by those who read the state anew.
    for producer in producers:
        equal(producer.stop(), 0)
        producer.start().wait_ready()
    equal(kombo_says(producers[0], sick), 200)
    finished(sick)
    sick.settings(kombo={"status": "ACTIVE"})
    equal(kombo_says(producers[0], sick, type="integration-state-changed", state="ACTIVE"), 200)
    wait_for("all to be well", lambda: state(sick)["state"] == "OK", 15)
    equal(kombo_says(producers[0], sick, type="integration-deleted"), 200)
    finished(sick)
    equal(len(chat.of("needs_customer") + chat.of("misconfigured")), 1)


@test
def a_hold_is_told_with_the_lines_that_decide_it():
    leavers = [e["id"] for e in held.employees() if held.user(e["id"])][:3]
    for leaver in leavers:
        held.change("leave", leaver)
    equal(kombo_says(producers[0], held), 200)
    message, = wait_for("the message", lambda: tuple(chat.of("hold")), 20)
    hold = state(held)["holds"][0]
    equal((message["integration"], message["hold"], message["class"], message["employees"], message["limit"]),
          (held.id, hold["id"], "deactivations", 3, 1))
    lines = [line.split() for line in re.findall("`(.*?)`", message["text"])]
    equal([line[1] for line in lines], ["status", "approve", "reject"])
    equal([world.command("producer", *line[1:]).returncode for line in lines[:2]], [3, 0])
    wait_for("those who left", lambda: [one for one in leavers if held.user(one)["statusValue"] != "deactivated"], 20)
    equal(len(chat.of("hold")), 1)


@test
def dead_letters_are_told_with_their_number():
    world.sandbox.fault("status", "learnamp", rejects, next=-1, status=422, match={"contains": "Refused"},
                        body={"error": "jobTitle is not allowed here"})
    for person in rejects.employees():
        rejects.change("update", person["id"], job_title="Refused")
    equal(kombo_says(producers[0], rejects), 200)
    first = wait_for("the message", lambda: tuple(chat.of("dead_letter")), 20)[0]
    equal((first["integration"], first["reason"]), (rejects.id, "REJECTED"))
    assert 1 <= first["count"] <= 4 and f"dlq list --integration {rejects.id}" in first["text"], first
    names = [value for person in rejects.employees() for value in (person["first_name"], person["last_name"], person["work_email"]) if value]
    equal([name for name in names for message in chat.heard if name in json.dumps(message)], [], "people who are named")
    world.sandbox.clear()
    for person in rejects.employees():
        rejects.change("update", person["id"], job_title="Allowed")
    equal(kombo_says(producers[0], rejects), 200)
    world.wait_equal("rejects")


@test
def nothing_is_taken_while_Kafka_is_away():
    arrived = retitle(acme, "Commander")
    cluster.signal(1, signal.SIGSTOP)
    tasks = Path(f"/proc/{(Path(cluster.own) / 'broker-1.pid').read_text().split()[0]}/task")
    wait_for("the broker to stand still", lambda: [str(t) for t in tasks.iterdir() if (t / "stat").read_text().rsplit(") ")[-1][0] != "T"])
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(deliver, producers[0], acme, f"away-{n}") for n in range(8)]
        alive = time.monotonic()
        equal(producers[0].get("/healthz")[0], 200)
        assert time.monotonic() - alive < 2 * PATIENCE, "health waited for Kafka"
        equal({answer.result() for answer in answers}, {503})
    assert time.monotonic() - began < 12 * PATIENCE
    cluster.signal(1, signal.SIGCONT)
    # Kombo delivers it again.
    wait_for("Kafka to be back", lambda: deliver(producers[0], acme, "away-0") == 200, 60)
    wait_for("the change at Learn Amp", arrived, 60)
    world.wait_quiet()
    world.check_books(without=("I6, I7 dead letters",))


with world:
    run(world)
