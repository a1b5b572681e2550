"""One room a task: what only that task's screen needs."""
