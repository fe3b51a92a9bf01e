"""What stands before the services: the log of calls, scripted faults, flow control, tokens and signatures."""
