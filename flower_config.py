"""Flower's options: ``celery -A tasks_platform flower --conf=flower_config.py``."""

from tasks_platform.console import flower_options

# Flower's own options, set below, go before what the environment (TASKS_FLOWER__...) says: url_prefix, read_only ...
globals().update(flower_options())
