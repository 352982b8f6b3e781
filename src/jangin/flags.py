"""From words on a command line to a verb's options and a task: two passes, every mistake one sentence.

    asked = parse("simulate", ["cell/peg-insert", "--task.clearance-m", "0.0002", "0.0006", "--trials", "100"])
    asked.options.trials, asked.task.clearance_m, asked.output.json

First the verb's own flags are read, which gives the task's name; then everything once more with that task's fields as
flags `--task.FIELD`, so that `jangin simulate cell/peg-insert --help` shows them with their units. Nothing is printed:
a help text comes as HelpAsked, a mistake as JanginError.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import tyro

from jangin.errors import JanginError, nearest
from jangin.options import OPTIONS, Output
from jangin.registry import find

__all__ = ["Asked", "HelpAsked", "parse"]

_OF_TASK = "--task."
_HELP = ("-h", "--help")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_RULE = re.compile(r"^\s*─{3,}\s*$", re.MULTILINE)
_FRAME = str.maketrans("", "", "│╭╮╰╯")
_OPTIONAL = r"\{None\}\|(INT|FLOAT)"  # as tyro names a number that need not be given
_GIVE = {"INT": "a whole number", "FLOAT": "a number"}
_FLAG = re.compile(r"--[a-z0-9][\w.-]*")


class HelpAsked(Exception):
    """--help was among the words; `text` is the answer."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True)
class Asked:
    """What was asked for: the verb's options, the task it works on (None for verbs without one), and how to answer."""

    options: Any
    task: Any
    output: Output


def parse(verb: str, words: Sequence[str], summary: str = "") -> Asked:
    """Read the words after the verb; raises HelpAsked, or JanginError for whatever does not fit."""
    options = OPTIONS[verb]
    wants_help = any(word in _HELP for word in words)
    if not any(f.name == "task_name" for f in dataclasses.fields(options)):
        return _read(verb, options, ["--help"] if wants_help else words, summary)
    # up to the first flag of the task, whose values would otherwise look like the task's name
    own = next((k for k, word in enumerate(words) if word.startswith(_OF_TASK)), len(words))
    head = [word for word in words[:own] if word not in _HELP]
    if not wants_help:
        try:
            name = _read(verb, options, head, "").options.task_name
        except JanginError:
            if own == len(words) or words[0].startswith("-"):
                raise
            name = words[0]  # a flag that the verb needs may stand behind one of the task's
        return _read(verb, options, words, summary, task=(name, find("tasks", name)))
    if head and not head[0].startswith("-"):
        return _read(verb, options, ["--help"], summary, task=(head[0], find("tasks", head[0])))
    hint = f"`jangin {verb} TASK --help` shows the task's own flags too."
    return _read(verb, options, ["--help"], f"{summary}\n\n{hint}")


def _read(verb: str, options: type, words: Sequence[str], summary: str, task: tuple[str, Any] | None = None) -> Asked:
    """One pass of tyro over `words`; `task` is the name and what is registered under it."""
    fields: list[tuple[str, Any, Any]] = [("options", Annotated[options, tyro.conf.arg(name="")], dataclasses.field())]
    default = None
    if task is not None:
        from jangin.resolve import as_task  # NumPy, which a help text can do without

        default = as_task(*task)
    has_fields = dataclasses.is_dataclass(default) and bool(dataclasses.fields(default))
    if has_fields:
        fields.append(("task", type(default), dataclasses.field(default=default)))
    fields.append(("output", Annotated[Output, tyro.conf.arg(name="")], dataclasses.field(default=Output())))
    everything = dataclasses.make_dataclass(verb.title(), fields, frozen=True, kw_only=True)
    program = f"jangin {verb}" + (f" {task[0]}" if task else "")
    try:
        asked, unknown = _tyro(everything, program, words, summary)
    except _Refusal as refusal:
        unknown = [word for word in words if word.startswith("--")]
        raise JanginError(_unknown(program, unknown, everything) or refusal.sentence(program)) from None
    if unknown:
        strange = _unknown(program, unknown, everything)
        raise JanginError(strange or f"{program} does not know what to do with {unknown[0]!r}. See {program} --help.")
    return Asked(asked.options, asked.task if has_fields else default, asked.output)


def _tyro(everything: type, program: str, words: Sequence[str], summary: str) -> tuple[Any, list[str]]:
    """What tyro makes of the words, and those it does not know; raises HelpAsked or _Refusal, prints nothing."""
    out, err = _Page(), _Page()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            return tyro.cli(
                everything,
                prog=" ".join(program.split()[:2]),
                description=summary,
                args=list(words),
                return_unknown_args=True,
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except SystemExit as e:
        if e.code in (0, None):
            raise HelpAsked(out.getvalue()) from None
        raise _Refusal(err.getvalue()) from None


class _Page(io.StringIO):
    """What tyro writes on; it draws its frames when the encoding has them."""

    encoding = "utf-8"


class _Refusal(Exception):
    """tyro's framed error text."""

    def sentence(self, program: str) -> str:
        """Its first paragraph as one sentence."""
        inside = _ANSI.sub("", str(self)).translate(_FRAME).split("\n", 1)[-1]  # the first line is the frame's title
        text = " ".join(_RULE.split(inside)[0].split()).removesuffix(".")
        if missing := re.match(r"Missing from [^:]*: (\S+)", text):
            first = ", right after the verb" if missing.group(1).isupper() else ""
            return f"{program} needs {missing.group(1)}{first}. See {program} --help."
        if missing := re.match(r"Missing value for argument '(\S+)'", text):
            return f"{missing.group(1)} needs a value. See {program} --help."
        if wrong := re.match(rf"Error parsing (\S+): no type matching {_OPTIONAL} could be .* from \['(.*?)'\]", text):
            return f"{wrong.group(1)} is {wrong.group(3)!r}; give {_GIVE[wrong.group(2)]}. See {program} --help."
        if wrong := re.match(r"Error parsing (\S+): (.*)", text):
            return f"{wrong.group(1)} cannot be read: {wrong.group(2)}. See {program} --help."
        return f"{text[:1].upper()}{text[1:]}. See {program} --help."


def _unknown(program: str, words: Sequence[str], everything: type) -> str:
    """The sentence about the first of `words` that is a flag nobody has; "" when there is none."""
    try:
        _tyro(everything, program, ["--help"], "")
    except HelpAsked as page:
        flags = _FLAG.findall(page.text)
    for word in words:
        flag = word.split("=", 1)[0].replace("_", "-")
        if word.startswith("-") and flag not in flags:
            close = nearest(flag, flags)
            did = f" Did you mean {close}?" if close else ""
            return f"{program} has no flag {word.split('=', 1)[0]}.{did} See {program} --help."
    return ""
