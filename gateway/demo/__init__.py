"""`gateway demo`: a first order, its accesses and a synthetic camera."""
