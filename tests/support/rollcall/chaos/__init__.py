"""Chaos: short runs in which a seed decides what happens in HR and what goes wrong meanwhile (tests/fault/chaos).

agenda     what is due when
history    what happens in HR, from a seed
faults     what goes wrong: one class a kind, one module for each thing that fails
story      the story of one employee by time, for whoever looks for a defect
figures    what many runs come to: the tables of docs/reliability.md
run        one run: a world, its import, the storm, the calm after it, the books
"""
