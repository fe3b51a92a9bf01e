"""The subscription on NATS JetStream: from a durable stream to any HTTP CloudEvents subscriber.

    settings ─┐
              ├─ subscription ─┬─ pull                        one event at a time from the bus
    bus ──────┤                ├─ delivery ─┬─ binding        NATS message -> HTTP request, CloudEvent
    streams ──┘                │            └─ dead_letters   what a dead letter looks like, and back
                               ├─ subscriber ── bearer_token  one POST, one reply
                               ├─ policy                      reply -> accepted, retry, dead letter
                               └─ rate                        how fast deliveries may begin

    errors                                                    why something failed, in our own words

    commands ─┬─ dead_stream ─── letter     IMAGES_DEAD, and a dead letter read from it
              ├─ selection                  which are meant
              ├─ report ──────── advice     what a person is told
              └─ redrive                    their way back

`python -m deploy.nats` runs the subscription, `python -m deploy.nats dead-letters` a command.
The folder stands alone: it imports nothing else of the project.
"""
