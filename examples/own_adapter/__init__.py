"""A store of one's own and its test: ``docs/how-to/write-an-adapter.md`` explains it."""
