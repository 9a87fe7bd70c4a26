"""Imports the modules that register an eval."""

from server.commands import eval_sector, eval_triage  # noqa: F401
from server.commands.evals import evaluate

__all__ = ["evaluate"]
