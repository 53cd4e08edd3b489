"""Every type that crosses a folder border: records, wire, events, facts, the plan.

Nothing here does anything; what it costs to import is what the types cost.
"""
