"""Adapters: stores that keep what a bus writes. Each stands alone, and is imported by its own path."""
