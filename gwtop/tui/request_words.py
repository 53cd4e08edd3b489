"""What a request's sheet says of itself: its keys, and why there are no bytes to show."""

ASKED = "the engine is asked for its bytes …"
GONE = "no longer kept: the engine holds the newest 32 MiB of what passed"
ELSEWHERE = (
    "its bytes are not here: the engine that told these facts had them, and none is at the other "
    "end of this screen"
)
ENDED = "its bytes are gone: the engine has ended, and it alone held them"
HELP = (
    ("← →", "the tab before, the next; among the records: close, open"),
    ("<  >", "the same anywhere"),
    ("/", "variables, answer: only what has this text; records: go there, Enter: to the next"),
    ("o", "all records open, or closed"),
    ("J K", "the bytes down and up; a click on a byte goes to its field"),
    ("m", "bodies as text, JSON, form, hex, or as their type says"),
    ("z", "all of the screen for it, or as before"),
)
