"""The subscription on NATS JetStream: from a durable stream to any HTTP CloudEvents subscriber.

    settings ─┐
              ├─ subscription ─┬─ delivery ─┬─ binding        NATS message -> HTTP request, CloudEvent
    bus ──────┤                │            └─ dead_letters   what a dead letter looks like
    streams ──┘                │
                               ├─ subscriber                  one POST, one reply
                               └─ policy                      reply -> accepted, retry, dead letter

`python -m deploy.nats` runs it. The folder stands alone: it imports nothing else of the project.
"""
