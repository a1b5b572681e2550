"""The Evaluation page's parts: one module a task, and what they share."""
