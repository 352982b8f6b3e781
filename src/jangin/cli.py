"""The command line: one table of verbs, and the only file that prints or exits.

    jangin --help
    jangin simulate cell/peg-insert --policy expert --trials 1000
    jangin deliver cell/peg-insert --seed 7 --out runs/peg --json

Standard output holds the answer and nothing else: text for a person, or with --json one JSON object. Everything on the
way (progress, notes, whatever a library prints) goes to standard error.

Exit codes: 0 done or qualified · 1 not qualified · 2 wrong input · 3 undecided · 4 invalid evidence ·
70 a bug in jangin · 130 interrupted. Wrong input is one sentence, never a traceback.

`jangin --help` and `jangin list` import nothing heavy: a verb's module is loaded when the verb is used.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import importlib
import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from jangin import __version__
from jangin.errors import JanginError, UnknownName

if TYPE_CHECKING:
    from jangin.commands import Answer

__all__ = ["VERBS", "main"]


class Verb(NamedTuple):
    """The function a verb calls, as "module:function", and what it does in a line."""

    target: str
    summary: str


VERBS = {
    "list": Verb("jangin.registry:names", "show what is here: verbs, tasks, robots, engines, recipes"),
    "simulate": Verb("jangin.simulate:simulate", "run a policy on a task's trials and count"),
    "learn": Verb("jangin.learn:learn", "learn a policy for a task"),
    "expect": Verb("jangin.expect:expect", "how many trials a claim will take, exactly, before the first one"),
    "qualify": Verb("jangin.qualify:qualify", "prove or refute claims about a policy, with evidence"),
    "compare": Verb("jangin.compare:compare", "is one policy better than another, or no worse? on the same trials"),
    "verify": Verb("jangin.verify:verify", "check a run folder and recompute its verdict"),
    "replay": Verb("jangin.replay:replay", "run one trial of the evidence again, bit for bit"),
    "explain": Verb("jangin.explain:explain", "map where a policy fails, and what makes it pass"),
    "ship": Verb("jangin.ship:ship", "put a qualified policy and its evidence into one signed file"),
    "run": Verb("jangin.run:run", "execute a bundle on a plant"),
    "deliver": Verb("jangin.deliver:deliver", "the main job: learn, qualify, report, ship"),
    "view": Verb("jangin.view:view", "watch one trial in MuJoCo's viewer, or as a film from above"),
    "line": Verb(
        "jangin.line.flow:flow", "what the plant gets: parts per hour with an interval, from a layout or a run folder"
    ),
    "schedule": Verb("jangin.line.shop:schedule", "schedule a job shop, with bound and gap, or by a dispatching rule"),
    "limits": Verb("jangin.safety.questions:limits", "safety limits for contact and separation, with their sources"),
}

BUG, INTERRUPTED = 70, 130
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the words say and return the exit code; see the module for the codes."""
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without a character shows "?" instead of failing
    try:
        return _answer(words)
    except KeyboardInterrupt:
        return _fail(words, _interrupted(words), INTERRUPTED)
    except JanginError as e:
        return _fail(words, str(e), e.exit_code)
    except MemoryError:
        return _fail(words, "There is not enough memory for this. Try a smaller --block, or fewer --trials.", 2)
    except Exception as e:  # the outermost: a bug ends in a sentence and exit code 70, or as it is with --debug
        if isinstance(e, OSError) and e.errno in _NO_SPACE:
            where = f" for {e.filename}" if e.filename else ""
            return _fail(words, f"The disk is full{where}. Free some space; what was finished before is kept.", 2)
        if "--debug" in words or os.environ.get("JANGIN_DEBUG") == "1":
            raise
        what = f"{type(e).__name__}: {e}".split("\n", 1)[0]
        if place := _in_a_users_file(e):
            return _fail(words, f"{place} raised {what} (--debug shows how it came to that).", 2)
        return _fail(words, f"This is a bug in jangin, please report it: {what} (--debug shows where).", BUG)


def _answer(words: list[str]) -> int:
    verb, rest = (words[0], words[1:]) if words else ("--help", [])
    if verb in ("-h", "--help", "help"):
        return _print(_help())
    if verb in ("-V", "--version"):
        return _print(f"jangin {__version__}")
    if verb not in VERBS:
        raise UnknownName("verb", verb, VERBS, "`jangin --help` explains them.")
    with _only_the_answer_on_stdout(), warnings.catch_warnings():
        if "--debug" not in rest:
            warnings.simplefilter("ignore")  # they are about a library's insides, and no user can act on them
        answer = _do(verb, rest)
    if isinstance(answer, str):
        return _print(answer)
    _print(json.dumps(answer.data, ensure_ascii=False, allow_nan=False) if "--json" in rest else answer.text)
    return answer.exit_code


def _do(verb: str, words: list[str]) -> Answer | str:
    """The verb's answer, or its help text."""
    from jangin import commands
    from jangin.progress import ProgressLine

    _draw_without_a_display()
    asked = None
    if verb != "list" or set(words) - {"--json", "--debug"}:  # a plain list needs no tyro, half of the time it takes
        from jangin.flags import HelpAsked, parse

        summary = VERBS[verb].summary
        try:
            asked = parse(verb, words, f"{summary[0].upper()}{summary[1:]}.")
        except HelpAsked as page:
            return page.text.rstrip()
    if verb == "list":
        return commands.listing({name: v.summary for name, v in VERBS.items()})
    line = ProgressLine(sys.stderr)
    try:
        return commands.COMMANDS[verb](_load(VERBS[verb].target), asked, line)
    finally:
        line.close()


def _load(target: str) -> Any:
    """The function that "module:function" names."""
    module, _, function = target.partition(":")
    return getattr(importlib.import_module(module), function)


def _draw_without_a_display() -> None:
    """Let MuJoCo draw a report's pictures through EGL where there is no display, unless the user said how to draw."""
    if sys.platform != "linux" or {"DISPLAY", "WAYLAND_DISPLAY", "MUJOCO_GL"} & os.environ.keys():
        return
    with contextlib.suppress(OSError):  # MuJoCo cannot be imported when told to use a library that is not there
        ctypes.CDLL("libEGL.so.1")
        os.environ["MUJOCO_GL"] = "egl"


def _in_a_users_file(error: BaseException) -> str:
    """Where in a file of the user's own the error came from, as "weld.py, line 12,"; "" where it is ours."""
    from jangin.registry import USERS_MODULES

    place, step = "", error.__traceback__
    while step is not None:
        frame = step.tb_frame
        if frame.f_globals.get("__name__") in USERS_MODULES:
            place = f"{frame.f_code.co_filename}, line {step.tb_lineno},"
        step = step.tb_next
    return place


def _help() -> str:
    width = max(len(name) for name in VERBS)
    verbs = "\n".join(f"  {name:<{width}}  {verb.summary}" for name, verb in VERBS.items())
    return (
        "usage: jangin VERB ...\n\n"
        "From a task to a policy that has proved itself and carries its proof.\n\n"
        f"{verbs}\n\n"
        "`jangin VERB --help` explains a verb, `jangin VERB TASK --help` the task's own flags too.\n"
        "Every verb takes --json: one JSON object on standard output.\n"
        "Exit codes: 0 done or qualified, 1 not qualified, 2 wrong input, 3 undecided, 4 invalid evidence,\n"
        "70 a bug, 130 interrupted."
    )


def _interrupted(words: list[str]) -> str:
    """What an interruption left, and how to go on."""
    if words and words[0] in VERBS and words[0] != "list":
        with contextlib.suppress(Exception):  # the words may be wrong, and that is not the moment to say so
            from jangin.commands import kept

            return f"Interrupted. {kept(words)}"
    return "Interrupted; nothing was written."


# ── printing ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _fail(words: list[str], sentence: str, code: int) -> int:
    """Say the sentence on standard error, and with --json as an object on standard output; returns the exit code."""
    sentence = " ".join(sentence.split())  # what a library said may have lines
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(f"jangin: {sentence}", file=sys.stderr, flush=True)
    if "--json" in words:
        _print(json.dumps({"error": sentence, "exit_code": code}, ensure_ascii=False))
    return code


def _print(text: str) -> int:
    """Write to standard output; a reader that has gone away (`| head`) is no error."""
    if sys.stdout is not None:
        try:
            print(text, flush=True)
        except BrokenPipeError:
            # otherwise the interpreter flushes once more at exit, and complains
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


@contextlib.contextmanager
def _only_the_answer_on_stdout() -> Iterator[None]:
    """Send what anything else prints, in Python or below it, to standard error."""
    try:
        kept = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # one of the two is closed: then there is nothing to keep apart
        kept = None
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        if kept is not None:
            with contextlib.suppress(AttributeError, OSError):
                ctypes.CDLL(None).fflush(None)  # what C has printed and still holds back
            os.dup2(kept, 1)
            os.close(kept)
