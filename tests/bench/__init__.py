"""Benchmarks: how fast the function is, beside something that anybody can judge it by.

    python -m tests.bench --list
    python -m tests.bench start rules
    python -m tests.bench chaos --seed 7

What is compared is measured in turns in one run, because machines differ and are noisy: the ratios tell more
than the figures. Nothing here is a test; a goal that is missed is printed. Only one that is no matter of
speed, such as that no event is lost, makes the exit status 1.
"""
