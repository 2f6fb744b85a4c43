"""Interchange: other people's formats in and out, and what can be told from their logs. Pure values, no store."""
