"""All assembly happens here: ``create_app(settings)``, and ``app`` for ``celery -A tasks_platform``."""

from tasks_platform.celery.application import PlatformApp, create_app

app = create_app()

__all__ = ["PlatformApp", "app", "create_app"]
