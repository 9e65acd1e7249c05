"""Is the installation well: a registry of checks, the platform's own and a user's."""

from tasks_platform.health.finding import Finding, Report
from tasks_platform.health.registry import HealthRegistry, health_check

__all__ = ["Finding", "HealthRegistry", "Report", "health_check"]
