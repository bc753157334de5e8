"""What a run used, as a table that fits the room that there is."""

from xt_core.model.samples import SystemSeries
from xt_core.reports.system import system_table

TIMES = [float(n) for n in range(40)]
SERIES = SystemSeries(
    {
        "system.cpu_percent": (TIMES, [float(n) for n in range(40)]),
        "system.memory_bytes": (TIMES, [1.5e9] * 40),
    }
)


def test_courses_are_drawn_in_the_room_that_is_left() -> None:
    assert system_table(SERIES, 60) == [
        "series          last    mean     min     max  over its time",
        "------------  ------  ------  ------  ------  --------------",
        "cpu_percent    39.0%   19.5%    0.0%   39.0%  ▁▁▂▃▃▄▄▅▅▆▆▇▇█",
        "memory_bytes  1.5 GB  1.5 GB  1.5 GB  1.5 GB  ▄▄▄▄▄▄▄▄▄▄▄▄▄▄",
    ]
    assert system_table(SERIES, 54)[:3] == [
        "series          last    mean     min     max  course",
        "------------  ------  ------  ------  ------  --------",
        "cpu_percent    39.0%   19.5%    0.0%   39.0%  ▁▂▃▄▅▆▇█",
    ]


def test_without_a_terminal_courses_have_forty_cells() -> None:
    assert len(system_table(SERIES)[2].split()[-1]) == 40
