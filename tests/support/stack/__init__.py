"""Real parts for the end-to-end tests: see tests/support/README.md."""
