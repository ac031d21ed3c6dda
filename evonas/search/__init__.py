"""Who proposes what to train: searchers, screening by a ranker, and the loop that asks and observes."""
