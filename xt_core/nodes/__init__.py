"""Controllers as a client sees them: find or start those of a home's nodes, and talk to them."""
