"""What commands and the terminal UI show of jobs and runs."""
