"""Who may do what: orders, accesses, tokens and the grants they give."""
