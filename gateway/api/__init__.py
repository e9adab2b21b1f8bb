"""HTTP and Socket.IO: thin modules from requests to use cases."""
