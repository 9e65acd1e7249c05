"""Flower's configuration where nobody names another: Flower executes this file."""

from tasks_platform.console import flower_options

globals().update(flower_options())
