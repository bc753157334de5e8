"""Consoles of runs as text: kept, cleaned of what a terminal would obey, searched. No Textual."""
