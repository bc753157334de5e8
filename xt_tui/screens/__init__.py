"""The main screen, and those over it: confirm, ask, launch, help and more."""
