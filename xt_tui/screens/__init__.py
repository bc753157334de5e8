"""Screens over the main one: confirm, ask, launch, help."""
