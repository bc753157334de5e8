"""What the user does to jobs, runs and boxes: asked for, confirmed, done by the engine, told."""
