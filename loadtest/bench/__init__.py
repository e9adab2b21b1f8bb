"""Benchmarks, run by hand: `python -m loadtest.bench --help`. They measure and print; they never fail on a figure."""
