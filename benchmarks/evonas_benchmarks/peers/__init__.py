"""Other people's optimizers behind the searcher agreement; what was done for each is in docs/peers.md."""
