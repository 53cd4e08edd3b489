"""Records and bytes side by side, or one over the other: the state of that view.

In: what was fetched, keys as moves, the room there is. Out: lines of segments. Refuses to know
where the bytes come from, and what its place on the screen is.

The tree has the cursor; the bytes follow it: those of the node are in brackets, those of other
records dim. A click among the bytes goes the other way.
"""

from rich.segment import Segment

from gwtop.model.details import Fetched
from gwtop.panels import Line, Look
from gwtop.panels import _hex as hex_lines
from gwtop.panels import _records as records
from gwtop.panels._text import plural
from gwtop.tui.strips import Mark, line_strip, look_of

SPLIT_COLUMNS = 104
"""From here on both have room beside each other: 72 cells of hex, and 30 of tree."""
MIN_TREE_LINES = 3
BAR = " │ "
ASCII_BAR = " | "


class RecordsView:
    def __init__(self) -> None:
        self.fetched: Fetched | None = None
        self.tree: tuple[records.Node, ...] = ()
        self.opened: set[int] = set()
        self.at = 0
        """The node that the cursor is on."""
        self.top = 0
        self._sight: list[int] = []
        self._bytes = hex_lines.Bytes(b"")
        self._hex_row = 0
        """The first line of bytes in sight."""
        self._n_tree = 1
        self._n_hex = 1
        self._n_columns = hex_lines.WIDE
        self._tree_width = 0
        self._is_split = False
        self._followed: tuple[int, int] | None = None
        """The node, and the columns, that the bytes in sight were last chosen for."""
        self._begun: tuple[frozenset[int], int] = frozenset(), 0

    def renew(self, fetched: Fetched) -> None:
        if fetched is self.fetched:
            return
        self.fetched = fetched
        self.tree = records.nodes(fetched)
        self.opened = records.first_open(self.tree)
        self._bytes = hex_lines.Bytes(fetched.data, fetched.gaps, fetched.masked)
        self.at = self.top = self._hex_row = 0
        self._followed = None
        self._look_around()

    def _look_around(self) -> None:
        self._sight = records.in_sight(self.tree, self.opened)
        while self.tree and self.at not in self._sight:
            self.at = self.tree[self.at].parent

    # Moves

    def move(self, n_lines: int) -> None:
        if not self._sight:
            return
        place = self._sight.index(self.at) + n_lines
        self.at = self._sight[min(max(place, 0), len(self._sight) - 1)]

    def toggle(self) -> None:
        if self.at in self.opened:
            self.opened.discard(self.at)
        elif self.tree and self.tree[self.at].has_parts:
            self.opened |= records.opened_with(self.tree, self.at)
        self._look_around()

    def fold(self) -> bool:
        """Closes what is open, else goes to what it is a part of; False: neither."""
        if self.at in self.opened:
            self.toggle()
        elif self.tree and self.tree[self.at].parent >= 0:
            self.at = self.tree[self.at].parent
        else:
            return False
        return True

    def unfold(self) -> bool:
        """Opens it, else goes to its first part; False: it has none."""
        if not self.tree or not self.tree[self.at].has_parts:
            return False
        if self.at in self.opened:
            self.move(1)
        else:
            self.toggle()
        return True

    def open_all(self) -> None:
        """All open, or all closed."""
        every = {n for n, node in enumerate(self.tree) if node.has_parts}
        self.opened = set() if self.opened >= every else every
        self._look_around()

    def go(self, place: int) -> None:
        """To a node, wherever it is."""
        self.opened |= set(records.ancestors(self.tree, place))
        self.at = place
        self._look_around()

    def begin_find(self) -> None:
        """What is open and where the cursor is now is where a search begins."""
        self._begun = frozenset(self.opened), self.at

    def find_first(self, text: str) -> int:
        """To the first node with this text from where the search began; how many there are. What
        an earlier, shorter text had opened is closed again."""
        opened, self.at = self._begun
        self.opened = set(opened)
        self._look_around()
        found = records.matching(self.tree, text) if text else []
        if found:
            self.go(next((n for n in found if n >= self.at), found[0]))
        return len(found)

    def find_next(self, text: str) -> int:
        found = records.matching(self.tree, text)
        if found:
            self.go(next((n for n in found if n > self.at), found[0]))
        return len(found)

    def scroll_bytes(self, n_lines: int) -> None:
        self._hex_row = max(0, self._hex_row + n_lines)

    def _follow(self) -> None:
        """The bytes of the node come into sight when it is another one."""
        if not self.tree or self._followed == (self.at, self._n_columns):
            return
        self._followed = self.at, self._n_columns
        node = self.tree[self.at]
        begin, _ = self._half()
        first = (node.offset - begin) // self._n_columns
        if not self._hex_row <= first < self._hex_row + self._n_hex:
            self._hex_row = max(0, first - self._n_hex // 4)

    def _half(self) -> tuple[int, int]:
        assert self.fetched is not None
        return self.fetched.half(self.tree[self.at].record.side) if self.tree else (0, 0)

    # Lines

    def lines(self, width: int, height: int, look: Look, focused: bool) -> list[list[Segment]]:
        self._is_split = width >= SPLIT_COLUMNS
        digits = hex_lines.n_digits(len(self._bytes.data))
        room = width - 30 - len(BAR) if self._is_split else width
        self._n_columns = hex_lines.n_columns(room)
        hex_width = hex_lines.columns_width(self._n_columns, digits)
        self._tree_width = width - hex_width - len(BAR) if self._is_split else width
        self._share(height)
        self._scroll()
        self._follow()
        tree = [self._tree_line(n, look, focused) for n in self._in_view()]
        if self._is_split:
            return self._side_by_side(tree, hex_width, height, look)
        rule = [Segment(line, look_of("dim")) for line in (self._rule(width, look),)]
        blanks: list[list[Segment]] = [[]] * (self._n_tree - len(tree))
        bytes_ = [self._segments(line, width) for line in self._byte_lines()]
        return [*tree, *blanks, rule, *bytes_] if self._n_hex else tree

    def _share(self, height: int) -> None:
        """The lines of each."""
        if self._is_split:
            self._n_tree = self._n_hex = height
            return
        self._n_hex = min(max(0, (height - 1) // 2), height - 1 - MIN_TREE_LINES)
        self._n_hex = max(0, self._n_hex)
        self._n_tree = height - self._n_hex - 1 if self._n_hex else height

    def _scroll(self) -> None:
        if not self._sight:
            return
        place = self._sight.index(self.at)
        self.top = min(max(self.top, place - self._n_tree + 1), place)
        self.top = max(0, min(self.top, len(self._sight) - self._n_tree))

    def _in_view(self) -> list[int]:
        return self._sight[self.top : self.top + self._n_tree]

    def _tree_line(self, n: int, look: Look, focused: bool) -> list[Segment]:
        mark: Mark = ("reverse" if focused else "underline") if n == self.at else ""
        line = records.line(self.tree, n, self.opened, look)
        return list(line_strip(line, self._tree_width, mark))

    def _byte_lines(self) -> list[Line]:
        if not self.tree or self.fetched is None:
            return []
        begin, end = self._half()
        node = self.tree[self.at]
        n_rows = -(-(end - begin) // self._n_columns)
        self._hex_row = max(0, min(self._hex_row, n_rows - 1))
        n_lines = min(self._n_hex, n_rows - self._hex_row)
        part = node.offset, node.length
        around = node.record.offset, node.record.bytes_long
        found = []
        for row in range(self._hex_row, self._hex_row + n_lines):
            at = begin + row * self._n_columns
            found.append(
                hex_lines.line_of(self._bytes, at, end, self._n_columns, part, around, begin)
            )
        return found

    def _side_by_side(
        self, tree: list[list[Segment]], hex_width: int, height: int, look: Look
    ) -> list[list[Segment]]:
        bar = Segment(ASCII_BAR if look.ascii else BAR, look_of("dim"))
        bytes_ = [self._segments(line, hex_width) for line in self._byte_lines()]
        blank = [Segment(" " * self._tree_width, look_of(""))]
        n_lines = min(height, max(len(tree), len(bytes_)))
        return [
            [
                *(tree[n] if n < len(tree) else blank),
                bar,
                *(bytes_[n] if n < len(bytes_) else ()),
            ]
            for n in range(n_lines)
        ]

    def _segments(self, line: Line, width: int) -> list[Segment]:
        return list(line_strip(line, width))

    def _rule(self, width: int, look: Look) -> str:
        dash = "-" if look.ascii else "─"
        words = f"{dash} {self.place()} "
        return (words + dash * max(0, width - len(words)))[:width]

    @property
    def is_split(self) -> bool:
        """Tree and bytes stand beside each other, and no line says which bytes these are."""
        return self._is_split

    def place(self) -> str:
        """Which bytes the cursor is on, in words."""
        if not self.tree:
            return ""
        node = self.tree[self.at]
        begin, _ = self._half()
        side = "asked" if node.record.side == "client" else "answered"
        return f"{plural(node.length, 'byte')} from {node.offset - begin} of what was {side}"

    # Clicks

    def click(self, x: int, y: int) -> bool:
        """Whether the line that was clicked was the cursor's already."""
        if self._is_split and x >= self._tree_width + len(BAR):
            self._click_bytes(x - self._tree_width - len(BAR), y)
        elif not self._is_split and y > self._n_tree:
            self._click_bytes(x, y - self._n_tree - 1)
        elif 0 <= y < len(self._in_view()):
            before, self.at = self.at, self._in_view()[y]
            return before == self.at
        return False

    def _click_bytes(self, x: int, y: int) -> None:
        digits = hex_lines.n_digits(len(self._bytes.data))
        column = hex_lines.byte_at(x, self._n_columns, digits)
        if column is None or not self.tree:
            return
        begin, end = self._half()
        at = begin + (self._hex_row + y) * self._n_columns + column
        place = records.deepest_at(self.tree, at) if at < end else None
        if place is not None:
            self.go(place)
