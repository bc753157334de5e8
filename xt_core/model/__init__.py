"""What XT keeps: jobs, work items, runs, events; their states and their names."""
