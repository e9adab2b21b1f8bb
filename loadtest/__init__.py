"""Load on a running gateway, and benchmarks of its parts."""
