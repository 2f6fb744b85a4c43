"""Pure values and rules: what a task or a case is, who may do what to it, and what happened. No clock, no store."""
