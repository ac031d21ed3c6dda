"""The agreements and what everything is made of. Imports nothing of evonas but itself."""
