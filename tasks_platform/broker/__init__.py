"""What the platform adds to brokers. It stands alone: it knows Celery, kombu and a broker, nothing of the platform."""
