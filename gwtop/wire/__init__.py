"""Frames to ordered byte streams: `link`, then `tcp`. No sockets, no clocks, no protocols."""
