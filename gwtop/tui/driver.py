"""The terminal's driver, with an Esc that is told as soon as it can be known.

In: bytes of keys. Out: messages to the app. Knows no key.

Esc is also how the sequence of every other special key begins, so a parser has to wait for what
may follow: 25 ms (`ESCDELAY`). Textual's own loop looks for that only when its poll of 100 ms has
passed, and Esc took 110 to 140 ms to be seen. This one waits no longer than the parser does.
"""

import os
import selectors
from codecs import getincrementaldecoder

from textual import constants
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

IDLE_S = 0.1
"""How often the end of the screen is looked for."""
READ_BYTES = 4096


class Driver(LinuxDriver):
    def run_input_thread(self) -> None:
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                # What the parser waits for, it waits for so long, and then wants to be told.
                waits = parser._timeout_time is not None
                if selector.select(constants.ESCAPE_DELAY if waits else IDLE_S):
                    data = self._read()
                    if not data:
                        break
                    self._feed(parser, decode(data))
                for message in parser.tick():
                    self.process_message(message)
        self._end(parser)

    def _read(self) -> bytes:
        """b"": the terminal has gone, and would be readable for ever."""
        try:
            return os.read(self.fileno, READ_BYTES)
        except OSError:  # EIO: it hung up
            return b""

    def _feed(self, parser: XTermParser, text: str) -> None:
        if text:  # none: half a character
            for message in parser.feed(text):
                self.process_message(message)

    def _end(self, parser: XTermParser) -> None:
        try:
            for _ in parser.feed(""):
                """Nobody is there any more to be told."""
        except (EOFError, ParseError):
            return
