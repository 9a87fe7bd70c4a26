"""Imports the modules that register a bench."""

from server.commands import bench_choose, bench_desk, bench_faults, bench_sync, bench_triage  # noqa: F401
from server.commands.benches import bench

__all__ = ["bench"]
