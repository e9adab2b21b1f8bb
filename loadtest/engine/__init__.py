"""A worker of the load test: `python -m loadtest.engine` publishes, watches or checks (`loadtest.messages`).

Viewers are lean: whole ICE, DTLS and SRTP sessions whose packets are counted by their headers and not
decrypted, except for samples. All viewers of a process share one thread and one epoll set.
"""
