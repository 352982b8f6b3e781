"""The command line: light to start, one sentence for wrong input, exit codes, and one pure JSON object when asked."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from conftest import ROOT, Ran, environment, run_jangin
from jangin import cli, commands
from jangin.options import OPTIONS, Output
from jangin.record import RunFolder, sha256_file
from jangin.task import task_declaration
from shipped import linear_policy
from toy import Toy

HEAVY = ("mujoco", "torch", "scipy", "pyarrow", "onnx", "onnxruntime", "numba", "jinja2", "tyro")


@pytest.fixture
def call(capsys, tmp_path, monkeypatch):
    """The command line in this process, in an empty folder: `call("list")` -> Ran."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JANGIN_DEBUG", raising=False)

    def run(*words: str) -> Ran:
        code = cli.main([str(w) for w in words])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


def sentence(ran: Ran) -> str:
    """The one sentence of a refusal; nothing else may be printed."""
    assert ran.out == ""
    assert ran.err.startswith("jangin: ")
    assert ran.err.count("\n") == 1, ran.err
    return ran.err.removeprefix("jangin: ").rstrip("\n")


# ── light ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("words", [["--help"], ["list"], ["list", "--json"], ["--version"], ["simulat"]])
def test_start_up_imports_nothing_heavy(words):
    """Help, listing and a misspelt verb load none of the packages that take time."""
    code = (
        "import sys; from jangin.cli import main; main(sys.argv[1:]);"
        f"print(*[m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr, sep=chr(10), end=chr(10) + 'end')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env=environment(), capture_output=True, text=True, check=True
    )
    assert not set(done.stderr.split()) & set(HEAVY)
    assert done.stderr.endswith("end")


@pytest.mark.parametrize("words", [["--help"], ["list"]])
def test_start_up_takes_no_time(words):
    """At most 0.3 s of processor time, the least of five: what a shell's completion can bear."""

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run_jangin(*words).code == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(5)) <= 0.3


# ── help ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_help_names_every_verb_and_exit_code(call):
    """`jangin --help`, `jangin` alone and `jangin help` give the same page, with every verb and code."""
    page = call("--help")
    assert page.code == 0
    assert page.out == call().out == call("help").out
    for name, verb in cli.VERBS.items():
        assert re.search(rf"^  {name} +{re.escape(verb.summary)}$", page.out, re.MULTILINE)
    for code in (
        "0 done",
        "1 not qualified",
        "2 wrong input",
        "3 undecided",
        "4 invalid",
        "70 a bug",
        "130 interrupted",
    ):
        assert code in " ".join(page.out.split())
    assert call("--version").out == "jangin 0.1.0\n"


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_explains_its_flags(call, verb):
    """Every flag has a text and, unless it must be given, its default; counts and times say their unit."""
    page = call(verb, "--help")
    text = " ".join(re.sub(r"[│╭╮╰╯─]", " ", page.out).split())
    assert page.code == 0
    assert page.err == ""
    assert text.startswith(f"usage: jangin {verb}")
    text = text[text.index("show this help message") :]
    for field in (*dataclasses.fields(OPTIONS[verb]), *dataclasses.fields(Output)):
        flag = f"--{field.name.replace('_', '-')}"
        if "Positional" in str(field.type) or field.type in ("TaskName", "RunPath", "BundlePath"):
            continue
        described = re.search(
            rf"{flag} (?:[A-Z]+ |{{None}}\|[A-Z]+ )?(.*?\((?:default: [^)]*|required|repeatable)\))", text
        )
        assert described, f"jangin {verb} {flag} has no text or default"
        assert len(described.group(1)) > 20, flag
        if field.name in ("trials", "threads", "block", "steps", "max_trials"):
            assert "[count]" in described.group(1), flag
        if field.name.endswith("_s"):
            assert ("[m/s]" if field.name.endswith("_m_s") else "[s]") in described.group(1), flag


def test_a_tasks_own_fields_are_flags(call, toy_name):
    """`jangin simulate TASK --help` shows the task's fields with their defaults, and they reach the task."""
    page = call("simulate", toy_name, "--help")
    assert "--task.bias-m FLOAT" in page.out
    assert "(default: 0.01)" in page.out
    assert "TASK" in page.out
    hard = call("simulate", toy_name, "--task.steps", "3", "--trials", "64", "--json").json
    easy = call("simulate", toy_name, "--trials", "64", "--json").json
    assert hard["successes"] < easy["successes"] == 64


def test_help_wins_over_what_is_missing(call, toy_name):
    """A user who asks for help gets it, whatever else is missing or wrong."""
    for words in (["qualify", toy_name, "--help"], ["replay", "--help"], ["simulate", "--policy", "nobody", "--help"]):
        assert call(*words).out.startswith(f"usage: jangin {words[0]}")


# ── wrong input ──────────────────────────────────────────────────────────────────────────────────────────────────

T = "TASK-FILE"  # stands for the toy task's path below


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            "simulat x",
            "There is no verb 'simulat'. Did you mean 'simulate'? There is: compare, deliver, expect, explain, learn, "
            "limits, line, list, qualify, replay, run, schedule, ship, simulate, verify, view. "
            "`jangin --help` explains them.",
        ),
        ("simulate", "jangin simulate needs TASK, right after the verb. See jangin simulate --help."),
        (
            f"simulate --task.steps 3 {T}",
            "jangin simulate needs TASK, right after the verb. See jangin simulate --help.",
        ),
        (
            f"simulate {T} --trils 3",
            "jangin simulate has no flag --trils. Did you mean --trials? See jangin simulate --help.",
        ),
        (
            f"simulate {T} --task.byas-m 3",
            f"jangin simulate {T} has no flag --task.byas-m. Did you mean --task.bias-m? "
            f"See jangin simulate {T} --help.",
        ),
        (
            f"simulate --polciy zero {T}",
            "jangin simulate has no flag --polciy. Did you mean --policy? See jangin simulate --help.",
        ),
        (
            f"simulate {T} --trials many",
            "--trials cannot be read: invalid literal for int() with base 10: 'many'. See jangin simulate --help.",
        ),
        (f"simulate {T} --trials", "--trials needs a value. See jangin simulate --help."),
        (f"simulate {T} --trials 0", "--trials is 0; give a number of at least 1."),
        (f"simulate {T} --seed -1", "--seed is -1; give a number of at least 0."),
        (f"learn {T} --budget-s nan", "--budget-s is nan; give a number of at least 1."),
        (
            f"simulate {T} surplus",
            "jangin simulate does not know what to do with 'surplus'. See jangin simulate --help.",
        ),
        (
            f"simulate {T} --policy exprt",
            "There is no policy 'exprt'. Did you mean 'expert'? There is: expert, random, teacher, zero. "
            "A path to a policy.onnx, a run folder or a .bundle, or module:attribute, works too.",
        ),
        (f"qualify {T}", "jangin qualify needs --policy. See jangin qualify --help."),
        (
            f"qualify {T} --policy expert --claim fast",
            "The claim 'fast' cannot be read. Write it as 'success >= 0.99 @ 0.95', 'q95(cycle_s) <= 4.0 @ 0.95', "
            "'P(peak_force_n > 60) <= 0.01 @ 0.95', 'P(collision) <= 0.001', 'success >= 0.95 in each cell', "
            "'success not worse than old.onnx by 0.01' or 'P(collision) <= 1e-6 grade B by clearance_m'.",
        ),
        (
            f"qualify {T} --policy teacher",
            "The policy 'teacher' sees what only a simulator knows, so no real machine could run it; qualify one "
            "that sees the observation.",
        ),
        (
            "verify nowhere",
            "There is no run folder nowhere. A run folder is what --out of learn, qualify or deliver made.",
        ),
        ("replay nowhere", "jangin replay needs --trial. See jangin replay --help."),
        ("run no.bundle", "There is no bundle no.bundle. `jangin ship` makes one from a qualified run folder."),
    ],
)
def test_wrong_input_is_one_sentence(call, toy_name, words, says):
    """What came, what was allowed or meant, what to do; exit code 2, and nothing on standard output."""
    ran = call(*[w.replace(T, toy_name) for w in words.split()])
    assert sentence(ran) == says.replace(T, toy_name)
    assert ran.code == 2


def test_an_unknown_task_names_the_nearest(call):
    """A typing mistake in a task's name is answered with the name that was meant."""
    ran = call("simulate", "cell/peg-insrt")
    assert sentence(ran).startswith("There is no task 'cell/peg-insrt'. Did you mean 'cell/peg-insert'? There is: ")
    assert ran.code == 2


def test_a_file_that_is_no_task(call, tmp_path):
    """A user's class that lacks parts of a task is told which."""
    (tmp_path / "weld.py").write_text("class Weld:\n    name = 'weld'\n    rate_hz = 20.0\nTASK = Weld\n")
    says = sentence(call("simulate", "./weld.py"))
    assert says.startswith("./weld.py is no task: it lacks conditions, observation, privileged, action, limit_s, ")
    assert says.endswith("docs/tutorial-task.md walks through one.")


def test_a_run_folder_that_exists_is_not_overwritten(call, toy_name, tmp_path):
    """simulate, learn and deliver refuse a folder that holds something, and leave it as it was."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    for verb in ("simulate", "learn", "deliver"):
        says = sentence(call(verb, toy_name, "--out", "mine"))
        assert says.startswith("mine exists and is not empty. Give another place with --out")
    says = sentence(call("qualify", toy_name, "--policy", "expert", "--out", "mine"))
    assert says == "mine exists and is not a run folder. Give another place with --out."
    assert os.listdir("mine") == ["thesis.txt"]


def test_an_error_is_json_too(call, toy_name):
    """With --json a refusal is one object with the sentence and the exit code."""
    ran = call("simulate", toy_name, "--trials", "0", "--json")
    assert ran.json == {"error": "--trials is 0; give a number of at least 1.", "exit_code": 2}
    assert ran.code == 2


# ── a program that fails ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def failing(monkeypatch):
    """Make `simulate` raise something."""

    def fail(error: BaseException) -> None:
        def command(verb, asked, line):
            raise error

        monkeypatch.setitem(commands.COMMANDS, "simulate", command)

    return fail


def test_a_bug_says_so(call, failing, toy_name):
    """What nobody foresaw is called a bug, with its own exit code; the traceback comes with --debug only."""
    failing(RuntimeError("the impossible\nhappened"))
    ran = call("simulate", toy_name)
    assert sentence(ran) == (
        "This is a bug in jangin, please report it: RuntimeError: the impossible (--debug shows where)."
    )
    assert ran.code == 70
    with pytest.raises(RuntimeError):
        call("simulate", toy_name, "--debug")


def test_an_error_in_the_users_own_file_is_theirs(call, tmp_path):
    """A task of the user's own that raises is told its file and line, not called a bug in jangin."""
    (tmp_path / "slip.py").write_text(
        "from dataclasses import dataclass\nfrom toy import Toy\n@dataclass(frozen=True)\nclass Slip(Toy):\n"
        "    def world(self, nsim, **given):\n        return {}['gripper']\nTASK = Slip\n"
    )
    ran = call("simulate", "./slip.py")
    assert sentence(ran).endswith("slip.py, line 6, raised KeyError: 'gripper' (--debug shows how it came to that).")
    assert ran.code == 2


def test_a_full_disk_is_a_sentence(call, failing, toy_name):
    """ENOSPC from any library is wrong input, not a bug."""
    failing(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/peg/x.tmp"))
    ran = call("simulate", toy_name)
    assert sentence(ran) == ("The disk is full for runs/peg/x.tmp. Free some space; what was finished before is kept.")
    assert ran.code == 2


def test_too_little_memory_is_a_sentence(call, failing, toy_name):
    """A request larger than the machine says what to reduce."""
    failing(MemoryError())
    assert sentence(call("simulate", toy_name)).startswith("There is not enough memory for this. Try a smaller --block")


# ── --json ───────────────────────────────────────────────────────────────────────────────────────────────────────

NOISY = """
import ctypes, os
from dataclasses import dataclass
from toy import Toy

@dataclass(frozen=True)
class Noisy(Toy):
    def world(self, nsim, **given):
        print("a library that prints")
        os.write(1, b"one that writes to the descriptor\\n")
        ctypes.CDLL(None).puts(b"one in C, which the C library keeps until the end")
        return super().world(nsim, **given)

TASK = Noisy
"""


def test_json_is_alone_on_standard_output(jangin, tmp_path):
    """Whatever anything below prints, in Python, in C or past both, standard output holds one JSON object."""
    (tmp_path / "noisy.py").write_text(NOISY)
    path = str(ROOT / "tests")
    ran = jangin(
        "simulate", "./noisy.py", "--trials", "40", "--json", cwd=tmp_path, PYTHONPATH=f"{ROOT / 'src'}:{path}"
    )
    assert ran.out.count("\n") == 1
    assert ran.json["trials"] == 40
    assert "a library that prints" in ran.err
    assert "one that writes to the descriptor" in ran.err
    assert "one in C" in ran.err


def test_list_shows_what_is_here(call):
    """The listing has verbs, tasks, robots, engines and recipes, for a person and for a machine."""
    shown = call("list", "--json").json
    assert [v["name"] for v in shown["verbs"]] == list(cli.VERBS)
    assert {"name", "source", "summary"} == set(shown["tasks"][0])
    assert "cell/peg-insert" in [t["name"] for t in shown["tasks"]]
    for kind, name in (("robots", "ur5e"), ("engines", "mujoco"), ("recipes", "sac")):
        assert name in [e["name"] for e in shown[kind]]
    text = call("list").out
    for kind in shown.values():
        for entry in kind:
            assert f"  {entry['name']} " in text


def test_simulate_counts(call, toy_name, tmp_path):
    """`simulate --json` gives trials, successes and control_steps_per_s, and --out the same trials as a table."""
    ran = call("simulate", toy_name, "--policy", "random", "--trials", "100", "--seed", "3", "--out", "s", "--json")
    assert ran.code == 0
    assert ran.json["trials"] == 100
    assert ran.json["control_steps_per_s"] > 0
    table = RunFolder.open(tmp_path / "s").read_trials("trials.parquet")
    assert table.successes == ran.json["successes"] == ran.json["outcomes"].get("success", 0)
    RunFolder.open(tmp_path / "s").check()
    again = call("simulate", toy_name, "--policy", "random", "--trials", "100", "--seed", "3", "--block", "7", "--json")
    assert again.json["outcomes"] == ran.json["outcomes"]


def test_an_infinite_time_is_text(call, toy_name):
    """JSON has no infinity: a quantile that only failures reach is "inf", as in every file."""
    ran = call("simulate", toy_name, "--policy", "zero", "--trials", "32", "--json")
    assert ran.json["successes"] == 0
    assert set(ran.json["cycle_s"].values()) == {"inf"}


# ── verdicts and exit codes ──────────────────────────────────────────────────────────────────────────────────────

VERDICTS = [
    ("QUALIFIED", 0, []),
    ("NOT_QUALIFIED", 1, ["--claim", "q95(cycle_s) <= 0.1"]),
    ("UNDECIDED", 3, ["--claim", "q71(cycle_s) <= 0.35", "--max-trials", "64", "--block", "64"]),
    ("INVALID", 4, ["--task.invalid-every", "50"]),
]


@pytest.mark.parametrize(("verdict", "code", "more"), VERDICTS, ids=[v for v, *_ in VERDICTS])
def test_a_verdict_is_the_exit_code(call, toy_name, tmp_path, verdict, code, more):
    """0, 1, 3, 4 for the four verdicts, from qualify and again from verify; the folder is complete in every case."""
    ran = call("qualify", toy_name, "--policy", "expert", "--out", "q", "--json", *more)
    assert (ran.json["verdict"], ran.code) == (verdict, code)
    assert ran.json["run_dir"] == "q"
    assert ran.json["trials"] >= 64
    for claim in ran.json["claims"]:
        assert {"claim", "n", "successes", "bound", "decision"} <= set(claim)
    assert {"report.html", "task.json", "evidence/plan.yaml", "evidence/trials.parquet"} <= set(
        RunFolder(Path("q")).files()
    )
    again = call("verify", "q", "--json")
    assert (again.json["verdict"], again.code) == (verdict, code)
    assert again.json["claims"] == ran.json["claims"]
    text = call("verify", "q")
    assert text.out.startswith(verdict)


def test_a_folder_that_was_touched_is_invalid(call, toy_name):
    """verify ends with 4 and names the file when a byte was changed after the run."""
    call("qualify", toy_name, "--policy", "expert", "--out", "q")
    plan = Path("q/evidence/plan.yaml")
    plan.write_text(plan.read_text().replace("seed: 0", "seed: 1"))
    ran = call("verify", "q")
    assert ran.code == 4
    assert "plan.yaml was changed after the run" in ran.out


def test_qualify_goes_into_the_policys_own_folder(call, toy_name, tmp_path):
    """Without --out the evidence goes to the policy's run folder; from elsewhere the policy is copied along."""
    folder = RunFolder.create(tmp_path / "point")
    folder.write_bytes("policy.onnx", linear_policy())
    ran = call("qualify", toy_name, "--policy", "point", "--out", "point", "--json")
    assert sentence_of_refusal(ran) == "point exists and is not a run folder. Give another place with --out."
    ran = call("qualify", toy_name, "--policy", "point/policy.onnx", "--out", "q", "--json")
    assert ran.json["verdict"] == "QUALIFIED"
    assert sha256_file(Path("q/policy.onnx")) == ran.json["hashes"]["policy"] == sha256_file(Path("point/policy.onnx"))
    Path("other.onnx").write_bytes(linear_policy(limit="1"))
    says = sentence_of_refusal(call("qualify", toy_name, "--policy", "other.onnx", "--out", "q", "--json"))
    assert says == "q holds another policy.onnx than other.onnx. Give another place with --out."
    again = call("qualify", toy_name, "--policy", "q", "--json")
    assert again.json["run_dir"] == "q"
    assert again.json["hashes"] == ran.json["hashes"]


def sentence_of_refusal(ran: Ran) -> str:
    """The sentence inside the JSON object of a refusal."""
    return str(ran.json["error"])


@pytest.fixture
def qualified(call, toy_name, tmp_path) -> str:
    """A run folder with a qualified policy.onnx."""
    (tmp_path / "point.onnx").write_bytes(linear_policy())
    assert call("qualify", toy_name, "--policy", "point.onnx", "--seed", "5", "--out", "point").code == 0
    return "point"


def test_replay_finds_task_and_policy(call, toy_name, qualified):
    """A trial comes out the same bits; the user's file must be named, and a trial that is not there is a sentence."""
    ran = call("replay", qualified, "--trial", "17", "--task", toy_name, "--json")
    assert ran.code == 0
    assert ran.json["same"] is True
    assert ran.json["rerun"] == ran.json["stored"]
    says = sentence(call("replay", qualified, "--trial", "17"))
    assert says == (
        "point is about the task 'toy/point', which is not registered here. If it is a file of your own, name it: "
        "--task ./file.py:NAME."
    )
    assert "There is no trial 9999 in" in sentence(call("replay", qualified, "--trial", "9999", "--task", toy_name))


def test_a_task_that_changed_is_refused(call, qualified, tmp_path):
    """The same name with other conditions is another task: replay says which part differs."""
    (tmp_path / "changed.py").write_text(
        "from dataclasses import dataclass\nfrom toy import Toy\n"
        "@dataclass(frozen=True)\nclass Changed(Toy):\n    rate_hz = 21.0\nTASK = Changed\n"
    )
    says = sentence(call("replay", qualified, "--trial", "1", "--task", "./changed.py"))
    assert says.startswith("point was made with another toy/point than the one here: ")
    assert "rate_hz" in says


def test_ship_then_run(call, toy_name, qualified, tmp_path):
    """A bundle is signed with a key made at first use, and runs on the simulated cell; each is one JSON object."""
    key = str(tmp_path / "keys" / "signing.key")
    shipped = call("ship", qualified, "--task", toy_name, "--key", key, "--json")
    assert shipped.code == 0
    assert shipped.json["verdict"] == "QUALIFIED"
    bundle = shipped.json["bundle"]
    ran = call("run", bundle, "--task", toy_name, "--trials", "30", "--trust", f"{key}.pub", "--out", "log", "--json")
    assert ran.code == 0
    assert ran.json["trials"] == 30
    assert ran.json["successes"] > 20
    assert ran.json["pinned"] is True
    assert len(RunFolder(Path("log")).read_trials("trials.parquet")) == 30
    simulated = call("simulate", toy_name, "--policy", bundle, "--trials", "30", "--json")
    assert simulated.json["policy"] == "policy.onnx"
    assert "exists and is not replaced" in sentence(call("ship", qualified, "--task", toy_name, "--key", key))
    text = call("run", bundle, "--task", toy_name, "--trials", "4")
    assert "The signer was not pinned" in text.out


def test_view_says_what_it_cannot_show(call, toy_name, qualified):
    """A task that MuJoCo does not simulate has no MuJoCo viewer."""
    assert sentence(call("view", qualified, "--trial", "1", "--task", toy_name)) == (
        "The task toy/point is not simulated by MuJoCo, so MuJoCo's viewer cannot show it."
    )


# ── pipes and interruption ───────────────────────────────────────────────────────────────────────────────────────


def test_a_reader_that_leaves_is_no_error():
    """`jangin list | head -1` ends without a complaint."""
    done = subprocess.Popen(
        [sys.executable, "-m", "jangin", "list"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert done.stdout
    assert done.stderr
    done.stdout.close()
    assert done.stderr.read() == b""
    assert done.wait(60) == 0


SLOW = """
import time
from dataclasses import dataclass
from pathlib import Path
from toy import Toy, ToyWorld

class SlowWorld(ToyWorld):
    def step(self, action, ids=None):
        time.sleep(0.02)
        return super().step(action, ids)

@dataclass(frozen=True)
class Slow(Toy):
    def world(self, nsim, *, threads=0, seed=0, purpose="simulate"):
        Path("started").write_text("")
        return SlowWorld(self, nsim, seed, purpose)

TASK = Slow
"""


def interrupted(tmp_path: Path, until: str, *words: str) -> Ran:
    """Run jangin on the slow task, press Ctrl-C once a file matching `until` is there, and see what it leaves."""
    (tmp_path / "slow.py").write_text(SLOW)
    env = environment()
    env["PYTHONPATH"] += os.pathsep + str(ROOT / "tests")
    process = subprocess.Popen(
        [sys.executable, "-m", "jangin", *words],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(until)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return Ran(process.returncode, out, err)


def test_ctrl_c_is_a_sentence(tmp_path):
    """An interrupted command ends with 130 and one sentence, and as JSON when asked."""
    ran = interrupted(tmp_path, "started", "simulate", "./slow.py", "--trials", "1000000", "--json")
    assert ran.code == 130
    assert "Traceback" not in ran.err
    assert ran.json == {"error": "Interrupted. Nothing was written.", "exit_code": 130}


def test_ctrl_c_in_qualify_keeps_finished_blocks(tmp_path):
    """The same command goes on from the finished blocks and gives the same files as one that was never interrupted."""
    words = ["qualify", "./slow.py", "--policy", "expert", "--claim", "success >= 0.97 @ 0.99", "--block", "32"]
    ran = interrupted(tmp_path, "a/evidence/blocks/000002.parquet", *words, "--out", "a")
    assert ran.code == 130
    assert "Traceback" not in ran.err
    again = f"Finished blocks are kept in a; the same command goes on from there: jangin {' '.join(words[:4])}"
    assert again in ran.err
    env = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"}
    for folder in ("a", "b"):
        assert run_jangin(*words, "--out", folder, cwd=tmp_path, **env).code == 0
    for name in ("evidence/plan.yaml", "evidence/trials.parquet", "evidence/verdict.json"):
        assert sha256_file(tmp_path / "a" / name) == sha256_file(tmp_path / "b" / name), name


# ── the main job ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_deliver_interrupted_and_resumed(tmp_path, toy_name):
    """Ctrl-C while learning keeps the checkpoint; --resume ends with a shipped bundle; once more changes nothing."""
    pytest.importorskip("torch", reason="learning needs torch: pip install 'jangin[learn]'")
    words = ["deliver", toy_name, "--seed", "3", "--out", "point", "--steps", "12000", "--key", "key"]
    words += ["--claim", "success >= 0.6 @ 0.95"]
    ran = interrupted(tmp_path, "point/checkpoint.npz", *words)
    assert ran.code == 130, ran.err
    assert "Traceback" not in ran.err
    assert "What was finished is kept in point. Go on with: jangin deliver" in ran.err
    assert ran.err.rstrip().endswith("--resume")
    refused = run_jangin(*words, cwd=tmp_path)
    assert refused.code == 2
    assert "point exists and is not empty" in refused.err
    other = run_jangin(*words, "--resume", "--seed", "4", cwd=tmp_path)
    assert "was begun with seed 3; this call has 4" in other.err

    done = run_jangin(*words, "--resume", "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    assert done.json["verdict"] == "QUALIFIED"
    assert done.json["run_dir"] == "point"
    assert {"learn", "qualify", "report", "ship"} == set(done.json["seconds"])
    folder = RunFolder.open(tmp_path / "point")
    folder.check()
    assert {"policy.onnx", "curve.csv", "task.json", "report.html", "point.bundle"} <= set(folder.files())
    plan = yaml.safe_load(folder.read_text("evidence/plan.yaml"))
    assert plan["policy"]["sha256"] == sha256_file(folder / "policy.onnx")

    before = {name: sha256_file(folder / name) for name in folder.files()}
    (folder / "manifest.json").unlink()  # as if the interruption had come between the bundle and the seal
    again = run_jangin(*words, "--resume", "--json", cwd=tmp_path)
    assert again.json == done.json | {"notes": again.json["notes"]}
    assert before == {name: sha256_file(folder / name) for name in folder.files()}
    folder.check()
    assert run_jangin("verify", "point", cwd=tmp_path).code == 0


def test_deliver_ships_nothing_that_is_not_qualified(call, toy_name, tmp_path):
    """A policy whose claims are refuted is reported and kept, not shipped; the exit code is 1."""
    pytest.importorskip("torch", reason="learning needs torch: pip install 'jangin[learn]'")
    ran = call(
        *("deliver", toy_name, "--out", "point", "--steps", "2000", "--key", tmp_path / "key"),
        *("--claim", "q95(cycle_s) <= 0.05", "--json"),
    )
    assert ran.code == 1
    assert ran.json["verdict"] == "NOT_QUALIFIED"
    assert ran.json["bundle"] is None
    assert ran.json["shipped"] == "Not shipped: the verdict is NOT_QUALIFIED."
    files = RunFolder.open(tmp_path / "point").files()
    assert "report.html" in files
    assert not [f for f in files if f.endswith(".bundle")]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--claim", "fast"], "The claim 'fast' cannot be read."),
        (["--out", "my run"], "The folder names the bundle, and its name"),
        (["--version", "one two"], "The bundle's version"),
        (["--key", "not-a-key"], "is not an ed25519 private key"),
        (["--device", "abacus"], "The device 'abacus' is not here"),
        (["--recipe", "alchemy"], "There is no recipe 'alchemy'."),
    ],
)
def test_deliver_refuses_before_it_learns(call, toy_name, tmp_path, more, says):
    """What would fail after minutes of learning fails at once."""
    (tmp_path / "not-a-key").write_text("ssh-rsa AAAA")
    (tmp_path / "not-a-key").chmod(0o600)
    words = ["deliver", toy_name, "--steps", "2000", "--out", "point", "--key", "key", *more]
    ran = call(*words)
    assert says in sentence(ran)
    assert ran.code == 2
    assert not list(tmp_path.glob("*/checkpoint.npz"))


# ── progress ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Terminal:
    """A stream that says it is, or is not, a terminal."""

    def __init__(self, live: bool) -> None:
        self.live, self.text = live, ""

    def isatty(self) -> bool:
        return self.live

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


def test_a_terminal_gets_one_line_that_changes():
    """On a terminal every text overwrites the one before; the last stays."""
    from jangin.progress import ProgressLine

    clock = iter(range(1000))
    stream = Terminal(live=True)
    line = ProgressLine(stream, clock=lambda: next(clock))
    for k in range(5):
        line.show(f"step {k}")
    line.close()
    assert stream.text.count("\n") == 1
    assert stream.text.endswith("\r\x1b[Kstep 4\n")


def test_a_log_gets_a_line_now_and_then():
    """Elsewhere a line comes every ten seconds, without control characters, and nothing for what is over at once."""
    from jangin.progress import ProgressLine

    now = 0.0
    stream = Terminal(live=False)
    line = ProgressLine(stream, clock=lambda: now)
    for k in range(36):
        now = k
        line.show(f"step {k}")
    line.close()
    assert stream.text == "step 10\nstep 20\nstep 30\n"


def test_time_left_is_the_pace_so_far():
    """Done a quarter in 10 s leaves 30 s; nothing is said while nothing is done."""
    from jangin.progress import time_left

    assert time_left(25, 100, 10.0) == "30 s left"
    assert time_left(1, 100, 10.0) == "16 min 30 s left"
    assert time_left(0, 100, 10.0) == ""
    assert time_left(5, None, 10.0) == ""


def test_what_the_progress_says(call, toy_name):
    """The words of every stage, from the verbs' own progress values."""
    from jangin.commands import claims, making
    from jangin.learn import Progress as Learning
    from jangin.qualify import Progress as Qualifying

    nan = float("nan")
    first = Learning("sac", 0, 100_000, 1234.4, nan, nan, 81.0)
    assert making.learning(first) == "learning (sac) 0 of 100,000 steps, 1,234 steps/s, at most 1 min 21 s left"
    later = Learning("sac", 50_000, 100_000, 5210.0, 0.75, 0.9996, 9.6)
    assert making.learning(later) == (
        "learning (sac) 50,000 of 100,000 steps, held-out success 99.9 %, exploring 75.0 %, 5,210 steps/s, "
        "at most 10 s left"
    )
    assert claims.qualifying(Qualifying("evidence", "policy.onnx", 512, 20_480, 510)) == (
        "qualifying 512 of at most 20,480 trials, 99.6 % succeeded, all claims decided"
    )
    assert claims.qualifying(Qualifying("check", "zero", 64, 64, 0)) == "check: zero, 64 trials, 0 succeeded"


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_task_comes_back_from_its_declaration(tmp_path, toy_name):
    """Fields survive the way through task.json and make the same task, hash for hash."""
    from jangin.resolve import recorded_task, write_task

    task = Toy(bias_m=0.25, steps=33)
    folder = RunFolder.create(tmp_path / "r")
    write_task(folder, task)
    back = recorded_task(folder.read_json("task.json"), folder.path, toy_name)
    assert dataclasses.asdict(back) == dataclasses.asdict(task.at("evidence"))
    assert task_declaration(back) == task_declaration(task.at("evidence"))
    write_task(folder, task)  # the same task again is no other task
    with pytest.raises(Exception, match="is a run of another task: fields, limit_s differs"):
        write_task(folder, dataclasses.replace(task, steps=34))


def test_registered_tasks_come_back_from_their_declaration(tmp_path):
    """The same law for every task that is registered, whatever types its fields have."""
    from jangin.registry import find, names
    from jangin.resolve import recorded_task, write_task

    for entry in names("tasks"):
        task = find("tasks", entry.name)()
        folder = RunFolder.create(tmp_path / entry.name)
        write_task(folder, task)
        assert recorded_task(json.loads(folder.read_text("task.json")), folder.path) == task.at("evidence")


# ── the tutorial ─────────────────────────────────────────────────────────────────────────────────────────────────

EXAMPLE = ROOT / "examples" / "my_task.py"


def test_the_tutorial_quotes_its_example():
    """Every Python block of the tutorial stands word for word in the example, and every command in it is a verb's."""
    text, code = (ROOT / "docs" / "tutorial-task.md").read_text(), EXAMPLE.read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) > 10
    for block in blocks:
        assert block in code, block
    commands_in_it = re.findall(r"^jangin (\w+)", text, re.MULTILINE)
    assert set(commands_in_it) <= set(cli.VERBS)


def test_the_example_is_as_the_tutorial_says(call):
    """The teacher, who knows the belt's speed, nearly always succeeds; the expert, who does not, mostly fails."""
    expert, teacher = (
        call("simulate", EXAMPLE, "--policy", p, "--trials", "64", "--task.physics", "training", "--json").json
        for p in ("expert", "teacher")
    )
    assert teacher["successes"] >= 60
    assert expert["successes"] < 40
    assert not expert["invalid"]
    assert not teacher["invalid"]


def test_every_command_in_the_readme_is_one():
    """The README's commands name verbs and flags that exist."""
    for line in re.findall(r"jangin (\w+[^`|\n]*)", (ROOT / "README.md").read_text()):
        verb, *rest = line.split()
        if verb in cli.VERBS:
            flags = {f"--{f.name.replace('_', '-')}" for f in dataclasses.fields(OPTIONS[verb])} | {"--json", "--help"}
            assert {w for w in rest if w.startswith("--") and not w.startswith("--task.")} <= flags, line
