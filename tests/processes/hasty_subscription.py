"""The subscription with other waits; its arguments are those of `main`, in seconds."""

import sys

from deploy.nats.__main__ import main

if __name__ == "__main__":
    ack_wait, back_off = map(float, sys.argv[1:])
    sys.exit(main(ack_wait=ack_wait, back_off=lambda _: back_off))
