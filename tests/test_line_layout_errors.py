"""Every wrong plant is told in one sentence, with the line of its file: what came, what is allowed, what to do."""

from __future__ import annotations

import pytest

from jangin.errors import BadFile, BadLayout
from jangin.line.layout_file import read_layout

BASE = """\
schema: jangin-line/1
name: door
parts: [A, B]
stations:
  - name: press
    cycle: 12
    at_m: [0, 0]
    failures:
      - {name: die, after: {exponential_s: 3600}, repair: {exponential_s: 240}, crew: fitters}
    stops: [{name: clean, first_s: 0, lasts_s: 60, every_s: 3600}]
  - name: weld
    cycle: {by_part: {A: 10, B: {lognormal: {mean_s: 11, cv: 0.3}}}}
    batch: 2
    at_m: [4, 0]
    operator: welding
    setup: {times_s: {A: {B: 30}}, default_s: 5}
    scrap: 0.02
    rework: 0.1
    rework_to: again
    routes: [{buffer: b2, parts: [A]}, {buffer: b3, parts: [B]}]
  - {name: hang, cycle: {evidence: runs/peg, handling_s: 4, attempts: 3, recovery: {default: 20}}, at_m: [8, 0]}
  - {name: pack, cycle: 5, at_m: [9, 0], calendar: early}
buffers:
  - {name: b1, from: press, to: weld, capacity: 3}
  - {name: again, from: weld, to: weld}
  - {name: b2, from: weld, to: hang, capacity: 4, fleet: amr}
  - {name: b3, from: weld, to: pack, capacity: 4}
  - {name: b4, from: hang, to: pack, capacity: 1}
releases:
  - {into: press, kind: push, every: {exponential_s: 15}, mix: {A: 2, B: 1}}
calendars:
  - {name: early, period: week, windows: ["Mon-Fri 06:00-14:00"], breaks: ["Mon-Fri 10:00-10:15"]}
crews:
  - {name: fitters, people: 2, skills: [welding], speed_m_s: 1.2}
fleets:
  - {name: amr, vehicles: 2, speed_m_s: 1.5, zones: [{name: dock, stations: [weld, hang], vehicles: 1}]}
takt_s: 20
"""

# fmt: off
WRONG = [  # what stands in BASE, what stands there instead, the line that is named, the sentence
    ("cycle: 12", "cycle: twelve", 6,
     "stations[0].cycle is 'twelve' where a number belongs or stations[0].cycle is 'twelve' where an object "
     "belongs."),
    ("cycle: 12", "cycl: 12", 5, "stations[0] lacks the key 'cycle'."),
    ("exponential_s: 3600", "exponentail_s: 3600", 9,
     "stations[0].failures[0].after has the unknown key 'exponentail_s' (is it 'exponential_s'?)."),
    ("capacity: 3}", "capacity: 3.5}", 24, "buffers[0].capacity is 3.5 where an integer belongs."),
    ("name: door\n", "", 1, "the layout lacks the key 'name'."),
    ("name: door", "name: [door", 3, "This is not strict YAML: expected ',' or ']', but got ':'."),
    ("takt_s: 20", "takt_s: 20\ntakt_s: 21", 38, "This is not strict YAML: the key 'takt_s' comes twice."),
    ("cycle: 12", "cycle: {constant_s: 1, exponential_s: 3}", 6,
     "A time is given as 'constant_s' and as 'exponential_s'. Give one."),
    ("cycle: 12", "cycle: {constant_s: 1, attempts: 3}", 6,
     "'attempts' belongs to evidence, but none is named. Add evidence: RUN_FOLDER."),
    ("cycle: 12", "cycle: {by_part: {A: 1}, evidence: runs/a}", 6,
     "The cycle gives 'evidence' and 'by_part'; it can keep only one. Drop the other."),
    ("jangin-line/1", "jangin-line/2", 1, "schema is 'jangin-line/2' where 'jangin-line/1' belongs."),
    ("cycle: 12", "cycle: {uniform_s: [3]}", 6, "stations[0].cycle.uniform_s has 1 entries."),
    ("cycle: 12", "cycle: {empirical_csv: none.csv}", 6,
     "Cannot read the times in 'none.csv'. Give a CSV file beside the layout."),
    ("kind: push", "kind: psuh", 30,
     "releases[0].kind is 'psuh' where one of ['saturated', 'push', 'takt', 'conwip'] belongs (is it 'push'?)."),
    ("to: weld, capacity: 3", "to: wled, capacity: 3", 24,
     "Buffer 'b1' names the station 'wled', which is not declared; did you mean 'weld'?"),
    ("name: pack, cycle", "name: weld, cycle", 22,
     "'weld' is also the name of another station. Every name must be unique."),
    ("name: b4", "name: press", 28,
     "'press' is already the name of a station, and the name of another buffer. Every name must be unique."),
    ("name: b4", "name: out", 28, "A buffer is called 'out', which is the way out of the line. Call it otherwise."),
    ("parts: [A, B]", "parts: [A, B, A]", 3, "The layout names the part type 'A' twice. Name it once."),
    ("crew: fitters}", "crew: fiters}", 9,
     "The failure 'die' at station 'press' names the crew 'fiters', which is not declared; did you mean "
     "'fitters'?"),
    ("fleet: amr}", "fleet: agv}", 26, "Buffer 'b2' names the fleet 'agv', which is not declared; there is: amr."),
    ("calendar: early", "calendar: late", 22,
     "Station 'pack' names the calendar 'late', which is not declared; there is: early."),
    ("takt_s: 20", "calendar: erly", 37,
     "The layout names the calendar 'erly', which is not declared; did you mean 'early'?"),
    ("into: press", "into: pres", 30,
     "A release names the station 'pres', which is not declared; did you mean 'press'?"),
    ("stations: [weld, hang]", "stations: [weld, hamg]", 36,
     "Zone 'dock' names the station 'hamg', which is not declared; did you mean 'hang'?"),
    ("operator: welding", "operator: wielding", 15,
     "Station 'weld' needs an operator with the skill 'wielding', which nobody has; did you mean 'welding'?"),
    ("operator: welding", "operator: paint", 15,
     "Station 'weld' needs an operator with the skill 'paint', which nobody has; add it to the skills of a crew."),
    ("capacity: 3}", "capacity: -1}", 24,
     "The capacity of buffer 'b1' is -1; it must be a whole number of 0 or more. Leave capacity out for a "
     "buffer without limit."),
    ("cycle: 12", "cycle: -12", 6, "The cycle time of station 'press' is -12; it must be 0 or more."),
    ("cycle: 12", "cycle: {uniform_s: [12, 8]}", 6,
     "The cycle time of station 'press' is uniform from 12 s to 8 s; the lower end must be below the upper. "
     "Swap them, or give a constant."),
    ("cycle: 12", "cycle: {triangular_s: [8, 20, 14]}", 6,
     "The cycle time of station 'press': the peak of the triangular is 20; it must lie between 8 and 14."),
    ("cv: 0.3", "cv: 0", 12,
     "The cycle time of station 'weld' for type 'B': cv of the lognormal is 0; it must be above 0."),
    ("cycle: 12", "cycle: {normal: {mean_s: 10, sd_s: 5}}", 6,
     "The cycle time of station 'press' is normal with mean 10 s and sd 5 s, often below 0; sd_s must be at "
     "most a third of the mean. Take a lognormal."),
    ("cycle: 12", "cycle: {erlang: {mean_s: 10, phases: 0}}", 6,
     "The cycle time of station 'press': phases of the erlang is 0; it must be a whole number of 1 or more."),
    ("exponential_s: 3600", "constant_s: 0", 9,
     "The time to failure of 'die' at station 'press' is always 0 s; it must be longer than that."),
    ("scrap: 0.02", "scrap: 1.2", 17, "scrap of station 'weld' is 1.2; it must lie between 0 and 1."),
    ("rework: 0.1", "rework: 1", 18,
     "scrap 0.02 and rework 1 of station 'weld' leave no way out for a good part. Give a rework below 1."),
    ("    rework_to: again\n", "", 18, "rework of station 'weld' is 0.1, but rework_to names no buffer. Add it."),
    ("rework_to: again", "rework_to: b1", 19,
     "Station 'weld' sends parts to buffer 'b1', which does not name it in `from`. Add 'weld' there."),
    ("batch: 2", "batch: 0", 13, "batch of station 'weld' is 0; it must be a whole number of 1 or more."),
    ("lasts_s: 60", "lasts_s: 3600", 10,
     "lasts_s of the stop 'clean' at station 'press' is 3600 s, but the stop comes again every 3600 s, so the "
     "station would never run. Shorten it, or lengthen every_s."),
    ("takt_s: 20", "takt_s: 0", 37, "takt_s of the layout is 0; it must be above 0."),
    ("people: 2", "people: 0", 34, "people of crew 'fitters' is 0; it must be a whole number of 1 or more."),
    ("handling_s: 4", "handling_s: -4", 21,
     "handling_s of the evidence of station 'hang' is -4; it must be 0 or more."),
    ("06:00-14:00", "06:00-06:00", 32,
     "The calendar 'early' has a shift of zero length, Mon 06:00 to Mon 06:00. Give its end after its beginning."),
    ("\"Mon-Fri 06:00-14:00\"", "\"Mon-Fri 06:00-14:00\", \"Mon 13:00-15:00\"", 32,
     "The calendar 'early' has windows that overlap or are out of order: Mon 06:00 to Mon 14:00, then Mon 13:00 "
     "to Mon 15:00. Give them in order, each ending before the next begins."),
    ("Mon-Fri 06:00-14:00", "Mon-Fr 06:00-14:00", 32, "'Mon-Fr 06:00-14:00' names the day 'Fr'; did you mean Fri?"),
    ("06:00-14:00", "06:00-14:60", 32,
     "'Mon-Fri 06:00-14:60' has the time 14:60, which no clock shows; write 00:00 to 24:00."),
    ("10:00-10:15", "15:00-15:15", 32,
     "The break 'Mon-Fri 15:00-15:15' of calendar 'early' lies outside every window. Move it, or drop it."),
    ("period: week, windows: [\"Mon-Fri 06:00-14:00\"], breaks: [\"Mon-Fri 10:00-10:15\"]",
     "period_s: 3600, windows_s: [[0, 4000]]", 32,
     "The calendar 'early' has the window 0 s to 4000 s, outside its period of 3600 s. End it within the "
     "period, and begin another at 0."),
    ("period: week, windows: [\"Mon-Fri 06:00-14:00\"], breaks: [\"Mon-Fri 10:00-10:15\"]",
     "period_s: 3600, windows_s: []", 32,
     "The calendar 'early' has no window, so nobody would ever work. Give at least one."),
    ("06:00-14:00", "6 to 14", 32, "'Mon-Fri 6 to 14' is no window of time; write it as 'Mon-Fri 06:00-14:00'."),
    ("period: week", "period: day", 32,
     "'Mon-Fri 06:00-14:00' names days, but the period is a day. Set period: week, or drop the days."),
    ("kind: push", "kind: takt", 30,
     "The release into 'press' is takt, at equal times, but `every` is exponential. Give a constant, or take "
     "push."),
    ("kind: push, every: {exponential_s: 15}", "kind: conwip", 30,
     "The release into 'press' is conwip without `wip`. Give how many parts may be in the line."),
    ("kind: push, every: {exponential_s: 15}", "kind: push", 30,
     "The release into 'press' is push without `every`. Give the time between arrivals."),
    ("kind: push", "kind: saturated", 30,
     "The release into 'press' is saturated, which knows no `every`. Drop it, or take push."),
    ("kind: push, every: {exponential_s: 15}", "kind: conwip, wip: 1", 13,
     "Station 'weld' works on 2 parts at once, but conwip keeps at most 1 in the line, so it can never start. "
     "Raise wip, or give a smaller batch."),
    ("mix: {A: 2, B: 1}", "mix: {A: 0, B: 0}", 30,
     "The release into 'press': the shares of its mix are all 0. Give one above 0."),
    ("mix: {A: 2, B: 1}", "mix: {A: 2, C: 1}", 30,
     "The release into 'press' names the part type 'C', which is not declared; there is: A, B."),
    ("mix: {A: 2, B: 1}", "mix: {A: 2}", 3,
     "No release lets in parts of type 'B'. Name it in the mix or sequence of one (a share of 0 will do)."),
    ("into: press", "into: weld", 30,
     "The release into 'weld': buffer 'b1' feeds that station already. Release into a station that no buffer "
     "feeds, if need be one before it with cycle 0."),
    ("mix: {A: 2, B: 1}}", "mix: {A: 2, B: 1}}\n  - {into: press, sequence: [A]}", 31,
     "Two releases go into station 'press'. Keep one; a mix of part types goes into one release."),
    ("    at_m: [0, 0]\n", "", 5,
     "Station 'press' has no at_m, but crew 'fitters' walks there. Say where it stands, as at_m: [3.0, 1.5]."),
    ("at_m: [8, 0]}", "pri_s: 3}", 21,
     "Station 'hang' has no at_m, but fleet 'amr' drives there. Say where it stands, as at_m: [3.0, 1.5]."),
    ("vehicles: 1}", "vehicles: 0}", 36,
     "vehicles of zone 'dock' is 0; it must be a whole number of 1 or more. With none, no vehicle could ever "
     "serve its stations."),
    ("speed_m_s: 1.5,", "speed_m_s: 1.5, reserve_s: 60,", 36,
     "reserve_s of fleet 'amr' is 60, but without drive_s it never charges. Add drive_s, or drop reserve_s."),
    ("batch: 2\n", "batch: 2\n    assemble: true\n", 11,
     "Station 'weld' never gets a part: nobody feeds 'again' from outside the line. Give 'weld' a way from a "
     "station that a release feeds, or remove the station."),
    ("calendar: early}", "calendar: early}\n  - {name: tie, cycle: 3, assemble: true}", 23,
     "Station 'tie' assembles, but no buffer feeds it; assembly takes one part from each of two or more. Add "
     "one."),
    ("{A: {B: 30}}", "{A: {C: 30}}", 16,
     "The set-up of station 'weld' names the part type 'C', which is not declared; there is: A, B."),
    ("attempts: 3", "attempts: 0", 21,
     "attempts of the evidence of station 'hang' is 0; it must be a whole number of 1 or more."),
    ("attempts: 3", "given_up: manual", 21,
     "given_up of the evidence of station 'hang' is 'manual', but `manual` gives no time; add it."),
    ("attempts: 3", "manual: 30", 21,
     "manual of the evidence of station 'hang' gives a time, but given_up is 'scrap'; drop one."),
    ("{buffer: b3, parts: [B]}", "{buffer: b3, parts: [A]}", 20,
     "Station 'weld' gets parts of type 'B', but none of its routes takes them. Add a route with 'B' and a "
     "share above 0."),
    ("[{buffer: b2, parts: [A]}, {buffer: b3, parts: [B]}]", "[{buffer: b2, share: 0}, {buffer: b3, share: 0}]", 20,
     "The shares of all routes of station 'weld' are 0, so no part could leave it. Give one a share above 0."),
    ("{A: 10, B: {lognormal: {mean_s: 11, cv: 0.3}}}", "{A: 10}", 12,
     "Station 'weld' gets parts of type 'B', but its cycle names only 'A'. Add 'B' to by_part."),
    ("    routes: [{buffer: b2, parts: [A]}, {buffer: b3, parts: [B]}]\n", "", 11,
     "Station 'weld' puts parts into the buffers 'b2', 'b3' and has no routes. Add routes that say which part "
     "goes where."),
    ("{buffer: b3, parts: [B]}]", "{buffer: out, parts: [B]}]", 27,
     "Buffer 'b3' names station 'weld' as its source, whose routes do not go there. Add a route, or drop the "
     "source."),
    ("from: hang, to: pack, capacity: 1}",
     "from: hang, to: pack, capacity: 1}\n  - {name: b5, from: pack, to: hang}", 21,
     "Parts of type 'A' can never leave the stations 'hang', 'pack': their routes only lead to each other. Give "
     "one of them a route to 'out', or scrap."),
    ("from: press, to: weld", "from: pack, to: weld", 11,
     "Station 'weld' never gets a part: nobody feeds 'b1', 'again' from outside the line. Give 'pack', 'weld' a "
     "way from a station that a release feeds, or remove the station."),
    ("{name: pack, cycle: 5", "{name: pack, scrap: 1, cycle: 5", 22,
     "No good part can ever leave the line. Give a station a way to 'out', with scrap below 1."),
    ("{buffer: b3, parts: [B]}", "{buffer: b4, parts: [B]}", 20,
     "Station 'weld' sends parts to buffer 'b4', which does not name it in `from`. Add 'weld' there."),
    ("    batch: 2\n", "    batch: 0.5\n", 13, "stations[1].batch is 0.5 where an integer belongs."),
    ("weld, capacity: 3}", "weld, capacity: 1}\n  - {name: b0, from: press, to: weld}", 5,
     "Station 'press' puts parts into the buffers 'b1', 'b0' and has no routes. Add routes that say which part "
     "goes where."),
    ("rework: 0.1", "rework: -0.1", 18, "rework of station 'weld' is -0.1; it must lie between 0 and 1."),
    ("every: {exponential_s: 15}", "every: {empirical_csv: two.csv}", 30,
     "two.csv, line 3, holds 'four' where one number of seconds belongs. Mend it, or keep the one column of "
     "times."),
    ("every: {exponential_s: 15}", "every: {trace_s: [0, 0]}", 30,
     "The release into 'press': every is always 0 s; it must be longer than that."),
    ("from: weld, to: weld}", "from: weld, to: weld, priority: {A: 1}}", 25,
     "Buffer 'again' gives priorities, but its order is 'fifo'. Set order: priority, or drop them."),
    ("skills: [welding]", "skills: [welding, welding]", 34,
     "Crew 'fitters' names the skill 'welding' twice. Name it once."),
    ("at_m: [4, 0]", "at_m: [4]", 14, "stations[1].at_m has 1 entries."),
    ("mix: {A: 2, B: 1}", "mix: {A: 2, B: 1}, sequence: [A]", 30,
     "The release into 'press' gives a mix and a sequence; it can keep only one. Drop the other."),
    ("every: {exponential_s: 15}", "every: -1", 30, "The release into 'press': every is -1; it must be 0 or more."),
    ("06:00-14:00\"]", "06:00-14:00\"], period_s: 4", 32,
     "Calendar 'early' is given in seconds and lacks windows_s. Add it."),
    ("period: week, ", "", 32,
     "Calendar 'early' lacks period. Add it, as period: week, windows: [Mon-Fri 06:00-14:00]."),
    ("kind: push", "kind: push, wip: 3", 30,
     "The release into 'press' is push, which knows no `wip`. Drop it, or take conwip."),
    ("Mon-Fri 10:00-10:15", "Mon-Fri 10:00-Sat 10:15", 32,
     "'Mon-Fri 10:00-Sat 10:15' ends on one day but begins on 5. Begin it on one day."),
    ("from: hang, to: pack", "from: [], to: pack", 28, "buffers[4].from has 0 entries."),
    ("vehicles: 1}", "vehicles: 1}, {name: bay, stations: [hang], vehicles: 1}", 36,
     "Station 'hang' is in two zones of fleet 'amr', 'dock' and 'bay'. Keep it in one."),
    ("speed_m_s: 1.5", "speed_m_s: 0", 36, "speed_m_s of fleet 'amr' is 0; it must be above 0."),
    ("recovery: {default: 20}", "recovery: {default: -20}", 21,
     "The recovery after 'default' of the evidence of station 'hang' is -20; it must be 0 or more."),
    ("attempts: 3", "conditions: {offset_m: [2, 1]}", 21,
     "The condition 'offset_m' of the evidence of station 'hang' goes from 2 to 1; put the lower end first."),
    ("attempts: 3", "max_age_days: 0", 21, "max_age_days of the evidence of station 'hang' is 0; it must be above 0."),
    ("attempts: 3", "failed_s: -3", 21, "failed_s of the evidence of station 'hang' is -3; it must be 0 or more."),
    ("first_s: 0", "first_s: -1", 10, "first_s of the stop 'clean' at station 'press' is -1; it must be 0 or more."),
]
# fmt: on


def test_the_base_is_right(tmp_path):
    """What the wrong files are made from has nothing wrong in it, so each sentence is about the change alone."""
    (tmp_path / "door.yaml").write_text(BASE)
    assert read_layout(tmp_path / "door.yaml").name == "door"


@pytest.mark.parametrize(
    ("right", "wrong", "line", "said"), WRONG, ids=[f"{k}-{row[1][:24]}" for k, row in enumerate(WRONG)]
)
def test_a_wrong_file_names_line_and_remedy(tmp_path, right, wrong, line, said):
    """One change to a right file gives exactly this sentence at exactly this line."""
    assert right in BASE
    (tmp_path / "two.csv").write_text("s\n3\nfour\n")
    (tmp_path / "door.yaml").write_text(BASE.replace(right, wrong, 1))
    with pytest.raises(BadLayout) as e:
        read_layout(tmp_path / "door.yaml")
    assert str(e.value) == f"door.yaml, line {line}: {said}"
    assert e.value.exit_code == 2


def test_a_wrong_encoding_or_no_file(tmp_path):
    """A file that is not there or is no text is BadFile, never a traceback."""
    with pytest.raises(BadFile, match=r"There is no file .*none\.yaml\. Give the path of a layout \(YAML\)\."):
        read_layout(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: T\u00fcr".encode("latin-1"))
    with pytest.raises(BadFile, match=r"Cannot read .*latin\.yaml: it is no UTF-8 text\."):
        read_layout(tmp_path / "latin.yaml")


@pytest.mark.parametrize("text", ["", "- 3", "just words", "schema: jangin-line/1", "{}", "a: *b", "a: 2026-01-01"])
def test_what_is_no_layout_at_all(tmp_path, text):
    """Any YAML whatever is either a layout or one sentence with a line."""
    (tmp_path / "door.yaml").write_text(text)
    with pytest.raises(BadLayout, match=r"^door\.yaml, line 1: [^\n]+\.$"):
        read_layout(tmp_path / "door.yaml")
