"""The stand-ins of Kombo and Learn Amp, through the control interface that tests/sandbox/README.md describes."""

import json
import urllib.error
import urllib.parse
import urllib.request

from rollcall.process import Program
from rollcall.waiting import wait_for


class Refused(AssertionError):
    pass


class Sandbox:
    def __init__(self, folder, people=None):
        self.ready_file = folder / "sandbox.json"
        arguments = ["--integrations", "0", "--bodies", "--keep-requests", "0", "--ready-file", str(self.ready_file)]
        self.program = Program("sandbox", "rollcall-sandbox", arguments, folder / "sandbox.log").start()
        wait_for("the sandbox", self._started, 20)
        self.addresses = json.loads(self.ready_file.read_text())
        self.base = self.addresses["control_url"]
        self.integrations = {}

    def _started(self):
        if not self.program.alive:
            raise AssertionError(f"the sandbox ended: {self.program.tail()}")
        return self.ready_file.exists()

    def stop(self):
        self.program.stop()

    def call(self, method, path, body=None, **query):
        url = self.base + ("/" + path if path else "")
        if query:
            url += "?" + urllib.parse.urlencode(query)
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(f"{method} {url} {json.dumps(body)}: {error.code} {error.read().decode()}") from None

    def add(self, slug, people, seed, **more):
        answer = self.call("POST", "integrations",
                           {"id": f"personio:{slug}", "people": people, "seed": seed,
                            "requests": {"keep": 0, "bodies": True}, **more})
        integration = Integration(self, slug, answer)
        self.integrations[slug] = integration
        return integration

    # --- faults ---

    def fault(self, kind, side, integration=None, **more):
        """Adds a fault; returns its number."""
        description = {"kind": kind, "side": side, **more}
        if integration:
            description["integration"] = integration.id
        return self.call("POST", "faults", description)["faults"][0]

    def hits(self, number):
        return next((f["hits"] for f in self.call("GET", "faults")["faults"] if f["fault"] == number), 0)

    def clear(self, number=None):
        self.call("DELETE", "faults" if number is None else f"faults/{number}")


class Integration:
    """One customer: their HR system at Kombo, and their company at Learn Amp."""

    def __init__(self, sandbox, slug, description):
        self.sandbox = sandbox
        self.slug = slug
        self.id = description["id"]
        self.description = description

    def call(self, method, path="", body=None, **query):
        return self.sandbox.call(method, f"integrations/{self.slug}" + ("/" + path if path else ""), body, **query)

    def settings(self, **sections):
        return self.call("PATCH", body=sections)

    # --- HR ---

    def change(self, op, employee=None, **fields):
        """Lets something happen in HR; returns what it made ("employee", "group" …)."""
        operation = {"op": op, **fields}
        if employee is not None:
            operation["employee"] = employee
        return self.call("POST", "changes", operation)["results"][0]

    def changes(self, operations):
        return self.call("POST", "changes", operations)["results"]

    def employee(self, reference):
        return self.call("GET", f"employees/{urllib.parse.quote(str(reference))}")

    def employees(self, limit=100000):
        return self.call("GET", "employees", limit=limit)["employees"]

    def groups(self):
        return self.call("GET", "groups")["groups"]

    def expected(self, **query):
        return self.call("GET", "expected", limit=1000000, **query)["expected"]

    def history(self):
        """Every state that HR had: {"people": [{"employee", "states"}], "units": [{"id", "type", "states"}]}."""
        return self.call("GET", "history", limit=1000000)

    # --- Learn Amp ---

    def compare(self, **query):
        return self.call("GET", "compare", limit=20, **query)

    def users(self, limit=1000000):
        return self.call("GET", "users", limit=limit)["users"]

    def user(self, employee):
        """The user who bears this employee's id, or None."""
        found = self.call("GET", "users", employee=employee)["users"]
        return found[0] if found else None

    def user_by_email(self, email):
        found = self.call("GET", "users", email=email)["users"]
        return found[0] if found else None

    def add_user(self, **fields):
        return self.call("POST", "users", fields)

    def change_user(self, user_id, **fields):
        return self.call("PATCH", f"users/{user_id}", fields)

    def teams(self):
        return self.call("GET", "teams")["teams"]

    def requests(self, side="learnamp", **query):
        return self.call("GET", "requests", side=side, limit=10000000, **query)["requests"]

    def writes(self, **query):
        """Requests to Learn Amp that change something, tokens aside."""
        return [r for r in self.requests(**query) if r["method"] != "GET" and "/oauth/" not in r["target"]]

    def last_request(self, side="learnamp"):
        requests = self.requests(side)
        return requests[-1]["number"] if requests else 0

    def counters(self):
        return self.call("GET", "counters")
