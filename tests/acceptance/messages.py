"""Messages as others write them."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4


def by_hand(task: str, body: object, **changes: Any) -> str:
    """Return a message as a service in another language writes it: protocol 2, and nothing of ours."""
    job_id = str(uuid4())
    message = {
        "body": body if isinstance(body, str) else json.dumps(body),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"lang": "go", "task": task, "id": job_id, "root_id": job_id},
        "properties": {
            "correlation_id": job_id,
            "delivery_tag": str(uuid4()),
            "delivery_info": {"exchange": "", "routing_key": "default"},
        },
    }
    return json.dumps({**message, **changes})


def id_of(message: str) -> str:
    return str(json.loads(message)["properties"]["correlation_id"])
