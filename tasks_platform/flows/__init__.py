"""Flows: Celery's canvas with an id, a stored graph, and a rule for failure."""

from celery import chain, chord, group

from tasks_platform.flows.engine import find, follow, start
from tasks_platform.flows.graph import labelled
from tasks_platform.flows.value import Flow, Step

__all__ = ["Flow", "Step", "chain", "chord", "find", "follow", "group", "labelled", "start"]
