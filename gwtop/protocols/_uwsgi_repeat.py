"""A uwsgi request once more, as a script that builds its block.

In: what was asked. Out: lines for a shell. Spec: "The uwsgi (lowercase) Protocol", uWSGI 2.0: four
bytes of header (modifier1, size in little endian, modifier2), then variables with 16-bit sizes,
then the body.

The modifiers are no variables, so they are not among what was asked: 0, 0 is a WSGI request, and
what every front sends that was not told otherwise.
"""

from gwtop.nouns.repeat import Again, Asked
from gwtop.protocols._repeat import UNTIL_THE_END, http_of_variables, script

_CODE = """
def sized(data):
    return struct.pack('<H', len(data)) + data
block = b''.join(sized(n) + sized(v) for n, v in fields)
s.sendall(struct.pack('<BHB', 0, len(block), 0) + block + body)  # modifiers 0, 0: WSGI
"""


def repeat(asked: Asked) -> Again:
    """A uwsgi request for Python."""
    return Again(http_of_variables(asked), [script(asked, _CODE + UNTIL_THE_END.lstrip())])
