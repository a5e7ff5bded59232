"""How each kind of view is drawn: one module per kind."""
