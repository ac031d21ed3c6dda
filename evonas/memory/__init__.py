"""The archive of all runs, and how its rows travel."""
