"""The subscription on NATS JetStream: from a durable stream to any HTTP CloudEvents subscriber.

    settings ─┐
              ├─ subscription ─┬─ pull                        one event at a time from the bus
    bus ──────┤                ├─ delivery ─┬─ binding        NATS message -> HTTP request, CloudEvent
    streams ──┘                │            ├─ dead_letters   what a dead letter looks like
                               │            └─ acknowledge    an acknowledgement, and the bus's word for it
                               ├─ subscriber ── bearer_token  one POST, one reply
                               ├─ policy                      reply -> accepted, retry, dead letter
                               └─ rate                        how fast deliveries may begin

    errors                                                    why something failed, in our own words

`python -m deploy.nats` runs it. `python main.py dead-letters` reads the dead letters and sends them again.
The folder stands alone: it imports nothing else of the project.
"""
