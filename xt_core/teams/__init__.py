"""Teams as a whole: the Azure services of a new one, and round trips to those of any."""
