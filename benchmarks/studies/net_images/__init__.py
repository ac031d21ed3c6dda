"""The table of `net`: the same networks with their recipes, trained on many image sets for three lengths."""
