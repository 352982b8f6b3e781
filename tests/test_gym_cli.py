"""Environments that others wrote, on the command line: the whole chain, an interrupt, and one sentence for mistakes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("gymnasium", reason="the extra 'gym' is not installed")

from conftest import environment, run_jangin
from gym_envs import alive
from jangin.cli import main


def test_an_environment_is_qualified_verified_and_replayed_by_commands(tmp_path):
    """The chain of the command line, on an environment that others wrote and a function in a file here."""
    (tmp_path / "mine.py").write_text(
        "def balance(seen):\n"
        "    position, speed, angle, rate = seen.T\n"
        "    return (angle + 0.4 * rate + 0.05 * position + 0.1 * speed > 0).astype(int)\n"
    )
    words = ["gym:CartPole-v1", "--policy", "mine:balance", "--claim", "success >= 0.7", "--block", "8", "--out", "r"]
    done = run_jangin("qualify", *words, "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    assert done.json["verdict"] == "QUALIFIED"
    assert (tmp_path / "r" / "report.html").is_file()
    assert run_jangin("verify", "r", cwd=tmp_path).code == 0
    asked = run_jangin("replay", "r", "--trial", "9", cwd=tmp_path)
    assert asked.code == 2
    assert "--policy mine:balance" in asked.err
    again = run_jangin("replay", "r", "--trial", "9", "--policy", "mine:balance", "--threads", "1", cwd=tmp_path)
    assert again.code == 0
    assert "bit for bit" in again.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("simulate gym:CartPol-v1 --policy zero", "There is no task 'gym:CartPol-v1'. Did you mean 'gym:CartPole-v1'?"),
        ("simulate gym:CartPole-v1", "The task gym:CartPole-v1 has no expert. Give the path of a policy.onnx, or zero"),
        (
            "qualify gym:CartPole-v1 --policy zero",
            "gym:CartPole-v1 declares no claim and none was given. Give one, as --claim 'success >= 0.99 @ 0.95'.",
        ),
        (
            "simulate gym:CartPole-v1 --policy zero --task.mapping nowhere.yaml",
            "There is no file nowhere.yaml. Give the path of a Gymnasium mapping file (YAML).",
        ),
        ("simulate gym:CartPole-v1 --policy zero --task.env X", "has no flag --task.env"),
        ("simulate gym:Pendulum-v1 --policy zero", "gym:Pendulum-v1 does not say what success is"),
    ],
)
def test_wrong_words_are_one_sentence(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_nothing_of_our_cells_is_needed(tmp_path):
    """No MuJoCo, no Numba, no torch: an environment may need another MuJoCo than our cells do."""
    program = (
        "import sys\n"
        "from jangin.cli import main\n"
        "code = main('qualify gym:CartPole-v1 --policy random --block 8 --max-trials 8 --threads 1 --out r'.split()"
        " + ['--claim', 'success >= 0.5'])\n"
        "print(code, *sorted({'mujoco', 'numba', 'torch', 'jangin.cell'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "1", done.stdout + done.stderr


def test_without_gymnasium_the_pip_line_is_said(tmp_path):
    """A Gymnasium that cannot be imported stands for one that is not installed."""
    (tmp_path / "gymnasium.py").write_text("raise ImportError('not here')")
    done = run_jangin("simulate", "gym:CartPole-v1", "--policy", "zero", cwd=tmp_path)
    assert done.code == 2
    assert "The task gym:CartPole-v1 needs the package 'gymnasium': pip install 'jangin[gym]'." in done.err


def test_an_interrupt_leaves_no_worker_and_keeps_what_was_finished(tmp_path):
    """Ctrl-C reaches the parent alone, its workers end with it, and the same command goes on."""
    words = ["qualify", "gym:CartPole-v1", "--policy", "random", "--claim", "P(timeout) <= 0.0005", "--block", "8"]
    words += ["--threads", "2", "--out", "r"]
    running = subprocess.Popen(
        [sys.executable, "-m", "jangin", *words], cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True
    )
    for _ in range(600):
        if list((tmp_path / "r").glob("evidence/blocks/*")):
            break
        time.sleep(0.05)
    workers = _children(running.pid)
    assert len(workers) in (2, 4)  # of a world, or of one and the next
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Finished blocks are kept in r; the same command goes on from there" in err
    assert not [pid for pid in workers if alive(pid)]


def _children(pid):
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(entry.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def test_a_comparison_of_modules_is_run_again_when_both_are_named(tmp_path):
    """No module is imported because a comparison's plan names it."""
    (tmp_path / "mine.py").write_text(
        "def left(seen):\n    return [0] * len(seen)\n"
        "def lean(seen):\n    return (seen[:, 2] + 0.4 * seen[:, 3] > 0).astype(int)\n"
    )
    words = ["gym:CartPole-v1", "--policy", "mine:lean", "--against", "mine:left", "--out", "r", "--threads", "1"]
    done = run_jangin("compare", *words, cwd=tmp_path)
    assert done.code in (0, 1), done.err
    (tmp_path / "mine.py").write_text((tmp_path / "mine.py").read_text() + "print('imported')\n")
    asked = run_jangin("replay", "r", "--trial", "1", "--policy", "mine:lean", cwd=tmp_path)
    assert asked.code == 2
    assert "is about mine:left, a module of Python, which is imported only when you name it" in asked.err
    assert "imported\n" not in asked.err
