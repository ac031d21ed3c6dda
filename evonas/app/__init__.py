"""The main job and the command line: from options to a trained network and a report."""
