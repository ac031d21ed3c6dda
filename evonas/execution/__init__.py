"""Where candidates are evaluated: this process, spawned ones, clusters."""
