"""What is asked of the C library is asked only where it can do it."""

import ctypes

import pytest

from farm.figures.free_memory import give_back_free_memory, share_one_heap


@pytest.mark.parametrize("ask", [give_back_free_memory, share_one_heap])
@pytest.mark.parametrize("library", [object(), None])
def test_another_c_library_is_left_alone(
    ask: object, library: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def load(name: object) -> object:
        asked.append(name)
        if library is None:
            raise OSError("there is none")
        return library

    monkeypatch.setattr(ctypes, "CDLL", load)
    assert callable(ask)
    ask()
    assert asked == [None]
