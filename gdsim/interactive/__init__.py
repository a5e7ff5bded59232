"""`gdsim studio`: a local server, and a page that simulates again while the user drags a start or moves a slider."""
