"""Who the user is to cloud services: signing in, what is kept of it for a session, the vault."""
