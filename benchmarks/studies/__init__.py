"""What was measured about evonas, and can be measured again from a checkout. Not part of the package."""
