"""Keep secrets out of sight: ``Sealed[T]`` in arguments and results, and what was opened out of logs and errors."""

from tasks_platform.sealing.censor import HIDDEN, censored, censored_value, leaks, opened_in_a_run
from tasks_platform.sealing.envelope import Scope, is_envelope, masked, no_key
from tasks_platform.sealing.exceptions import censored_error
from tasks_platform.sealing.kept_key import kept_ring
from tasks_platform.sealing.keys import KeyRing, new_key
from tasks_platform.sealing.logs import CensorFilter, censor_event
from tasks_platform.sealing.mark import Inside, Sealed, seals
from tasks_platform.sealing.signature import SIGNATURE, TRUE_ETA, UNTRUSTED, distrust, signature

__all__ = [
    "HIDDEN",
    "SIGNATURE",
    "TRUE_ETA",
    "UNTRUSTED",
    "CensorFilter",
    "Inside",
    "KeyRing",
    "Scope",
    "Sealed",
    "censor_event",
    "censored",
    "censored_error",
    "censored_value",
    "distrust",
    "is_envelope",
    "kept_ring",
    "leaks",
    "masked",
    "new_key",
    "no_key",
    "opened_in_a_run",
    "seals",
    "signature",
]
