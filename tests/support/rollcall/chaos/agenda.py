"""What is due when."""

import heapq
import itertools
import time


class Agenda:
    """What is due when, in seconds since it was begun."""

    def __init__(self):
        self.due = []
        self.numbers = itertools.count()  # what is due at the same moment comes in the order in which it was noted
        self.began = time.monotonic()

    @property
    def now(self):
        return time.monotonic() - self.began

    def at(self, when, what, *arguments):
        heapq.heappush(self.due, (when, next(self.numbers), what, arguments))

    def after(self, delay, what, *arguments):
        self.at(self.now + delay, what, *arguments)

    def work(self):
        while self.due and self.due[0][0] <= self.now:
            *_, what, arguments = heapq.heappop(self.due)
            what(*arguments)
