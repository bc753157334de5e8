"""The client of controllers: find or start one, and talk to it."""
