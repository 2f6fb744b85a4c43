"""A store in memory, for tests, scripts and demonstrations. It keeps the contract, and no more than that (L5)."""

from __future__ import annotations

from casewright.adapters.memory.store import MemoryStore

__all__ = ["MemoryStore"]
