"""The subscription on NATS JetStream: from a durable stream to any HTTP CloudEvents subscriber.

    settings ─┐
              ├─ subscription ─┬─ delivery ─┬─ binding        NATS message -> HTTP request, CloudEvent
    bus ──────┤                │            └─ dead_letters   what a dead letter looks like, and back
    streams ──┘                │
                               ├─ subscriber                  one POST, one reply
                               ├─ policy                      reply -> accepted, retry, dead letter
                               └─ pace                        how fast deliveries may begin

    commands ─┬─ dead_stream ─── letter     IMAGES_DEAD, and a dead letter read from it
              ├─ selection                  which are meant
              ├─ report ──────── advice     what a person is told
              └─ redrive                    their way back

`python -m deploy.nats` runs the subscription, `python -m deploy.nats dead-letters` a command.
The folder stands alone: it imports nothing else of the project.
"""
