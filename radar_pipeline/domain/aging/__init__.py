"""How data grows old: tiers, the policy, the plan, its cost, what comes back for a while.

Pure decisions; time is a parameter. Acting on them is the lake's work (``lake.aging``).
"""
