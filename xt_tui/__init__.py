"""The terminal UI: it drives the engine, and can do nothing that a headless command cannot."""
