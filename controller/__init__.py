"""The node daemon: it schedules, supervises and serves the runs of one node."""
