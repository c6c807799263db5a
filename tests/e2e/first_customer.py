"""The path of somebody who has never seen the project, with the README and docs/operations.md only: preview a customer's first import, run it, see a mass leaver
stopped, approve it in the browser, find out why somebody is missing, mend it, replay it, and resync a wiped Learn Amp."""

import http.server
import json
import threading

from rollcall.browser import Browser
from rollcall.suite import equal, fail, run, test
from rollcall.world import World

LEAVERS = 12


class Chat(http.server.BaseHTTPRequestHandler):
    """A chat tool's incoming webhook."""

    messages = []

    def do_POST(self):  # noqa: N802 - the name that http.server calls
        self.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


chat = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chat)
threading.Thread(target=chat.serve_forever, daemon=True).start()

BRAKES = {"deactivations": {"count": 5, "percent": 10}}
world = World("first", {"acme": {"people": 60, "kombo": {"poll_interval": "1h"}, "policy": {"brakes": BRAKES}}},
              {"notify": {"url": f"http://127.0.0.1:{chat.server_port}/hook"}, "consumer": {"retry_delays": ["1s", "5s", "10s"]}})
acme = world["acme"]
browser = Browser()
case = {}


def type_in(line, code=0):
    """A command line as the documents have it."""
    program, *arguments = line.split()
    done = world.command(program.removeprefix("rollcall-"), *arguments)
    equal(done.returncode, code, f"{line}\n{done.stdout}{done.stderr}")
    return done.stdout


def says(text, *words):
    fail([f"{word!r} is not in\n{text}" for word in words if word not in text])


def names(people):
    return [f"{person['first_name']} {person['last_name']}" for person in people]


def active():
    return {user["integrationExternalId"] for user in acme.users() if user["statusValue"] != "deactivated"}


def invited():
    """Whom our creations sent an invitation."""
    bodies = [json.loads(request["body"]) for request in acme.writes() if request["method"] == "POST" and request["target"].startswith("/v1/users")]
    return [body["email"] for body in bodies if not body.get("skipInvitation")]


def employed():
    return [person for person in acme.employees() if person["id"] in active() and person["employment_status"] == "ACTIVE"]


@test
def the_configuration_is_checked_and_every_service_reached():
    out = type_in("rollcall-producer plan")  # before there is anything on Kafka
    says(out, "first import", "nothing was published")
    equal([name for name in world.topics.names() if name.startswith(world.prefix)], [])
    type_in("rollcall-producer topics")
    type_in("rollcall-producer check")
    type_in("rollcall-consumer check")


@test
def the_first_import_is_previewed_before_anything_happens():
    people = [person for person in acme.employees() if person["employment_status"] == "ACTIVE" and person["work_email"]]
    case["adopted"], case["stranger"] = people[3], "someone.else@elsewhere.example"
    acme.add_user(email=case["adopted"]["work_email"], firstName="Old", lastName="Account")
    acme.add_user(email=case["stranger"], firstName="Some", lastName="Stranger")
    case["nora"] = acme.change("hire", first_name="Nora", last_name="Nomail", work_email=None)["employee"]
    case["otto"] = acme.change("hire", first_name="Otto", last_name="Refused", job_title="Wizard")["employee"]
    out = type_in(f"rollcall-producer plan --integration {acme.id}")
    says(out, "to create", "HR has no e-mail address", "Nora Nomail")
    plan = json.loads(type_in(f"rollcall-producer plan --integration {acme.id} --json"))["integrations"][0]
    case["planned"] = {event["employee_id"] for event in plan["events"]}
    equal(acme.writes(), [], "writes at Learn Amp")
    equal(list(world.topics.refresh().events()), [])


@test
def it_is_published_and_looked_at_once_more_before_it_is_applied():
    type_in(f"rollcall-producer once --integration {acme.id}")
    equal({record.value["metadata"]["employee_id"] for _, record in world.topics.refresh().events()}, case["planned"])
    out = type_in(f"rollcall-consumer plan --integration {acme.id}")
    says(out, case["stranger"])
    plan = json.loads(type_in(f"rollcall-consumer plan --integration {acme.id} --json"))["integrations"][0]
    actions = {action["employee_id"]: action["action"] for action in plan["actions"]}
    equal(set(actions), case["planned"])
    equal(actions.pop(case["adopted"]["id"]), "adopt")
    equal(set(actions.values()), {"create"})
    equal([user["email"] for user in plan["unknown_in_hr"]], [case["stranger"]])
    equal(acme.writes(), [], "writes at Learn Amp")


@test
def it_is_run():
    case["refusal"] = world.sandbox.fault("status", "learnamp", acme, next=-1, status=422, match={"contains": "Wizard"},
                                          body={"error": "Validation failed", "fullErrors": {"jobTitle": ["is refused"]}})
    case["producer"] = world.producer().start()
    world.consumer().start().wait_ready()
    world.wait_for("all but one to be there", lambda: sorted(case["planned"] - {case["otto"]} - active()), 40)
    world.wait_quiet()
    equal(invited(), [])
    out = type_in("rollcall-producer status")
    says(out, acme.id)


@test
def a_mass_leaver_is_stopped_and_somebody_is_told():
    case["leavers"] = employed()[10:10 + LEAVERS]
    acme.changes([{"op": "leave", "employee": person["id"]} for person in case["leavers"]])
    type_in(f"rollcall-producer once --integration {acme.id}", code=3)
    out = type_in("rollcall-producer status", code=3)
    says(out, f"{LEAVERS} deactivations held for a person to decide")
    hold = json.loads(type_in("rollcall-producer status --json", code=3))["integrations"][0]["holds"][0]
    says(type_in(f"rollcall-producer status --integration {acme.id} --hold {hold['id']}", code=3), *names(case["leavers"]))
    world.wait_for("a message", lambda: [] if any(m["kind"] == "hold" for m in Chat.messages) else [str(Chat.messages)], 20)
    message = next(m for m in Chat.messages if m["kind"] == "hold")
    says(message["text"], hold["id"], str(LEAVERS))
    fail([f"{name} stands in {message}" for name in names(case["leavers"]) if name in json.dumps(message)])
    equal(sum(user["deactivations"] for user in acme.users()), 0)


@test
def it_is_approved_in_the_browser():
    browser.start()
    browser.run("await page.goto(arg)", f"http://{case['producer'].address()}/")
    browser.run("""await page.locator('main').getByRole('link').first().click();
        await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Decisions' }).click();
        await page.getByText(arg).first().waitFor()""", names(case["leavers"])[0])
    text = browser.run("return page.locator('main').innerText()")
    says(text, *names(case["leavers"]))
    browser.picture("first-customer-hold")
    browser.run("await page.getByRole('button', { name: /^Approve/ }).click()")
    says(browser.run("return page.getByRole('dialog').innerText()"), str(LEAVERS))
    browser.picture("first-customer-confirm")
    browser.run("await page.getByRole('dialog').getByRole('button', { name: arg }).click()", f"Deactivate {LEAVERS} people")
    world.wait_for("them to be gone", lambda: names([p for p in case["leavers"] if p["id"] in active()]), 30)
    equal(sum(user["deactivations"] for user in acme.users()), LEAVERS)


@test
def why_somebody_is_missing_is_told():
    says(type_in(f"rollcall-consumer trace --integration {acme.id} --employee {case['nora']}"), "Nora Nomail", "e-mail")
    out = type_in(f"rollcall-consumer trace --integration {acme.id} --employee {case['otto']}")
    says(out, "Otto Refused", "is refused", "dlq replay")


@test
def it_is_mended_and_replayed():
    acme.change("update", case["nora"], work_email="nora@acme.example")
    type_in(f"rollcall-producer once --integration {acme.id}")
    world.wait_for("Nora to be there", lambda: [] if case["nora"] in active() else ["not yet"], 20)
    world.sandbox.clear(case["refusal"])  # Learn Amp's administrator allowed the title
    says(type_in("rollcall-consumer dlq list"), "Otto Refused", "is refused")
    says(type_in(f"rollcall-consumer dlq replay --integration {acme.id}"), "--apply")
    type_in(f"rollcall-consumer dlq replay --integration {acme.id} --apply")
    world.wait_for("Otto to be there", lambda: [] if case["otto"] in active() else ["not yet"], 20)
    world.wait_quiet()
    says(type_in(f"rollcall-consumer trace --integration {acme.id} --employee {case['otto']}"), "n step")
    equal(json.loads(type_in("rollcall-consumer dlq list --json"))["dead_letters"], [])
    type_in(f"rollcall-consumer audit --integration {acme.id}")


@test
def a_wiped_learn_amp_is_resynced():
    before = active()
    acme.call("DELETE", "users")
    out = type_in(f"rollcall-consumer audit --integration {acme.id}", code=3)
    says(out, "missing at Learn Amp", "--repair")
    type_in(f"rollcall-producer resync --integration {acme.id}")
    world.wait_for("everybody to be back", lambda: sorted((before - {None}) - active()), 40)
    world.wait_quiet()
    type_in(f"rollcall-consumer audit --integration {acme.id}")
    equal(invited(), [])
    world.wait_equal()


with world:
    try:
        run(world=world)
    finally:
        browser.stop()
        chat.shutdown()
