"""The real servers that tests run against, on loopback, each ended with its test session."""
