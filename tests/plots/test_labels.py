"""Names beside dots: none covers a dot or another name, as long as there is room."""

import itertools

from cifarlab.plots._labels import place_labels
from cifarlab.plots._style import new_axes, style


def place(points, **options):
    with style():
        figure, (axes,) = new_axes(5, 4)
        axes.set_xlim(0, 10)
        axes.set_ylim(0, 10)
        figure.draw_without_rendering()
        before = axes.get_position().bounds
        labels = [(f"rung{number}", x, y) for number, (x, y) in enumerate(points)]
        place_labels(axes, labels, dots=points, **options)
        figure.draw_without_rendering()
        assert axes.get_position().bounds == before
        return axes, [text.get_window_extent() for text in axes.texts]


def test_one_name_a_point_and_none_covers_another_or_a_dot():
    points = [(3, 3), (3.2, 3.4), (3.1, 4.1), (9.8, 9.8), (9.9, 9.2)]
    axes, boxes = place(points)
    assert [text.get_text() for text in axes.texts] == [f"rung{number}" for number in range(5)]
    assert [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])] == []
    assert [box for box in boxes for point in points if box.contains(*axes.transData.transform(point))] == []


def test_a_name_keeps_off_the_path_the_lines_and_the_edge():
    axes, (box, _) = place([(2, 5), (8, 5)], paths=[[(2, 5), (8, 1)]])
    assert box.y0 > axes.transData.transform((0, 5))[1]  # the usual place, below on the right, is on the path
    line = 4.6
    axes, (box,) = place([(2, 5)], lines=[line])
    height = axes.transData.transform((0, line))[1]
    assert not box.y0 < height < box.y1
    axes, (box,) = place([(9.9, 5)])
    assert box.x1 <= axes.get_window_extent().x1
