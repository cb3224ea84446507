"""What a process of ours does at its beginning."""

import gc
import weakref

from farm.app.process_life import leave_out_of_garbage_collection


class Ring:
    def __init__(self) -> None:
        self.itself = self


def test_what_there_is_is_left_out_of_garbage_collection_and_what_comes_is_not() -> None:
    there, gone = Ring(), Ring()
    was_gone = weakref.ref(gone)
    del gone
    try:
        leave_out_of_garbage_collection()
        assert was_gone() is None
        assert all(each is not there for each in gc.get_objects())
        coming = Ring()
        comes = weakref.ref(coming)
        del coming
        gc.collect()
        assert comes() is None
    finally:
        gc.unfreeze()
