"""Convert trajectories into a `Scene`: the numbers and text to draw."""
