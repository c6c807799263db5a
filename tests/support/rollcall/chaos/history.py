"""What happens in HR during a storm, from a seed."""

from collections import Counter

# What people do every day; drawn by the sandbox (tests/sandbox/hr_random.c).
EVERY_DAY = ["title", "last_name", "email", "move", "location", "manager", "custom", "rename_group"]
STEPS_PER_S = 3


class History:
    """Steps at moments of the storm. Whom a step befalls is drawn from those who are there then; as HR is changed by these steps alone
    (and by operators, who draw for themselves), a seed tells the same story each time."""

    def __init__(self, chance, run):
        self.counts = Counter()  # by operation
        self.busy = {slug: set() for slug in run.integrations}  # people of whom a step has not come to its end
        self.gone = {slug: [] for slug in run.integrations}  # those who left, and may come back
        self.absent = {slug: set() for slug in run.integrations}  # deleted or vanished for good
        self.made = Counter()  # names that are given once
        kinds, weights = zip(*self.STEPS)
        self.steps = [(chance.uniform(0, 0.95) * run.length, chance.choices(kinds, weights)[0], chance.choice(run.integrations),
                       chance.randrange(2**31)) for _ in range(round(run.length * STEPS_PER_S))]
        self.chance = chance

    def plan(self, run):
        for at, kind, slug, seed in self.steps:
            run.agenda.at(at, getattr(self, "_" + kind), run, run.world[slug], run.chance(f"step {seed}"))

    @property
    def changes(self):
        return sum(self.counts.values())

    # --- how a step changes HR ---

    def _change(self, integration, *operations):
        for operation in operations:
            self.counts[operation["op"]] += 1
        return integration.changes(list(operations))

    def _later(self, run, chance, what, *arguments):
        run.agenda.after(chance.uniform(0, 3), what, *arguments)

    def _people(self, integration, chance, count, leaders=True):
        """Some who are employed, and of whom nothing is under way. Who leads others stays."""
        records = integration.employees()
        first = 0 if leaders else (len(records) + 7) // 8 + 1
        free = [row["id"] for row in records[first:] if row["employment_status"] in ("ACTIVE", "LEAVE") and row["work_email"]
                and not row["remote_deleted_at"] and row["id"] not in self.busy[integration.slug]]
        return chance.sample(free, count) if len(free) >= count + 4 else []

    @staticmethod
    def present(integration):
        """Whose records are there: only they can be changed."""
        return {row["id"] for row in integration.employees()}

    def _address(self, integration):
        self.made[integration.slug] += 1
        return f"new{self.made[integration.slug]}@{integration.slug}.example"

    # --- steps: every day ---

    def _days(self, run, integration, chance):
        made = integration.change("random", seed=chance.randrange(2**31), changes=chance.randint(1, 4), only=EVERY_DAY)
        self.counts.update(made["counts"])

    def _hire(self, run, integration, chance):
        self._change(integration, *({"op": "hire"} for _ in range(chance.randint(1, 3))))

    def _leave(self, run, integration, chance):
        for employee in self._people(integration, chance, 1, leaders=False):
            self._change(integration, {"op": "leave", "employee": employee})
            self.gone[integration.slug].append(employee)

    def _come_and_go(self, run, integration, chance):
        """Hired, and gone again at once or soon."""
        employee = self._change(integration, {"op": "hire"})[0]["employee"]
        self.busy[integration.slug].add(employee)
        self._later(run, chance, self._go, integration, employee)

    def _go(self, integration, employee):
        self._change(integration, {"op": "leave", "employee": employee})

    def _rehire(self, run, integration, chance):
        """Under the old id or a new one; some before anybody saw them go."""
        gone = self.gone[integration.slug]
        if not gone:
            return
        employee = gone.pop(chance.randrange(len(gone)))
        self._change(integration, {"op": "rehire", "employee": employee, "new_id": chance.random() < 0.5})

    def _blink(self, run, integration, chance):
        """Left and back, between two looks at it."""
        for employee in self._people(integration, chance, 1, leaders=False):
            self._change(integration, {"op": "leave", "employee": employee}, {"op": "rehire", "employee": employee})

    # --- steps: records that are not there ---

    def _delete(self, run, integration, chance):
        self._away(run, integration, chance, "delete", "restore")

    def _vanish(self, run, integration, chance):
        self._away(run, integration, chance, "vanish", "appear")

    def _away(self, run, integration, chance, op, back):
        for employee in self._people(integration, chance, 1, leaders=False):
            self.busy[integration.slug].add(employee)
            self._change(integration, {"op": op, "employee": employee})
            if chance.random() < 0.6:
                self._later(run, chance, self._back, integration, employee, back)
            else:
                self.absent[integration.slug].add(employee)

    def _back(self, integration, employee, op):
        self._change(integration, {"op": op, "employee": employee})
        self.busy[integration.slug].discard(employee)

    # --- steps: addresses ---

    def _swap(self, run, integration, chance):
        pair = self._people(integration, chance, 2)
        if pair:
            addresses = [integration.employee(employee)["work_email"] for employee in pair]
            self._change(integration, *({"op": "update", "employee": employee, "work_email": address}
                                        for employee, address in zip(pair, reversed(addresses))))

    def _collide(self, run, integration, chance):
        """One gets the address of another, and mostly another one soon."""
        pair = self._people(integration, chance, 2)
        if pair:
            self.busy[integration.slug].update(pair)
            self._change(integration, {"op": "update", "employee": pair[0], "work_email": integration.employee(pair[1])["work_email"]})
            if chance.random() < 0.8:
                self._later(run, chance, self._part, integration, pair)

    def _part(self, integration, pair):
        self._change(integration, {"op": "update", "employee": pair[0], "work_email": self._address(integration)})
        self.busy[integration.slug].difference_update(pair)

    def _no_address(self, run, integration, chance):
        for employee in self._people(integration, chance, 1):
            self.busy[integration.slug].add(employee)
            self._change(integration, {"op": "update", "employee": employee, "work_email": None})
            if chance.random() < 0.8:
                self._later(run, chance, self._part, integration, [employee])

    # --- steps: groups ---

    def _regroup(self, run, integration, chance):
        """A team is made, people come into it, and it may be gone soon."""
        self.made["team"] += 1
        group = self._change(integration, {"op": "add_group", "name": f"Task force {self.made['team']}", "type": "TEAM"})[0]["group"]
        people = self._people(integration, chance, chance.randint(1, 3))
        self._change(integration, *({"op": "update", "employee": employee, "team": group} for employee in people))
        if chance.random() < 0.5:
            self._later(run, chance, self._change, integration, {"op": "rename_group", "group": group, "name": f"Squad {self.made['team']}"})
        if chance.random() < 0.3:
            self._later(run, chance, self._disband, integration, group, people)

    def _disband(self, integration, group, people):
        there = self.present(integration)
        self._change(integration, *({"op": "update", "employee": employee, "team": None} for employee in people if employee in there),
                     {"op": "delete_group", "group": group})

    # --- the end ---

    def still_there(self, run):
        """Who is absent for good has to be gone at Learn Amp, unless a person rejected that: what the sandbox leaves open when it compares."""
        found = []
        rejected = {row["employee_id"] for row in run.world.topics.refresh().pending().values() if "REJECTED" in row["reasons"]}
        for slug, people in self.absent.items():
            people = people - rejected
            users = {user["integrationExternalId"]: user for user in run.world[slug].users()}
            found += [f"{employee} of {slug} is absent for good, and {users[employee]['statusValue']} at Learn Amp" for employee in sorted(people)
                      if employee in users and users[employee]["statusValue"] != "deactivated"]
        return found

    STEPS = (("days", 12), ("hire", 3), ("leave", 3), ("come_and_go", 1), ("rehire", 3), ("blink", 1), ("delete", 2), ("vanish", 2),
             ("swap", 2), ("collide", 2), ("no_address", 1), ("regroup", 1))
