"""Modules here import clients of brokers; where a packager has none, they are left out."""

from __future__ import annotations

from importlib.util import find_spec

NEEDS = {"test_nats.py": ("nats", "sqlalchemy"), "test_redis.py": ("redis", "sqlalchemy")}

collect_ignore_glob = [pattern for pattern, names in NEEDS.items() if not all(map(find_spec, names))]
