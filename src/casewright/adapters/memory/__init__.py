"""Stores in memory, for tests, scripts and demonstrations. They keep the contract, and no more than that (L5)."""

from __future__ import annotations

from casewright.adapters.memory.async_store import AsyncMemoryStore
from casewright.adapters.memory.store import MemoryStore

__all__ = ["AsyncMemoryStore", "MemoryStore"]
