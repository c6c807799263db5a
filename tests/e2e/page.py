"""The status page, as HR and IT people use it: in Chromium, on a real Kafka, with the brakes, pauses and dead letters of the real programs."""

import datetime
import json
import urllib.error
import urllib.request

from rollcall.browser import Browser
from rollcall.suite import equal, fail, run, test
from rollcall.waiting import PATIENCE, wait_for
from rollcall.world import World

TOKEN = "correct-horse-battery"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
HOSTILE = "<img src=x onerror=alert(1)>"
BRAKES = {"deactivations": {"count": 5, "percent": 0}, "cleared_values": {"count": 5, "percent": 0}}

# Nothing is polled by the clock: the page's own button does it.
world = World("page", {"acme": {"people": 40, "timezone": "Europe/Berlin", "kombo": {"poll_interval": "1h"}, "policy": {"create": "0d", "brakes": BRAKES}},
                       "globex": {"people": 3, "kombo": {"poll_interval": "1h"}}}, {"api_token": TOKEN})
acme = world["acme"]
browser = Browser()
people = {}
today = datetime.datetime.now(datetime.timezone.utc).date()


def day(days):
    return str(today + datetime.timedelta(days=days))


def written(days):
    date = today + datetime.timedelta(days=days)
    return f"{date:%A}, {date.day} {date:%B} {date.year}"


def go(section):
    browser.run("""await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: arg }).click();
        await page.getByRole('heading', { level: 1 }).waitFor()""", section)


def see(text, selector="main"):
    browser.run("await page.locator(arg.selector).getByText(arg.text).first().waitFor()", {"text": text, "selector": selector})


def see_not(text):
    browser.run("await page.locator('main').getByText(arg).first().waitFor({ state: 'detached' })", text)


def press(name, exact=False):
    browser.run("await page.getByRole('button', { name: arg.name, exact: arg.exact }).click()", {"name": name, "exact": exact})


def main_text():
    return browser.run("return page.locator('main').innerText()")


def dialog_text():
    return browser.run("return page.getByRole('dialog').innerText()")


def look_at_hr():
    """The button, and until its order is done."""
    go("Overview")
    done = browser.run("return page.getByRole('row', { name: /Look at HR now/ }).getByText(/^done/).count()")
    press("Look at HR now")
    browser.run("""await page.waitForFunction((n) => [...document.querySelectorAll('tr')].filter((row) => /Look at HR now/.test(row.textContent)
        && /done|failed/.test(row.textContent)).length > n || /Look at HR now: (done|HR|Kombo|the )/.test(document.getElementById('live').textContent), arg)""", done)


def active(employee):
    return (acme.user(employee) or {}).get("statusValue") not in (None, "deactivated")


def ask(method, path, body=None, port_of=None, **headers):
    """The API as a program uses it: (status, answer)."""
    address = (port_of or world.programs[0]).address()
    request = urllib.request.Request(f"http://{address}{path}", body and json.dumps(body).encode(), {"Content-Type": "application/json", **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def check_page(name):
    """What holds on every section: nothing is wrong for people who cannot see or use no mouse, and nothing runs out of a phone's screen."""
    if PATIENCE > 1:
        return  # sanitized programs: the page itself is the same
    fail(browser.violations(), f"{name}: axe")
    browser.run("await page.setViewportSize({ width: 360, height: 740 })")
    wide = browser.run("return page.evaluate(() => document.scrollingElement.scrollWidth - window.innerWidth)")
    browser.picture(f"{name}-phone")
    browser.run("await page.setViewportSize({ width: 1280, height: 900 }); await page.emulateMedia({ colorScheme: 'dark' })")
    fail(browser.violations(), f"{name}: axe in the dark")
    browser.picture(f"{name}-dark")
    browser.run("await page.emulateMedia({ colorScheme: 'light' })")
    browser.picture(name)
    assert wide <= 0, f"{name} is {wide} pixels too wide for a phone"


@test
def the_wrong_token_opens_nothing_and_the_right_one_the_page():
    people["no_mail"] = acme.change("hire", first_name=HOSTILE, last_name="Hostile", work_email=None)["employee"]
    people["no_name"] = acme.change("hire", first_name=None, last_name=None, work_email="nameless@acme.example")["employee"]
    people["first"] = acme.change("hire", first_name="Åsa", last_name="Mäkinen", work_email="asa@acme.example", start_date="2020-01-01")["employee"]
    people["second"] = acme.change("hire", first_name="Other", last_name="Person", work_email="ASA@acme.example", start_date="2024-01-01")["employee"]
    people["starter"] = acme.change("hire", first_name="Newt", last_name="Starter", employment_status="PENDING", start_date=day(10))["employee"]
    people["leaver"] = acme.change("hire", first_name="Lea", last_name="Verin", termination_date=day(5), start_date="2020-01-01")["employee"]
    people["staff"] = [acme.change("hire", first_name="Staff", last_name=f"Member {i:02}", job_title=f"Job {i}")["employee"] for i in range(12)]
    world["globex"].changes([{"op": "hire", "first_name": "Numéro", "last_name": f"{i:02}", "work_email": None} for i in range(60)])
    producer = world.producer().start().wait_ready()
    browser.start()
    # Lists come later than their headings, as they do on a slow machine: who reads one without waiting for it fails every time.
    browser.run("await page.route(/api\\/(activity|calendar|dead-letters|waiting)/, async (route) => { await new Promise((go) => setTimeout(go, 250)); await route.continue(); })")
    browser.run("await page.goto(arg)", f"http://{producer.address()}/")
    browser.picture("sign-in")
    fail(browser.violations(), "axe")
    # Nothing of anybody is there before.
    equal(browser.run("return page.evaluate(async () => (await fetch('/api/integrations')).status)"), 401)
    browser.run("await page.getByLabel('Access token').fill('a guess'); await page.keyboard.press('Enter')")
    see("This is not the token")
    browser.run("await page.getByLabel('Access token').fill(arg); await page.keyboard.press('Enter')", TOKEN)
    see("All customers")
    cookie = browser.run("return (await context.cookies())[0]")
    equal((cookie["httpOnly"], cookie["sameSite"], cookie["secure"]), (True, "Strict", False))
    check_page("all")
    browser.run("await page.locator('main').getByRole('link').first().click()")
    see("Reading HR")


@test
def without_a_consumer_nobody_is_said_to_be_in_step():
    see("No program is running that carries out changes at Learn Amp.")
    browser.picture("no-consumer")
    world.consumer().start()
    see_not("No program is running")
    world.wait_for("the import", lambda: active(people["staff"][-1]) and active(people["leaver"]), 30)


@test
def the_overview_says_what_needs_somebody():
    see("3 people need something corrected in HR")
    equal(browser.run("return page.title()"), f"Overview, {acme.description['name']} · Rollcall")
    check_page("overview")


@test
def the_work_list_names_who_has_to_be_corrected_and_markup_in_a_name_is_text():
    go("To correct in HR")
    see("3 people to correct in HR")
    text = main_text()
    for words in (f"{HOSTILE} Hostile", "HR has no e-mail address", "HR has no first or last name", "nameless@acme.example",
                  f"Same e-mail address: Åsa Mäkinen (ID {people['first']}) has it too", "Enter the work e-mail address in HR."):
        assert words in text, f"{words!r} is not in {text}"
    equal(browser.run("return page.locator('main img').count()"), 0)
    equal(browser.complaints(), [])
    check_page("work")


@test
def the_calendar_has_who_starts_and_who_leaves():
    go("Calendar")
    see("Newt Starter")
    rows = browser.run("return page.locator('tbody tr').allInnerTexts()")
    starter, leaver = (next(row for row in rows if name in row) for name in ("Newt Starter", "Lea Verin"))
    assert written(10) in starter and "First day" in starter, starter
    assert written(5) in leaver and "Last day" in leaver, leaver
    check_page("calendar")


@test
def who_waits_is_found_without_accents_and_by_reason():
    go("Waiting")
    see("Newt Starter")
    browser.run("await page.getByLabel('Why they wait').selectOption('NOT_YET')")
    see("Newt Starter")
    see_not("Other Person")
    assert "Gets an account" in main_text() and "their account is made later" in main_text(), main_text()
    check_page("waiting")
    browser.run("await page.getByLabel('Why they wait').selectOption('')")
    browser.run("await page.getByLabel(/^Search/).fill('makinen')")
    see("Nobody is found by these words.")  # Åsa has the address: she does not wait
    browser.run("await page.getByLabel(/^Search/).fill('PERSON other')")
    see("Other Person")


@test
def a_long_list_is_cut_into_pages_and_searched_by_the_server():
    browser.run("await page.getByLabel('Customer').selectOption({ label: arg })", world["globex"].description["name"])
    go("To correct in HR")
    see("60 people to correct in HR")
    see("1 to 50 of 60")
    press("Next")
    see("51 to 60 of 60")
    equal(browser.run("return page.locator('tbody tr').count()"), 10)
    equal(browser.run("return page.evaluate(() => document.activeElement.textContent)"), "Next", "the focus")
    browser.run("await page.getByLabel(/^Search/).fill('numero 07')")
    see("1 person to correct in HR")
    assert "Numéro 07" in main_text(), main_text()
    browser.run("await page.getByLabel('Customer').selectOption({ label: arg })", acme.description["name"])
    see("3 people to correct in HR")


@test
def a_mass_leaver_is_held_and_carried_out_when_a_person_approves():
    for employee in people["staff"][:8]:
        acme.change("update", employee, termination_date="2025-06-30", start_date="2020-01-01")
    look_at_hr()
    see("8 people wait for your decision")
    go("Decisions")
    see("8 people would lose their Learn Amp account")
    see("Staff Member 07")  # the names are asked for after the headings
    text = main_text()
    assert all(f"Staff Member {i:02}" in text for i in range(8)) and "Last day was Monday, 30 June 2025" in text, text
    assert all(active(employee) for employee in people["staff"]), "somebody was deactivated before it was approved"
    check_page("decisions")
    press("Approve: deactivate 8 people …")
    assert "8 people lose their Learn Amp account: teams, tasks and enrolments are destroyed and cannot be brought back." in dialog_text(), dialog_text()
    fail(browser.violations(), "axe")
    browser.picture("confirm")
    # "Cancel" has the focus, Escape is no, and the focus returns.
    equal(browser.run("return page.evaluate(() => document.activeElement.id)"), "dialog-no")
    browser.run("await page.keyboard.press('Escape')")
    assert browser.run("return page.evaluate(() => document.activeElement.id)").endswith("-approve"), "the focus is lost"
    assert all(active(employee) for employee in people["staff"]), "Escape approved it"
    # Two more leave while somebody looks at the eight: they were not on the list, and wait for a decision of their own.
    press("Approve: deactivate 8 people …")
    for employee in (people["staff"][8], people["staff"][11]):
        acme.change("update", employee, termination_date="2025-06-30", start_date="2020-01-01")
    equal(ask("POST", "/api/orders", {"integration": acme.id, "what": "POLL"}, **BEARER)[0], 202)
    wait_for("the two to join the list", lambda: ask("GET", "/api/integrations", **BEARER)[1]["integrations"][0]["holds"][0]["employees"] == 10)
    press("Deactivate 8 people", exact=True)
    see("2 people would lose their Learn Amp account")
    wait_for("eight accounts to be deactivated", lambda: [e for e in people["staff"][:8] if active(e)], 20)
    assert all(active(employee) for employee in people["staff"][8:]), "too many were deactivated"
    press("Reject: keep 2 people …")
    press("Keep 2 people", exact=True)
    see("Nothing waits for a decision.")


@test
def a_lost_permission_is_rejected_and_nobody_loses_a_title():
    chosen = [e["id"] for e in acme.employees() if e["employment_status"] == "ACTIVE" and e["job_title"] and e["work_email"] and e["id"] not in people["staff"]][:7]
    titles = {employee: acme.employee(employee)["job_title"] for employee in chosen}
    for employee in chosen:
        acme.change("update", employee, job_title=None)
    look_at_hr()
    go("Decisions")
    see("7 people would lose details in their profiles")
    see("Job title:")
    assert "Job title:" in main_text() and "nothing" in main_text(), main_text()
    browser.picture("cleared")
    press("Reject: keep the details of 7 people …")
    assert "7 people keep the present details at Learn Amp." in dialog_text(), dialog_text()
    press("Keep the details of 7 people", exact=True)
    see("Nothing waits for a decision.")
    equal(browser.run("return page.evaluate(() => document.activeElement.tagName)"), "H1", "the focus, when the list is gone,")
    equal({employee: acme.user(employee)["jobTitle"] for employee in chosen}, titles)
    go("Waiting")
    browser.run("await page.getByLabel('Why they wait').selectOption('REJECTED')")
    see("9 people wait")


@test
def what_learn_amp_refused_is_tried_again_by_a_button():
    person = people["staff"][9]
    refusal = world.sandbox.fault("status", "learnamp", acme, next=-1, status=422, match={"contains": "Refused"}, body={"error": "jobTitle is not allowed"})
    acme.change("update", person, job_title="Refused")
    look_at_hr()
    see("1 change could not be delivered to Learn Amp")
    go("Not delivered")
    see("Staff Member 09")
    assert "Learn Amp refused it" in main_text() and "jobTitle is not allowed" in main_text(), main_text()
    check_page("letters")
    world.sandbox.clear(refusal)
    press("Try again: Staff Member 09")
    see("Every change was delivered.")
    wait_for("the title to arrive", lambda: acme.user(person)["jobTitle"] == "Refused", 15)


@test
def a_pause_stops_one_kind_of_change_until_it_is_resumed():
    person = people["staff"][10]
    go("Overview")
    press("Pause: Profiles")
    assert "These changes are no longer made at Learn Amp, until somebody resumes." in dialog_text(), dialog_text()
    press("Pause profiles", exact=True)
    see("Paused: Profiles")
    browser.picture("paused")
    acme.change("update", person, job_title="Later")
    look_at_hr()
    go("Waiting")
    browser.run("await page.getByLabel('Why they wait').selectOption('PAUSED')")
    see("Staff Member 10")
    assert acme.user(person)["jobTitle"] == "Job 10", "it was not paused"
    go("Overview")
    press("Resume: Profiles")
    press("Resume profiles", exact=True)
    see_not("Paused: Profiles")
    wait_for("the title to arrive", lambda: acme.user(person)["jobTitle"] == "Later", 15)


@test
def everything_can_be_paused_and_resumed_by_the_keyboard_alone():
    def focus():
        return browser.run("return page.evaluate(() => document.activeElement.id)")

    def tab_to(wanted):
        for _ in range(60):
            browser.run("await page.keyboard.press('Tab')")
            if focus() == wanted:
                return
        raise AssertionError(f"Tab does not lead to {wanted}, but to {focus()}")

    browser.run("await page.reload(); await page.getByRole('heading', { name: 'Pause' }).waitFor()")
    browser.run("await page.keyboard.press('Tab')")
    equal(focus(), "skip")
    browser.run("await page.keyboard.press('Enter')")
    equal(focus(), "main")
    for button, dialog in (("pause-all", "Everything is paused"), ("resume-all", None)):
        tab_to(button)
        browser.run("await page.keyboard.press('Enter')")
        equal(focus(), "dialog-no")
        tab_to("dialog-yes")
        browser.run("await page.keyboard.press('Space')")
        if dialog:
            see(dialog)
            see("Resume everything")
        else:
            see_not("Everything is paused")
    # The sections, too: Enter on a link shows it, and its heading is read next.
    tab_to("nav-activity")
    browser.run("await page.keyboard.press('Enter'); await page.getByRole('heading', { name: 'Activity' }).waitFor()")
    equal(focus(), "main")


@test
def the_activity_lists_the_polls_and_the_orders():
    see("When HR was read")
    text = main_text()
    assert "Everybody" in text and "Somebody asked for it" in text and "Carry out 8 deactivations" in text, text
    check_page("activity")


@test
def trouble_with_kombo_is_told_in_its_words_and_with_what_to_do():
    number = world.sandbox.fault("kombo_error", "kombo", acme, code="INTEGRATION.AUTHENTICATION_INVALID", next=-1)
    look_at_hr()
    see("HR cannot be read until somebody acts")
    assert "INTEGRATION.AUTHENTICATION_INVALID" in main_text() and "sign in again" in main_text(), main_text()
    check_page("needs-customer")
    world.sandbox.clear(number)
    look_at_hr()
    see_not("HR cannot be read until somebody acts")


@test
def a_script_asks_with_the_token_and_another_site_not_at_all():
    status, answer = ask("GET", "/api/integrations", **BEARER)
    equal((status, [one["id"] for one in answer["integrations"]]), (200, [acme.id, world["globex"].id]))
    equal(ask("POST", "/api/orders", {"integration": acme.id, "what": "POLL"}, **BEARER)[0], 202)
    equal(ask("POST", "/api/orders", {"integration": acme.id, "what": "POLL"}, Origin="https://evil.example", **BEARER)[0], 403)
    equal(ask("GET", "/api/integrations")[0], 401)
    equal(ask("GET", "/api/integrations", Authorization="Bearer wrong")[0], 401)
    # A page that the browser has open elsewhere can neither read nor write, although the session is there.
    cookie = browser.run("return (await context.cookies())[0].value")
    equal(ask("POST", "/api/orders", {"integration": acme.id, "what": "POLL"}, Cookie=f"rollcall_session={cookie}")[0], 403)
    equal(ask("GET", "/api/integrations", Cookie=f"rollcall_session={cookie}", **{"Sec-Fetch-Site": "cross-site"})[0], 403)


@test
def any_producer_shows_every_customer_and_takes_orders_for_the_one_that_owns_it():
    second = world.producer("two").start().wait_ready()
    cookie = browser.run("return (await context.cookies())[0].value")
    status, answer = ask("GET", "/api/integrations", port_of=second, Cookie=f"rollcall_session={cookie}")
    equal((status, [one["state"] for one in answer["integrations"]]), (200, ["OK", "OK"]))
    for slug in ("acme", "globex"):
        status, order = ask("POST", "/api/orders", {"integration": world[slug].id, "what": "POLL"}, port_of=second, **BEARER)
        equal(status, 202, slug)
        path = f"/api/activity?integration={world[slug].id}"
        wait_for(f"the order of {slug} to be done", lambda path=path, order=order: any(
            one["id"] == order["id"] and one["status"] == "done" for one in ask("GET", path, port_of=second, **BEARER)[1]["orders"]), 20)
    equal(second.stop(), 0)


@test
def whoever_signs_out_sees_nothing_more():
    press("Sign out")
    see("Access token")
    equal(browser.run("return page.evaluate(async () => (await fetch('/api/integrations')).status)"), 401)
    assert acme.description["name"] not in main_text(), main_text()
    equal(browser.complaints(), [])
    # With the page open in a browser, both still end by themselves.
    equal([program.stop() for program in world.programs if program.alive], [0, 0])


with world:
    try:
        run(world)
    finally:
        browser.stop()
