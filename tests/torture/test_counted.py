"""The counting itself."""

import json

from tests.torture.counted import Tally, counted, table


@counted("Nothing at all", quick=3, share=0, full=0)
def test_it_counts(times, tally):
    for _ in times:
        tally()


def test_the_table_has_a_row_a_fault_(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    assert table(ledger) == ""
    first, second = Tally("kill", "a"), Tally("kill", "b")
    first(tried=3)
    second("refused in words", lost=1)
    ledger.write_text("".join(json.dumps(vars(one)) + "\n" for one in (first, second)))
    assert table(ledger).splitlines()[2:] == ["| kill | 4 | as promised 3; refused in words 1 | 1 | 0 |"]


def test_parts_are_tests_of_their_own_with_seeds_of_their_own():
    @counted("Nothing", quick=2, share=0, full=5, part=2)
    def example(times): ...

    (mark,) = vars(example)["pytestmark"]
    assert [one.id for one in mark.args[1]] == ["quick-0", "full-0", "full-2", "full-4"]
    assert [list(*one.values) for one in mark.args[1]] == [[0, 1], [0, 1], [2, 3], [4]]
