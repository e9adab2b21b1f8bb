"""Those who use the gateway without media: pages that listen to its events, customers who log in."""
