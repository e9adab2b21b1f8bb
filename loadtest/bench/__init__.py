"""Benchmarks, run by hand: `python -m loadtest.bench --help`. They measure and print, and judge nothing."""
