"""An SCGI request once more, as a script that builds its netstring.

In: what was asked. Out: lines for a shell. Spec: SCGI: A Simple Common Gateway Interface
alternative, section 3: a netstring of NUL-ended names and values, then the body.
"""

from gwtop.nouns.repeat import Again, Asked
from gwtop.protocols._repeat import UNTIL_THE_END, http_of_variables, script

_CODE = """
block = b''.join(n + b'\\0' + v + b'\\0' for n, v in fields)
s.sendall(b'%d:%b,' % (len(block), block) + body)
"""


def repeat(asked: Asked) -> Again:
    """An SCGI request for Python."""
    return Again(http_of_variables(asked), [script(asked, _CODE + UNTIL_THE_END.lstrip())])
