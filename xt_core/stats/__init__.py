"""The stats store: jobs, work items, runs, events and metrics of a team."""
