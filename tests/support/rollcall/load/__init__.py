"""What tests/bench/load.py runs: many integrations, an hour of changes, an hour without Learn Amp."""
