"""`jangin line` and `jangin schedule` as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from jangin.cli import main

ROOT = Path(__file__).parent.parent
SERIAL = ROOT / "examples" / "line_serial.yaml"


@pytest.fixture
def call(capsys):
    """(exit code, standard output, standard error) of a command line."""

    def run(*words):
        code = main([str(w) for w in words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_a_line_is_answered_with_an_interval_and_files(call, tmp_path):
    """The answer names its engine and its interval; the folder holds page, answer and tables that agree with it."""
    out = tmp_path / "line"
    words = ("line", SERIAL, "--hours", 4, "--replications", 10, "--quick", "--out", out)
    code, text, _ = call(*words, "--json")
    assert code == 0
    answer = json.loads(text)
    assert answer["engine"] == "path"
    assert answer["per_hour"]["half_width"] > 0.0
    assert json.loads((out / "answer.json").read_text()) == answer
    rows = pq.read_table(out / "replications.parquet").to_pydict()
    mean = sum(g / s for g, s in zip(rows["good"], rows["seconds"])) / len(rows["good"]) * 3600.0
    assert mean == pytest.approx(answer["per_hour"]["mean"])
    states = pq.read_table(out / "states.parquet").to_pydict()
    assert set(states["station"]) == {s["name"] for s in answer["stations"]}
    assert "<html" in (out / "line.html").read_text()
    again = call("line", SERIAL, "--hours", 4, "--replications", 10, "--quick", "--json")
    assert json.loads(again[1])["per_hour"] == answer["per_hour"]


def test_wrong_lines_end_in_one_sentence(call, tmp_path):
    """What came, what was allowed, what to do; with the line of the file where it is one."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(SERIAL.read_text().replace("capacity: ", "capacity: -", 1))
    code, out, err = call("line", wrong)
    assert (code, out) == (2, "")
    assert "wrong.yaml, line " in err
    assert "Traceback" not in err
    code, _, err = call("line", SERIAL, "--engine", "event")
    assert code == 2
    assert "Did you mean 'events'?" in err
    code, _, err = call("line", SERIAL, "--engine", "analytic")
    assert code == 2
    assert "The engine 'analytic' cannot honour" in err
    code, _, err = call("line", tmp_path / "none.yaml")
    assert code == 2
    assert "none.yaml" in err


def test_a_change_is_compared_on_the_same_numbers(call, tmp_path):
    """A larger buffer never costs parts, and the paired interval says so."""
    more = tmp_path / "more.yaml"
    more.write_text(SERIAL.read_text().replace("capacity: ", "capacity: 1", 1))  # 4 places become 14
    code, out, _ = call("line", more, "--against", SERIAL, "--hours", 10, "--replications", 10, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["per_hour"]["difference"]["mean"] >= 0.0
    assert found["per_hour"]["correlation"] > 0.5


def test_a_shop_is_scheduled_and_kept(call, tmp_path):
    """Three jobs on two machines: the optimum is proven, and its rows are in the file."""
    shop = tmp_path / "small.txt"
    shop.write_text("3 2\n0 3 1 2\n0 2 1 4\n1 3 0 2\n")
    rows = tmp_path / "rows.csv"
    code, out, _ = call("schedule", shop, "--method", "spt", "--out", rows, "--json")
    assert code == 0
    answer = json.loads(out)
    assert answer["makespan"] >= answer["lower_bound"] > 0
    assert len(rows.read_text().splitlines()) == 1 + 6
    assert call("schedule", shop, "--out", rows)[0] == 2


def test_a_schedule_is_tried_on_days_with_breakdowns(call, tmp_path):
    """Every way meets the same days on the line's engine; without breakdowns all days are the plan's."""
    shop = tmp_path / "small.txt"
    shop.write_text("3 2\n0 3 1 2\n0 2 1 4\n1 3 0 2\n")
    code, out, _ = call("schedule", shop, "--days", 3, "--json")
    assert code == 0
    assert json.loads(out)["ways"]["static"]["days"] == [9.0, 9.0, 9.0]
    asked = ("schedule", shop, "--days", 4, "--mean-up", 5, "--mean-down", 3, "--json")
    code, out, _ = call(*asked)
    ways = json.loads(out)["ways"]
    assert set(ways) == {"rolling", "static", "MWKR", "FDD/MWKR", "SPT", "FIFO"}
    assert len(set(ways["static"]["days"])) > 1
    assert call(*asked)[1] == out
    code, _, err = call("schedule", shop, "--cv", 0.2)
    assert code == 2
    assert "--cv says what days are like; say how many with --days." in err
    code, _, err = call("schedule", shop, "--days", 3, "--method", "stp")
    assert code == 2
    assert "There is no method of scheduling 'STP'. Did you mean 'SPT'" in err
    code, _, err = call("schedule", shop, "--days", 3, "--mean-up", 0.001, "--mean-down", 9)
    assert code == 2
    assert "give a tick or more up" in err


def test_a_number_that_is_none_is_refused_in_a_sentence(call):
    """Also where the flag need not be given at all."""
    for flag, value, wanted in (("--places", "3.5", "a whole number"), ("--hours", "long", "a number")):
        code, _, err = call("line", SERIAL, flag, value)
        assert code == 2
        assert f"{flag} is '{value}'; give {wanted}. See jangin line --help." in err


def test_nothing_that_is_asked_for_is_ignored(call, tmp_path):
    """What one way of asking cannot do is refused by name, and a folder in the way offers no --resume there is not."""
    both = call("line", SERIAL, "--against", SERIAL, "--places", 3)
    assert both[0] == 2
    assert "Both --against and --places are given." in both[2]
    code, _, err = call("line", SERIAL, "--against", SERIAL, "--out", tmp_path / "new")
    assert code == 2
    assert "--out does nothing with --against" in err
    code, _, err = call("line", SERIAL, "--places", 3, "--engine", "path")
    assert code == 2
    assert "--engine does nothing with --places" in err
    (tmp_path / "here.txt").write_text("x")
    code, _, err = call("line", SERIAL, "--out", tmp_path)
    assert code == 2
    assert "--resume" not in err


LOOP = """\
schema: jangin-line/1
name: loop
stations:
  - {name: feed, cycle: 1}
  - {name: make, cycle: {exponential_s: 2}}
  - {name: test, cycle: {exponential_s: 2}, rework: 0.4, rework_to: again}
buffers:
  - {name: in, from: feed, to: make, capacity: 1}
  - {name: onward, from: make, to: test, capacity: 1}
  - {name: again, from: test, to: make, capacity: 1}
"""


def test_a_standstill_is_reported_by_every_way_of_asking(call, tmp_path):
    """A full rework loop never gives a number: neither as an answer nor as a difference."""
    tight, loose = tmp_path / "tight.yaml", tmp_path / "loose.yaml"
    tight.write_text(LOOP)
    loose.write_text(LOOP.replace("from: test, to: make, capacity: 1", "from: test, to: make"))
    for words in (("line", tight), ("line", loose, "--against", tight)):
        code, out, err = call(*words, "--hours", 5)
        assert (code, out) == (2, "")
        assert "comes to a standstill" in err
        assert "make, test hold finished parts" in err
    assert call("line", loose, "--hours", 5, "--quick", "--replications", 4)[0] == 0


def test_a_warm_up_that_leaves_nothing_is_refused(call):
    """Also where two layouts are compared."""
    for words in ((), ("--against", SERIAL)):
        code, _, err = call("line", SERIAL, *words, "--hours", 1, "--warmup-h", 2)
        assert code == 2
        assert "leaves nothing" in err


def test_an_answer_without_a_part_says_so(call):
    """A horizon shorter than a cycle is answered with a warning beside the zero."""
    code, out, _ = call("line", SERIAL, "--hours", 0.001, "--quick")
    assert code == 0
    assert "Not one good part left" in out
