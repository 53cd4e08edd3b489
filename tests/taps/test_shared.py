"""Words in shared memory: native, in place, and let go of."""

import mmap

from gwtop.taps.shared import WORD_BYTES, words


def test_words_are_the_memory_itself() -> None:
    with mmap.mmap(-1, mmap.PAGESIZE) as memory:
        pair = words(memory, 2 * WORD_BYTES, 2)
        pair[1] = 0x0102030405060708
        assert memory[24:32] == (0x0102030405060708).to_bytes(8, "little")
        memory[16:24] = (7).to_bytes(8, "little")
        assert list(pair) == [7, 0x0102030405060708]
        pair.release()


def test_they_are_copied_at_once_by_the_machines_own_word() -> None:
    """One native number is one instruction; `struct` has the bytes at zero before it writes."""
    with mmap.mmap(-1, mmap.PAGESIZE) as memory:
        word = words(memory)
        assert (word.format, word.itemsize, word.nbytes) == ("Q", WORD_BYTES, WORD_BYTES)
        word.release()
