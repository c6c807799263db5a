"""What the end-to-end and fault tests share.

suite      single tests, counted the way tests/run.sh reads them
waiting    conditions instead of sleeps
config     the programs' configuration
process    programs that are started, stopped, killed and continued by their process id
sandbox    the stand-ins of Kombo and Learn Amp, through their control interface
topics     everything on Kafka, read and decoded by libraries that Rollcall does not use
books      what must hold between HR, the topics and Learn Amp: the invariants, as lists of what is wrong
browser    a real browser, for the status page
chaos      short runs whose seed decides what happens in HR and what goes wrong meanwhile (tests/fault/chaos)
zones      time zones in which it is as late as a test wants
paper      a company made by hand, for the tests of the books and of the story
world      all of it together: one sandbox, one topic prefix, and the programs on them
"""
