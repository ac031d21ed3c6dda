"""What was learned with one encoding, brought to another by features of the networks themselves."""
