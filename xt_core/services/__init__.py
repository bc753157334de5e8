"""The services of a team: which they are, what opens them, and the stores that they hold."""
