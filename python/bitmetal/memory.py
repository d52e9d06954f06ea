"""The buffer pool: the memory that arrays use, what is kept for reuse, and bounds on both."""

from bitmetal._core import memory_set_cache_limit as set_cache_limit
from bitmetal._core import memory_set_limit as set_limit
from bitmetal._core import memory_set_object_limit as set_object_limit
from bitmetal._core import memory_stats as stats
from bitmetal._core import memory_trim as trim

__all__ = ["set_cache_limit", "set_limit", "set_object_limit", "stats", "trim"]
