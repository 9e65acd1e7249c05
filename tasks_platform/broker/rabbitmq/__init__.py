"""Quorum queues of RabbitMQ, with priorities, delays in the broker, and no message that gets lost in silence."""

from tasks_platform.broker.rabbitmq.consumer import LevelConsumer
from tasks_platform.broker.rabbitmq.levels import level_of, physical_name
from tasks_platform.broker.rabbitmq.sending import RabbitAMQP

__all__ = ["LevelConsumer", "RabbitAMQP", "level_of", "physical_name"]
