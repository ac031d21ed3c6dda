"""From curves to figures: summaries, statistics of paired seeds, rankings."""
