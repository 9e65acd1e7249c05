"""Lets kombu know the transport in every process, also where nothing of this package is imported.

kombu 5.7 asks no installed package for transports, but it does for serializers, when it is imported. So this file is
installed beside the package, as the module ``leased_redis_hook``: nothing of the package may be imported here.
"""

from kombu.transport import TRANSPORT_ALIASES

# What stands before the plus sign of a URL is the transport; of the other URLs of a list, the whole scheme.
for _name in ("leased", "leased+redis", "leased+rediss", "leased+socket", "leased+sentinel"):
    TRANSPORT_ALIASES[_name] = "tasks_platform.broker.leased.transport:Transport"

#: A serializer that nobody uses: encoder, decoder, content type, encoding.
nothing = (None, None, "application/x-leased-redis", "utf-8")
