"""The channels: each sends one message, says what came back, and tells apart what to try again from what never works.

What belongs here: a service's protocol, its limits on rate, its words for an error. What does not: when to try again,
what was sent already (delivery), and how a message reads (render).
"""
