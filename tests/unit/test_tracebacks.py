"""Errors in the output of runs, as the programs that people run print them."""

import pytest

from xt_core.tracebacks import error_lines, error_span, first_error

CUDA = """\
epoch 1 loss 0.3
Traceback (most recent call last):
  File "/code/train.py", line 41, in <module>
    loss.backward()
  File "/lib/torch/_tensor.py", line 581, in backward
    torch.autograd.backward(
    ~~~~~~~~~~~~~~~~~~~~~~~^
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total \
capacity of 15.77 GiB of which 1.07 GiB is free.
"""
RANKS = """\
[rank0]: Traceback (most recent call last):
[rank0]:   File "/code/ddp.py", line 12, in <module>
[rank0]:     main()

[rank0]: ValueError: rank 0 has no data
[rank1]:[W1121 10:00:00.1 ProcessGroupNCCL.cpp:1250] Warning: process group has not been destroyed
[rank1]: Traceback (most recent call last):
[rank1]:   File "/code/ddp.py", line 12, in <module>
[rank1]: torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:2005
E1121 10:00:02.000 88 torch/distributed/elastic/multiprocessing/api.py:882] failed (exitcode: 1)
"""
INTERLEAVED = """\
rank0: Traceback (most recent call last):
rank1: Traceback (most recent call last):
rank0:   File "/code/ddp.py", line 12, in <module>
rank1:   File "/code/ddp.py", line 12, in <module>
rank0: KeyError: 'lr'
rank1: KeyError: 'lr'
"""
TAGGED = """\
[1,0]<stderr>:Traceback (most recent call last):
[1,0]<stderr>:  File "/code/mpi.py", line 3, in <module>
[1,0]<stderr>:ZeroDivisionError: division by zero
(train pid=4711) Traceback (most recent call last):
(train pid=4711)   File "/code/ray.py", line 3, in train
(train pid=4711) AssertionError
"""
CHAIN = """\
Traceback (most recent call last):
  File "a.py", line 2, in <module>
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 4, in <module>
RuntimeError: no x
"""
GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "g.py", line 1, in <module>
  |     raise ExceptionGroup("many", [ValueError(1)])
  | ExceptionGroup: many (1 sub-exception)
  +-+---------------- 1 ----------------
    | ValueError: 1
    +------------------------------------
"""
WORKER = '''\
multiprocessing.pool.RemoteTraceback:
"""
    Traceback (most recent call last):
      File "pool.py", line 125, in worker
    TypeError: unsupported operand
"""
'''
PYTEST = """\
============================= test session starts ==============================
tests/test_x.py F                                                        [100%]
=================================== FAILURES ===================================
____________________________________ test_x ____________________________________

    def test_x():
>       assert add(1, 2) == 4
E       assert 3 == 4
E        +  where 3 = add(1, 2)

tests/test_x.py:5: AssertionError
=========================== short test summary info ============================
FAILED tests/test_x.py::test_x - assert 3 == 4
"""
FAULT = """\
Fatal Python error: Segmentation fault

Current thread 0x00007f1 (most recent call first):
  File "/code/seg.py", line 3 in <module>
"""
ABORT = """\
loading
terminate called after throwing an instance of 'std::runtime_error'
  what():  bad kernel
./run.sh: line 3: 91234 Aborted                 (core dumped) ./a.out
"""
KILLED = """\
epoch 3
./run.sh: line 4:  1234 Killed                  python train.py
"""
ASSERT = "a.out: x.cpp:12: int main(): Assertion `n > 0' failed.\nAborted (core dumped)\n"
DEVICE = (
    "/pytorch/aten/src/ATen/native/cuda/Indexing.cu:1422: indexSelectLargeIndex: block: [0,0,0],"
    " thread: [32,0,0] Assertion `srcIndex < srcSelectDimSize` failed.\n"
)


@pytest.mark.parametrize(
    ("output", "lines", "says"),
    [
        (CUDA, [1], CUDA.splitlines()[-1]),
        (RANKS, [0, 6], "ValueError: rank 0 has no data"),
        (INTERLEAVED, [0, 1, 4, 5], "KeyError: 'lr'"),
        (TAGGED, [0, 3], "ZeroDivisionError: division by zero"),
        (CHAIN, [0, 6], "KeyError: 'x'"),
        (GROUP, [0, 5], "ValueError: 1"),
        (WORKER, [2], "TypeError: unsupported operand"),
        (PYTEST, [7, 12], "assert 3 == 4"),
        (FAULT, [0], "Fatal Python error: Segmentation fault"),
        (ABORT, [1, 3], f"{ABORT.splitlines()[1]} what():  bad kernel"),
        (KILLED, [1], KILLED.splitlines()[-1]),
        (ASSERT, [0, 1], ASSERT.splitlines()[0]),
        (DEVICE, [0], DEVICE.strip()),
        ("a\nKilled\n", [1], "Killed"),
        ("12:00 ERROR one\nValueError: two\n", [0, 1], "12:00 ERROR one"),
        ("12:00 ERROR one\n" + CHAIN, [0, 1, 7], "KeyError: 'x'"),
    ],
)  # fmt: skip
def test_errors_are_found_and_the_first_is_said_in_a_line(
    output: str, lines: list[int], says: str
) -> None:
    assert error_lines(output) == lines
    assert first_error(output) == says
    assert all(error_span(output.splitlines()[line]) for line in lines)


@pytest.mark.parametrize(
    "line",
    [
        "free(): invalid pointer",
        "*** stack smashing detected ***: terminated",
        "python3: can't open file '/x.py': [Errno 2]",
        "run.sh: line 1: pyhton: command not found",
        "train.py: error: unrecognized arguments: --x",
        "thread 'main' panicked at src/main.rs:2:5:",
        "RESOURCE_EXHAUSTED: Out of memory while trying",
        "Segmentation fault (core dumped)",
    ],
)
def test_a_single_line_tells_of_an_error(line: str) -> None:
    assert (error_lines(f"a\n{line}\nb\n"), first_error(line)) == ([1], line)


def test_what_only_speaks_of_errors_is_none() -> None:
    harmless = (
        "error rate 0.1\nKilled 3 stale workers\nno errors\nAborted 0 of 4\nE1 = 3\n"
        "mean error: \nFAILED\nterminated: 0\nassertion passed\n"
    )
    assert (error_lines(harmless), first_error(harmless)) == ([5], "mean error:")


def test_a_traceback_that_is_cut_off_is_one_all_the_same() -> None:
    begun = 'Traceback (most recent call last):\n  File "x.py", line 1\n'
    assert (error_lines(begun), first_error(begun)) == ([0], 'File "x.py", line 1')
    assert first_error("") == ""


def test_lines_without_end_are_looked_at_up_to_a_point() -> None:
    """Each would otherwise be gone through again and again."""
    for filler in ("a", " ", "a.", "| ", "(", "[a", "Error"):
        long = filler * 200_000
        assert error_lines(f"{long}ERROR\nERROR\n") in ([1], [0, 1])
    assert error_lines("x" * 1_000_000 + "ERROR\nValueError: 1\n") == [1]
