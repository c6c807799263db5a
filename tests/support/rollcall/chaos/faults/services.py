"""Kombo and Learn Amp fail, in every way that their stand-ins know (tests/sandbox/README.md, "Faults")."""

from rollcall.chaos.faults import Fault, moments

WRITES = {"path": "/v1/*", "method": "P*"}  # POST, PUT, PATCH


class OfService(Fault):
    """Windows in which some or all requests of one integration, or of all, meet one of WAYS: (words, fault, what it may be given)."""

    side = ""
    most = 3

    def ways(self, chance):
        """Draws one: (words, kind, members of the fault)."""
        raise NotImplementedError

    def plan(self, chance, run):
        planned = []
        for at in moments(chance, run, self.most):
            words, kind, more = self.ways(chance)
            slug = chance.choice([*run.integrations, ""])
            if "next" not in more and "probability" not in more:
                # All for a while, or each now and then.
                more.update(chance.choice(({"next": -1}, {"next": chance.randint(1, 4)},
                                           {"probability": chance.choice((0.1, 0.3, 0.6)), "seed": chance.randrange(2**31)})))
            planned.append((at, chance.uniform(0.5, 4), (words, kind, slug, more)))
        return planned

    def begin(self, run, words, kind, slug, more):
        sandbox = run.world.sandbox
        self.numbers = getattr(self, "numbers", {})
        self.numbers[words, slug, repr(more)] = sandbox.fault(kind, self.side, run.world[slug] if slug else None, **more)

    def end(self, run, words, kind, slug, more):
        number = self.numbers.pop((words, slug, repr(more)))
        hits = run.world.sandbox.hits(number)
        run.world.sandbox.clear(number)
        if hits:
            run.note(f"{self.name}: {words}", hits)


class LearnAmp(OfService):
    name = "Learn Amp"
    side = "learnamp"
    share = 0.6

    def ways(self, chance):
        anything = {"match": {"path": "/v1/*"}}
        return chance.choice((
            lambda: ((status := chance.choice((500, 502, 503, 504))) and (str(status), "status", {**anything, "status": status})),
            lambda: ("429", "throttle", {**anything, "retry_after_s": chance.choice((1, 2, -1)),
                                         "retry_after_as": chance.choice(("seconds", "date")), "next": chance.randint(1, 6)}),
            lambda: ("no token", "status", {"match": {"path": "/oauth/*"}, "status": chance.choice((500, 503))}),
            lambda: ("slow", "delay", {**anything, "delay_ms": chance.choice((100, 400, 1000))}),
            lambda: ("hangs", "hang", {**anything, "delay_ms": 5000}),
            lambda: ("drops the connection", "drop", dict(anything)),
            lambda: ("half an answer", "cut", dict(anything)),
            lambda: ("nonsense", "garbage", {**anything, "bytes": chance.choice((1, 500))}),
            lambda: ("a value of a wrong type", "wrong_type", {**anything, "field": chance.choice(("id", "email", "statusValue")),
                                                               "value": chance.choice(([], {"a": 1}, True))}),
            lambda: ("a value too large", "huge_field", {**anything, "field": "firstName", "next": 1}),
            lambda: ("too deep", "nested", {**anything, "field": "email", "next": 1}),
        ))()


class LearnAmpRefuses(OfService):
    """Our credentials, our scopes. Asked for so rarely afterwards (ten seconds, then twenty) that it comes early, and not for long."""

    name = "Learn Amp refuses"
    side = "learnamp"
    share = 0.1

    def plan(self, chance, run):
        words, more = chance.choice((("the token", {"match": {"path": "/v1/*"}, "status": 401, "body": {"error": "invalid_token"}}),
                                     ("what it is asked for", {"match": {"path": "/v1/*"}, "status": 403, "body": {"error": "Forbidden"}}),
                                     ("to give a token", {"match": {"path": "/oauth/*"}, "status": 401, "body": {"error": "invalid_client"}})))
        return [(chance.uniform(0, 0.2) * run.length, 2, (words, "status", chance.choice(run.integrations), {**more, "next": chance.randint(1, 3)}))]

    def begin(self, run, words, kind, slug, more):
        if "/oauth/*" in more["match"].values():
            run.world[slug].call("DELETE", "tokens")
        super().begin(run, words, kind, slug, more)


class TokensEnd(Fault):
    """All tokens that were given out are invalid at once."""

    name = "tokens revoked"
    share = 0.3

    def plan(self, chance, run):
        return [(at, 0, (chance.choice(run.integrations),)) for at in moments(chance, run, 3)]

    def begin(self, run, slug):
        run.world[slug].call("DELETE", "tokens")
        run.note(self.name)


class AnswersLost(OfService):
    """The service did what it was asked to, and nobody is told."""

    name = "answers lost after the effect"
    side = "learnamp"
    share = 0.5

    def ways(self, chance):
        return chance.choice((
            lambda: ("connection closed", "drop", {"match": dict(WRITES), "effect": True}),
            lambda: ("cut", "cut", {"match": dict(WRITES)}),
            lambda: ("hangs", "hang", {"match": dict(WRITES), "delay_ms": 4000, "effect": True}),
            lambda: ("too late", "delay", {"match": dict(WRITES), "delay_ms": chance.choice((1600, 2500))}),
        ))()


class LateEffects(OfService):
    """The connection is closed, and what was asked for happens later all the same; sooner than http_timeout, as a service may."""

    name = "late effects"
    side = "learnamp"
    share = 0.5

    def ways(self, chance):
        return "seen", "late", {"match": dict(WRITES), "delay_ms": chance.choice((200, 700, 1200))}


class Kombo(OfService):
    name = "Kombo"
    side = "kombo"
    share = 0.6

    CODES = ("PLATFORM.RATE_LIMIT_EXCEEDED", "PLATFORM.CONCURRENCY_LIMIT_EXCEEDED", "PLATFORM.UNKNOWN_ERROR", "PLATFORM.TASK_TIMED_OUT",
             "PLATFORM.AUTHENTICATION_INVALID", "INTEGRATION.PERMISSION_MISSING", "INTEGRATION.AUTHENTICATION_INVALID", "INTEGRATION.INACTIVE",
             "REMOTE.SERVICE_UNAVAILABLE", "REMOTE.RATE_LIMIT_EXCEEDED", "REMOTE.UNKNOWN_HTTP_ERROR")

    def ways(self, chance):
        def where():
            return chance.choice(({}, {"match": {"path": "/hris/employees"}}, {"match": {"path": "/hris/employees", "contains": "cursor="}},
                                  {"match": {"path": "/hris/groups"}}))
        return chance.choice((
            lambda: ((status := chance.choice((500, 502, 503, 504))) and (str(status), "status", {**where(), "status": status})),
            lambda: ("429", "throttle", {**where(), "retry_after_s": chance.choice((1, 2, -1)),
                                         "retry_after_as": chance.choice(("seconds", "date")), "next": chance.randint(1, 3)}),
            lambda: ("an error of its own", chance.choice(("kombo_error", "error_200")), {**where(), "code": chance.choice(self.CODES)}),
            lambda: ("slow", "delay", {**where(), "delay_ms": chance.choice((100, 700, 3000))}),
            lambda: ("hangs", "hang", {**where(), "delay_ms": 5000}),
            lambda: ("drops the connection", "drop", where()),
            lambda: ("half an answer", "cut", where()),
            lambda: ("nonsense", "garbage", {**where(), "bytes": chance.choice((1, 500))}),
            lambda: ("no content", "status", {**where(), "status": 204, "body": ""}),
            lambda: ("a page that is none", "status", {**where(), "status": 200, "body": {"status": "success", "data": {}}}),
            lambda: ("a value of a wrong type", "wrong_type", {"match": {"path": "/hris/employees"}, "field": chance.choice(("work_email", "id")),
                                                               "value": {"not": "a text"}}),
            lambda: ("a value of a wrong type", "wrong_type", {"match": {"path": "/hris/employees"}, "field": "groups", "value": "none"}),
            lambda: ("a value too large", "huge_field", {"match": {"path": "/hris/employees"}, "field": "job_title", "next": 1}),
            lambda: ("too deep", "nested", {"match": {"path": "/hris/employees"}, "field": "first_name", "next": 1}),
            lambda: ("a cursor expires", "cursor_expired", {}),
        ))()


class KomboForgets(Fault):
    """An answer without some or all of the people who are there. Once an integration: twice would be how the truth looks (I3)."""

    name = "Kombo forgets people once"
    share = 0.4

    def plan(self, chance, run):
        return [(chance.uniform(0.05, 0.7) * run.length, run.length, (slug, chance.choice(("empty_list", "halved_list"))))
                for slug in run.integrations if chance.random() < 0.7]

    def begin(self, run, slug, kind):
        self.numbers = getattr(self, "numbers", {})
        self.numbers[slug] = run.world.sandbox.fault(kind, "kombo", run.world[slug], match={"path": "/hris/employees"}, next=1)

    def end(self, run, slug, kind):
        number = self.numbers.pop(slug)
        if run.world.sandbox.hits(number):
            run.note(self.name)
        run.world.sandbox.clear(number)


KINDS = [LearnAmp, LearnAmpRefuses, TokensEnd, AnswersLost, LateEffects, Kombo, KomboForgets]
