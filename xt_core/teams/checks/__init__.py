"""Whether a team's services do what XT needs: real round trips, step by step."""
