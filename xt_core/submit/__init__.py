"""Submission of jobs: from a command line to the work of a job."""
