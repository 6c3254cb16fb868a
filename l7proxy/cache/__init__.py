"""The cache of the proxy: a shared HTTP cache, RFC 9111. Pure: no sockets, no clock of its own.
"""

from l7proxy.cache.asking import Ask, Join, Recording, Relay
from l7proxy.cache.cache import Cache, Settings
from l7proxy.cache.reply import Reply

__all__ = ["Ask", "Cache", "Join", "Recording", "Relay", "Reply", "Settings"]
