"""Laws of instances and their files: what a file says is read whatever it is called, what it cannot say is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jangin.errors import BadFile, BadSchedule, UnknownName
from jangin.line.shop import Instance, Mode, flow_shop, instance_names, job_shop, read_instance

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "scheduling" / "jsp_instances.json"

PAIRS = "2 3\n0 3 1 2 2 2\n2 4 0 1 1 4\n"
TINY = job_shop([[3, 2, 2], [4, 1, 4]], [[0, 1, 2], [2, 0, 1]], name="tiny")


def written(tmp_path: Path, text: str, name: str = "tiny.txt") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


# ── formats ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tiny.txt", PAIRS),
        ("tiny.fjs", "# a comment\n\n" + PAIRS.replace("\n", "\r\n")),
        ("tiny", "2 3\n1 3 2 2 3 2\n3 4 1 1 2 4\n"),
        ("tiny.dat", "+++\n instance tiny\n+++\n Two jobs, by hand\n" + PAIRS + "+++\n"),
        ("tiny.txt", "2 3\n3 2 2\n4 1 4\n1 2 3\n3 1 2\n"),
        (
            "tiny.txt",
            "Nb of jobs, Nb of Machines, Time seed, Machine seed, Upper bound, Lower bound\n 2 3 1 2 9 8\nTimes\n"
            "3 2 2\n4 1 4\nMachines\n1 2 3\n3 1 2\n",
        ),
        ("tiny.json", '{"duration_matrix": [[3, 2, 2], [4, 1, 4]], "machines_matrix": [[0, 1, 2], [2, 0, 1]]}'),
        ("tiny.txt", '{"jobs": [[[[0, 3]], [[1, 2]], [[2, 2]]], [[[2, 4]], [[0, 1]], [[1, 4]]]]}'),
    ],
    ids=["pairs", "comments", "from one", "several", "matrices", "Taillard", "JSON matrices", "JSON modes"],
)
def test_the_same_job_shop_is_read_from_every_format(tmp_path, name, text):
    """The content decides, not the file's name: all of these are one instance."""
    assert read_instance(written(tmp_path, text, name)) == TINY


def test_taillards_flow_shop_has_machines_as_rows_and_keeps_one_order(tmp_path):
    """Its matrix is (machines, jobs), and it is a permutation flow shop; a file of several is read by number."""
    head = "number of jobs, number of machines, initial seed, upper bound and lower bound :\n 3 2 873 9 8\n"
    one, two = "processing times :\n 1 2 3\n 4 5 6\n", "processing times :\n 7 8 9\n 1 1 1\n"
    path = written(tmp_path, head + one + head + two, "tai3_2.txt")
    assert instance_names(path) == ("1", "2")
    first = read_instance(path, "1")
    assert first == flow_shop([[1, 4], [2, 5], [3, 6]], permutation=True, name="tai3_2 1")
    assert first.kind == "permutation flow shop"
    assert read_instance(path, "2").jobs[0] == ((Mode(0, 7),), (Mode(1, 1),))


@pytest.mark.parametrize("head", ["2 3", "2 3 1.5", "2\t3\t2"])
def test_a_flexible_job_shop_is_read_with_or_without_its_third_number(tmp_path, head):
    """.fjs: operations, then alternatives and pairs of machine (from 1) and duration."""
    path = written(tmp_path, f"{head}\n2  2 1 5 3 4  1 2 6\n1  3 1 1 2 2 3 3\n", "cell.fjs")
    cell = read_instance(path)
    assert cell.jobs == (
        ((Mode(0, 5), Mode(2, 4)), (Mode(1, 6),)),
        ((Mode(0, 1), Mode(1, 2), Mode(2, 3)),),
    )
    assert (cell.kind, cell.operations) == ("flexible job shop", 3)


def test_a_row_that_could_be_pairs_or_alternatives_is_pairs_only_if_it_visits_every_machine_once(tmp_path):
    """ "1 2 1 5 2 6" is one operation with two alternatives: as pairs it would visit machine 1 twice."""
    assert read_instance(written(tmp_path, "1 3\n1 2 1 5 2 6\n")).jobs == (((Mode(0, 5), Mode(1, 6)),),)
    assert read_instance(written(tmp_path, "1 3\n1 2 0 5 2 6\n")).jobs == (
        ((Mode(1, 2),), (Mode(0, 5),), (Mode(2, 6),)),
    )


def test_json_says_what_text_cannot(tmp_path):
    """Release, due dates and weights; machines that take the same time; one order."""
    text = json.dumps(
        {
            "cell": {
                "duration_matrix": [[3], [4]],
                "machines_matrix": [[[0, 1]], [1]],
                "release": [0, 2],
                "due": [None, 9],
                "weight": [1, 5],
                "metadata": {"optimum": 1},
            },
            "flow": {"duration_matrix": [[1, 2]], "machines_matrix": [[0, 1]], "permutation": True},
        }
    )
    cell = read_instance(written(tmp_path, text), "cell")
    assert cell == Instance(
        "cell", 2, (((Mode(0, 3), Mode(1, 3)),), ((Mode(1, 4),),)), False, (0, 2), (None, 9), (1, 5)
    )
    assert read_instance(written(tmp_path, text), "flow").permutation


@pytest.mark.skipif(not SHARED.exists(), reason="the classic instances are not beside this repository")
def test_the_classic_instances_are_all_read():
    """162 instances, whose operations are jobs x machines, each visiting each machine once."""
    names = instance_names(SHARED)
    assert len(names) == 162
    ft10 = read_instance(SHARED, "ft10")
    assert str(ft10) == "ft10 (job shop, 10 jobs, 10 machines, 100 operations)"
    assert all({m[0].machine for m in job} == set(range(10)) for job in ft10.jobs)
    with pytest.raises(UnknownName) as e:
        read_instance(SHARED, "la99")
    assert str(e.value) == (
        f"There is no instance 'la99'. Did you mean 'la39'? There is: la39. {SHARED} holds 162, from abz5 to yn4."
    )


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: the file ends without an instance, which begins with 'jobs machines'"),
        ("Hello\nWorld\n", "line 2: the file ends without an instance, which begins with 'jobs machines'"),
        ("6\n", "line 1: one number where 'jobs machines' belongs, as '6 6'"),
        ("0 3\n", "line 1: 0 jobs on 3 machines; give 1 or more of each"),
        ("2 3\n", "line 1: rows of jobs belong after line 1, and there are none"),
        ("2 3\n0 3 1 2 2 2\n", "line 2: the rows end after 1 of 2 jobs"),
        ("2 3\n0 3 1 2 2 2\n2 4 0 1 1\n", "line 3: 5 numbers where 6 belong, by line 1"),
        (PAIRS + "0 3 1 2 2 2\n", "line 4: one row more than the 2 jobs of line 1"),
        ("2 3\n0 3 1 2 2 2\n2 4 0 1 7 4\n", "line 3: machine 7, where line 1 says 3 machines, numbered 0 to 2"),
        ("2 3\n0 3 1 2 2 2\n2 4 0 1.5 1 4\n", "line 3: 1.5 is no whole number; count in a smaller tick"),
        ("2 3\n0 3 1 2 2 2\n2 4 0 -1 1 4\n", "line 3: -1 is below 0, and no time or machine is"),
        ("2 3\n0 3 1 2 2 2\n2 4 0 x 1 4\n", "line 3: 'x' where a whole number belongs"),
        ("2 3 4 5\n1 1 1\n", "line 1: 4 numbers where 'jobs machines' belongs, as '6 6'"),
        (
            "1 3 2\n2  2 1 5 3 4  1 2\n",
            "line 2: the row ends in operation 2 of 2; an operation is 'alternatives', then so many pairs "
            "of machine and "
            "duration",
        ),
        ("1 3 2\n1  1 2 6 9\n", "line 2: 5 numbers where the first, 1 operations, takes 4"),
        ("1 3 2\n1  1 4 6\n", "line 2: machine 4, where line 1 says 3 machines, numbered 1 to 3"),
        ("x\n2 2 1 1 1 1\nTimes\n1 2\n3 4\n", "line 5: after 2 rows of Times, 'Machines' and as many rows belong here"),
        ("x\n2 2 1 1 1 1\nTimes\n1 2\n3 4\nMachines\n1 2\n", "line 7: the rows end after 1 of 2 jobs"),
        ("x\n2 2 1 1 1\nprocessing times :\n1 2\n", "line 4: the rows end after 1 of 2 machines"),
        (
            '{"a": {"duration_matrix": [[1]],\n',
            "line 2: the JSON is broken or ends early (Expecting property name enclosed in double quotes)",
        ),
        ("[1]", "line 1: a JSON object belongs here, one instance or several by name"),
        ('{"a": {"duration_matrix": [[1]]}}', "key 'a': machines_matrix is missing"),
        (
            '{"a": {"duration_matrix": [[1]], "machine_matrix": [[0]]}}',
            "key 'a': unknown key 'machine_matrix' (is it 'machines_matrix'?)",
        ),
        (
            '{"a": {"duration_matrix": [[1.5]], "machines_matrix": [[0]]}}',
            "key 'a', row 0: a whole number belongs here, not '1.5'; count in a smaller tick",
        ),
        (
            '{"a": {"duration_matrix": [[1, 2]], "machines_matrix": [[0]]}}',
            "key 'a', row 0: 2 durations and 1 machines",
        ),
        ('{"a": {"jobs": [[[[0, 3, 1]]]]}}', "key 'a', jobs[0][0]: pairs of [machine, duration] belong here"),
        ('{"a": {"jobs": []}}', "key 'a': 0 jobs on 0 machines; give one of each"),
    ],
)
def test_a_wrong_file_gets_one_sentence_with_its_line(tmp_path, text, says):
    """Truncated and wrong files name the line, or the key, and what belongs there."""
    path = written(tmp_path, text, "bad.txt")
    with pytest.raises(BadFile) as e:
        read_instance(path)
    assert str(e.value) == f"{path}, {says}."


def test_files_that_are_not_there_or_no_text_are_refused(tmp_path):
    """A missing file, a folder and bytes that are no text each get a sentence."""
    with pytest.raises(BadFile, match=r"^There is no file .*none.txt\. Give the path of a scheduling instance\.$"):
        read_instance(tmp_path / "none.txt")
    with pytest.raises(BadFile, match=r"^Cannot read "):
        read_instance(tmp_path)
    (tmp_path / "b").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadFile, match=r"is no text file: byte 0 is not UTF-8\.$"):
        read_instance(tmp_path / "b")


def test_a_file_of_several_asks_for_the_name(tmp_path):
    """Where there are several, one must be said."""
    path = written(tmp_path, "instance a\n" + PAIRS + "instance b\n" + PAIRS)
    assert instance_names(path) == ("a", "b")
    with pytest.raises(BadFile) as e:
        read_instance(path)
    assert str(e.value) == f"{path} holds 2 instances (a, b, ...); say which by its name."


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Instance("x", 1, ()), "x: 0 jobs on 1 machines; give one of each."),
        (lambda: Instance("x", 1, ((),)), "x: job 0 has no operation; leave it out."),
        (lambda: Instance("x", 1, (((),),)), "x: job 0, operation 0 has no machine that can do it; give at least one."),
        (
            lambda: job_shop([[1]], [[-1]], name="x"),
            "x: job 0, operation 0 runs on machine -1; they are numbered 0 to 0.",
        ),
        (
            lambda: Instance("x", 1, (((Mode(1, 1),),),)),
            "x: job 0, operation 0 runs on machine 1; they are numbered 0 to 0.",
        ),
        (
            lambda: Instance("x", 1, (((Mode(0, 1), Mode(0, 2)),),)),
            "x: job 0, operation 0 names a machine twice; keep the shorter duration.",
        ),
        (
            lambda: job_shop([[1.5]], [[0]], name="x"),
            "x: job 0, operation 0 lasts 1.5 ticks; give a whole number from 0 to 1,000,000,000.",
        ),
        (
            lambda: job_shop([[1]], [[0, 1]], name="x"),
            "x: durations and machines differ in shape; give one machine for every duration.",
        ),
        (
            lambda: flow_shop([[1, 2], [1]], name="x"),
            "x: the rows of a flow shop differ in length; give one duration for every machine.",
        ),
        (
            lambda: Instance("x", 2, (((Mode(1, 1),),),), permutation=True),
            "x: one order of jobs on every machine needs a flow shop, in which every job visits every "
            "machine from 0 to 1; leave permutation out.",
        ),
        (lambda: Instance("x", 1, (((Mode(0, 1),),),), due=(1, 2)), "x: 2 entries in due for 1 jobs; give one each."),
        (
            lambda: Instance("x", 1, (((Mode(0, 1),),),), release=(-1,)),
            "x: release of job 0 is -1; give a whole number up to 1,000,000,000.",
        ),
    ],
)
def test_an_instance_that_contradicts_itself_is_refused(make, says):
    """Every refusal says what came and what to give."""
    with pytest.raises(BadSchedule) as e:
        make()
    assert str(e.value).startswith(says)
