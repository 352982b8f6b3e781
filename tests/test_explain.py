"""Laws of `explain`: known regions are found, none is invented, nudges are exact, and the evidence is never touched."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from jangin.cli import main
from jangin.errors import BadFolder, BadPolicy, BadTask, JanginError
from jangin.explain import Progress, explain, point
from jangin.qualify import qualify
from jangin.record import RunFolder, sha256_file
from jangin.replay import replay
from jangin.report import report
from jangin.task import Condition, Conditions, Fixed
from jangin.verify import verify
from toy import Toy, ToyExpert, ToyWorld

EDGE_X, EDGE_WIND = 0.12, 0.02  # the region: goal_x_m above, wind_m_s above; 0.4 x 0.4 of the conditions


class RuledWorld(ToyWorld):
    """The toy, where a trial is over after one period and `rule(values, noise)` is its margin."""

    def step(self, action, ids=None):
        ids = np.arange(self.nsim) if ids is None else np.asarray(ids)
        step = super().step(action, ids)
        values = {k: v[ids] for k, v in self.values.items()}
        self.margin[ids] = self.task.rule(values, self.noise[ids, 0, 0])
        good = self.margin[ids] >= 0
        self.done_s[ids] = np.where(good, 0.05, np.inf)
        broken = (self.trial[ids] % 50 == 49) & self.task.breaks
        return dataclasses.replace(step, outcome=np.where(broken, 4, np.where(good, 1, 3)).astype(np.int16))


@dataclasses.dataclass(frozen=True)
class Ruled(Toy):
    """A task whose failures follow a rule that is known; a part of each kind has a class of its own."""

    breaks: bool = False

    def world(self, nsim, *, threads=0, seed=0, purpose="simulate"):
        return RuledWorld(self, nsim, seed, purpose)


class Corner(Ruled):
    @staticmethod
    def rule(v, noise):
        return np.maximum((EDGE_X - v["goal_x_m"]) / 1.2, (EDGE_WIND - v["wind_m_s"]) / 0.2)


class Chance(Ruled):
    @staticmethod
    def rule(v, noise):
        return noise + 1.2  # fails in 11.5 % of trials whatever the conditions


class Never(Ruled):
    @staticmethod
    def rule(v, noise):
        return 0.3 + v["goal_y_m"] + 0.01 * noise


SIZES = {"points": 256, "rows": 16, "retests": 64}


def qualified(place, task, **options):
    folder = RunFolder.create(place)
    options = {"seed": 7, "block": 64, "max_trials": 64, "baselines": False, **options}
    qualify(ToyExpert(0.08), task, ["success >= 0.5"], folder=folder, **options)
    folder.seal()
    return folder


def told(folder, task, **options):
    return explain(folder, policy=ToyExpert(0.08), task=task, **{**SIZES, **options})


@pytest.fixture(scope="module")
def corner(tmp_path_factory):
    folder = qualified(tmp_path_factory.mktemp("explain") / "run", Corner())
    before = {n: sha256_file(folder / n) for n in folder.files()}
    return folder, told(folder, Corner()), before


# ── regions ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_known_region_is_found_and_stands_in_the_conditions_units(corner):
    _, found, _ = corner
    (box,) = [b for b in found.found["regions"]["boxes"] if b["stands"]]
    sides = {s["condition"]: s for s in box["sides"]}
    assert set(sides) == {"goal_x_m", "wind_m_s"}
    assert sides["goal_x_m"]["low"] == pytest.approx(EDGE_X, abs=1.2 / 32)
    assert sides["wind_m_s"]["low"] == pytest.approx(EDGE_WIND, abs=0.2 / 32)
    assert box["retest"]["failures"] >= 0.85 * box["retest"]["trials"]
    assert box["volume"] == pytest.approx(0.16, abs=0.03)
    held = box["share_of_failures"]
    assert held["low"] <= held["value"] <= held["high"]
    assert held["value"] >= 0.9
    assert box["sentence"].startswith("Fails in ")
    assert "when goal x > 0.1" in box["sentence"]
    assert " and wind > 0.0" in box["sentence"]
    assert "of the failures" in box["sentence"]
    assert found.regions == 1


def test_failures_that_depend_on_no_condition_give_no_region(tmp_path):
    """Of 12 seeds at most 2 show a false region: at alpha = 0.05 three or more have a probability below 2 %."""
    folder = qualified(tmp_path / "a", Chance())
    found = [told(folder, Chance(), seed=seed, rows=0) for seed in range(12)]
    assert all(20 <= f.failures <= 42 for f in found)
    assert sum(f.regions > 0 for f in found) <= 2
    none = next(f for f in found if f.found["regions"]["suspected"] == 0)
    assert any("nowhere do the map's failures gather more than such a search would find by chance" in s
               for s in none.sentences)  # fmt: skip


def test_a_policy_that_never_fails_is_said_to_with_the_bound_and_what_it_is_worth(tmp_path):
    found = told(qualified(tmp_path / "a", Never()), Never(), rows=64)
    assert (found.failures, found.regions) == (0, 0)
    bound = 1 - 0.05 ** (1 / 256)
    assert found.found["map"]["bound_if_independent"] == pytest.approx(bound)
    assert found.sentences[0].startswith(
        "None of 256 map trials failed. Had they been drawn independently, the failure"
    )
    assert "claims rest on the evidence alone" in found.sentences[0]
    lowest = found.found["most_likely"]
    assert not lowest["found"]
    assert lowest["moved"][0]["condition"] == "goal_y_m"
    assert 0.45 <= lowest["margin"] <= 0.5  # 0.5 at the lowest goal, less some noise
    assert "No failure was met in 512 further trials towards lower margins either" in lowest["sentence"]
    top = max(found.found["sensitivity"]["factors"], key=lambda f: f["total"])
    assert top["name"] == "goal_y_m"
    assert top["total"] == pytest.approx(1.0, abs=0.2)
    assert found.found["nudges"] == []


# ── sensitivity ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_noise_is_a_factor_of_its_own(tmp_path):
    found = told(qualified(tmp_path / "a", Chance()), Chance(), rows=64).found["sensitivity"]
    by_name = {f["name"]: f for f in found["factors"]}
    assert set(by_name) == {"goal_x_m", "goal_y_m", "wind_m_s", "noise"}
    assert by_name["noise"]["total"] == pytest.approx(1.0, abs=0.25)
    assert by_name["wind_m_s"]["total"] == 0.0  # the margin is the same bits for another wind
    assert "margin depends most on noise" in found["sentence"]


class Infinite(Ruled):
    @staticmethod
    def rule(v, noise):
        return np.where(v["wind_m_s"] > 0.05, -np.inf, v["goal_x_m"] + 1.0)


def test_infinite_margins_make_it_the_rank_and_say_so(tmp_path):
    found = told(qualified(tmp_path / "a", Infinite()), Infinite())
    assert found.found["sensitivity"]["of"] == "rank of the margin"
    assert found.found["sensitivity"]["sentence"].startswith("The rank of the margin depends most on")
    json.loads((RunFolder.open(found.run_dir) / "explain/explain.json").read_text())


def test_rows_with_trials_nobody_can_vouch_for_are_left_out_and_counted(tmp_path):
    task = Corner(breaks=True)
    folder = RunFolder.create(tmp_path / "a")
    qualify(ToyExpert(0.08), task, ["success >= 0.5"], folder=folder, seed=7, block=16, max_trials=16, baselines=False)
    found = told(folder, task, rows=64)
    assert found.found["map"]["invalid"] == 5
    assert found.points == 251
    assert found.sentences[0].endswith("5 more are ones the engine cannot vouch for, and were left out.")
    assert found.found["sensitivity"]["left_out"] >= 1
    assert found.found["sensitivity"]["rows"] + found.found["sensitivity"]["left_out"] == 64


# ── the most likely failure and nudges ───────────────────────────────────────────────────────────────────────────


def test_the_most_likely_failure_is_at_the_corner_and_names_its_two_conditions(corner):
    folder, found, _ = corner
    likely = found.found["most_likely"]
    assert [m["condition"] for m in likely["moved"]] in (["goal_x_m", "wind_m_s"], ["wind_m_s", "goal_x_m"])
    values = {m["condition"]: m["value"] for m in likely["moved"]}
    assert EDGE_X < values["goal_x_m"] < EDGE_X + 0.03
    assert EDGE_WIND < values["wind_m_s"] < EDGE_WIND + 0.005
    assert likely["distance"] == pytest.approx(np.hypot(0.2533, 0.2533), abs=0.05)  # both at their 60 % quantiles
    again = point(folder, likely["point"], policy=ToyExpert(0.08), task=Corner())
    assert again.same
    assert again.rerun["outcome"] == likely["outcome"] == "left_box"
    assert again.rerun["goal_x_m"] == values["goal_x_m"]
    assert f"--point {likely['point']}" in likely["command"]


def test_a_nudge_stops_at_the_boundary_and_keeps_the_trials_noise(corner):
    folder, found, _ = corner
    assert len(found.found["nudges"]) == 3
    for n in found.found["nudges"]:
        assert (n["source"], n["fails_again"], n["median_passes"]) == ("evidence", True, True)
        assert {m["condition"] for m in n["moves"]} == {"goal_x_m", "wind_m_s"}
        for m in n["moves"]:
            edge = {"goal_x_m": EDGE_X, "wind_m_s": EDGE_WIND}[m["condition"]]
            assert m["passes_at"] <= edge < m["fails_at"]
            assert m["fails_at"] - m["passes_at"] <= 1e-3 * m["value"] + 1e-12  # the medians are 0
        stored = replay(folder, n["number"], policy=ToyExpert(0.08), task=Corner()).stored
        assert stored["outcome"] == n["outcome"] == "left_box"
        assert {m["value"] for m in n["moves"]} == {stored["goal_x_m"], stored["wind_m_s"]}
        assert f"Trial {n['number']} (left box) passes when " in n["sentence"]
        assert f"--trial {n['number']}" in n["command"]


def test_the_trial_one_asks_for_comes_first_and_a_success_is_refused(corner, tmp_path):
    folder, _, _ = corner
    outcome = folder.read_trials("evidence/trials.parquet")["outcome"]
    failing, good = (np.flatnonzero(outcome != "success"), np.flatnonzero(outcome == "success"))
    copy = qualified(tmp_path / "a", Corner())
    found = told(copy, Corner(), trial=int(failing[-1]), rows=0)
    assert found.found["nudges"][0]["number"] == failing[-1]
    with pytest.raises(BadFolder, match=rf"Trial {good[0]} is no failing trial .* The failing ones are \d+, "):
        told(copy, Corner(), trial=int(good[0]))


# ── what is kept, and what is not touched ────────────────────────────────────────────────────────────────────────


def test_the_evidence_is_the_same_bytes_and_the_sealed_folder_verifies(corner):
    folder, _, before = corner
    assert {n: sha256_file(folder / n) for n in before} == before
    report(folder)
    folder.seal()
    folder.check()
    assert verify(folder).verdict == json.loads((folder / "evidence/verdict.json").read_text())["verdict"]


def test_every_row_runs_again_to_the_same_bits(corner):
    folder, found, _ = corner
    table = folder.read_trials("explain/map.parquet")
    assert set(table["part"]) == {"map", "sensitivity", "search", "nudge"}
    assert len(table) + len(folder.read_trials("explain/retest.parquet")) == found.trials
    for part in ("map", "sensitivity", "search", "nudge"):
        row = int(np.flatnonzero(table["part"] == part)[-1])
        again = point(folder, row, policy=ToyExpert(0.08), task=Corner())
        assert again.same
        assert again.sentence == f"Point {row:,} ({table['outcome'][row]}) came out the same, bit for bit."
    with pytest.raises(BadFolder, match=rf"There is no point {len(table)} in .* it holds points 0 to"):
        point(folder, len(table), policy=ToyExpert(0.08), task=Corner())
    changed = {**table.columns, "margin": table["margin"] + 1e-9}
    folder.write_trials("explain/map.parquet", dataclasses.replace(table, columns=changed))
    assert point(folder, 3, policy=ToyExpert(0.08), task=Corner()).differs == ("margin",)
    folder.write_trials("explain/map.parquet", table)


def test_no_trial_of_the_map_or_the_re_test_is_one_of_the_evidence_and_none_is_run_twice(corner):
    folder, _, _ = corner
    table, fresh = (folder.read_trials(f"explain/{n}.parquet") for n in ("map", "retest"))
    own = folder.read_trials("evidence/trials.parquet")["goal_x_m"]
    drawn = np.concatenate([table["goal_x_m"][table["part"] == "map"], fresh["goal_x_m"]])
    assert not set(drawn.tolist()) & set(own.tolist())
    assert set(table["stream"][table["part"] == "map"]) == {"map"}
    assert set(fresh["stream"]) == {"retest"}
    assert len(set(fresh["trial"].tolist())) == len(fresh)


class Stop(Exception):
    pass


def test_interrupted_it_breaks_no_seal_and_goes_on_to_the_same_bytes(corner, tmp_path):
    folder, _, _ = corner
    copy = qualified(tmp_path / "a", Corner())
    seen = []

    def stop(now: Progress) -> None:
        seen.append(now)
        if len(seen) == 12:
            raise Stop

    with pytest.raises(Stop):
        told(copy, Corner(), progress=stop)
    copy.check()
    assert not copy.has("explain/map.parquet")
    assert len(list((copy / ".explain").glob("*.parquet"))) >= 11
    told(copy, Corner())
    assert not (copy / ".explain").exists()
    for name in ("map.parquet", "retest.parquet"):
        assert (copy / "explain" / name).read_bytes() == (folder / "explain" / name).read_bytes()
    ours, theirs = (f.read_json("explain/explain.json") for f in (copy, folder))
    assert json.dumps(ours).replace(str(copy.path), "") == json.dumps(theirs).replace(str(folder.path), "")


def test_what_was_run_is_not_run_again_and_another_seed_is_another_map(corner, monkeypatch):
    folder, found, _ = corner
    monkeypatch.setattr(RuledWorld, "reset", lambda *a, **k: pytest.fail("a trial was run again"))
    assert told(folder, Corner()).found == found.found
    monkeypatch.undo()
    other = told(folder, Corner(), seed=8)
    assert other.found["made"]["seed"] == 8
    assert other.found["regions"] != found.found["regions"]
    told(folder, Corner())


def test_progress_counts_each_stage(tmp_path):
    seen: list[Progress] = []
    told(qualified(tmp_path / "a", Corner()), Corner(), progress=seen.append)
    stages = list(dict.fromkeys(p.stage for p in seen))
    assert stages == ["map", "sensitivity", "retest", "search", "nudge"]
    assert [p.done for p in seen if p.stage == "map"] == [64, 128, 192, 256]
    assert all(p.done <= p.of for p in seen if p.of)


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_wrong_input_is_one_sentence(corner, tmp_path):
    folder, _, _ = corner
    with pytest.raises(BadPolicy, match="The plan's policy is expert"):
        explain(folder, policy=dataclass_policy("other"), task=Corner(), **SIZES)
    with pytest.raises(BadTask, match="another declaration"):
        told(folder, Corner(steps=50))
    with pytest.raises(JanginError, match="A map of 8 points shows nothing; give at least 16, best 1024"):
        told(folder, Corner(), points=8)
    with pytest.raises(JanginError, match="4 rows are too few for sensitivities; give at least 8, or 0 to leave them"):
        told(folder, Corner(), rows=4)
    with pytest.raises(JanginError, match="5 fresh trials in a region show nothing; give at least 10"):
        told(folder, Corner(), retests=5)
    empty = RunFolder.create(tmp_path / "b")
    with pytest.raises(BadFolder, match=r"has no verdict yet\. Run qualify first"):
        told(empty, Corner())


def dataclass_policy(name):
    policy = ToyExpert(0.08)
    policy.name = name
    return policy


class Still(Never):
    conditions = Conditions(tuple(Condition(n, u, Fixed(0.3)) for n, u in Toy.conditions.units.items()))


def test_a_task_in_which_nothing_varies_is_refused(tmp_path):
    folder = qualified(tmp_path / "a", Still())
    with pytest.raises(BadTask, match="no condition that varies between trials, so there is nothing to map"):
        told(folder, Still())


def test_a_folder_somebody_changed_is_not_sealed_anew(tmp_path):
    folder = qualified(tmp_path / "a", Corner())
    verdict = folder.read_text("evidence/verdict.json")
    folder.write_text("evidence/verdict.json", verdict + "\n")
    with pytest.raises(BadFolder, match=r"verdict\.json was changed after the run"):
        told(folder, Corner())


# ── the report and the command line ──────────────────────────────────────────────────────────────────────────────


def test_the_report_shows_it_and_never_calls_it_evidence(corner):
    folder, found, _ = corner
    page = report(folder).read_text(encoding="utf-8")
    section = page.split('<section id="failures">')[1].split("</section>")[0]
    assert "Map trials, not evidence." in section
    assert section.count("<svg") == 4  # three pairs of conditions, and the bars
    assert "<b>stands</b>" in section
    assert found.found["most_likely"]["sentence"] in section.replace("&#39;", "'")
    assert "jangin explain" in section
    assert "<script" not in section
    boxes = found.found["regions"]["boxes"]
    assert f"{boxes[0]['retest']['failures']} of {boxes[0]['retest']['trials']}" in section


def test_a_report_without_a_map_says_how_to_make_one_and_one_of_another_plan_is_not_shown(tmp_path):
    folder = qualified(tmp_path / "a", Never())
    assert "No map was made. `jangin explain`" in report(folder).read_text(encoding="utf-8")
    told(folder, Never(), rows=0)
    assert "Nothing failed, so the numbers are the trials with the lowest tenth" in report(folder).read_text("utf-8")
    found = folder.read_json("explain/explain.json")
    folder.write_json("explain/explain.json", {**found, "made": {**found["made"], "plan": "other"}})
    assert "holds an explanation of another plan" in report(folder).read_text(encoding="utf-8")


def test_the_command_line(tmp_path, capsys):
    run, task = str(tmp_path / "run"), "tests/toy.py:TASK"
    words = ["--policy", "expert", "--out", run, "--max-trials", "64", "--block", "64", "--claim", "success >= 0.5"]
    assert main(["qualify", task, *words]) == 0
    capsys.readouterr()
    asked = ["explain", run, "--task", task, "--points", "64", "--rows", "8", "--retests", "10"]
    assert main([*asked, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["map"]["trials"] == 64
    assert main(["verify", run]) == 0
    assert main([*asked]) == 0
    text = capsys.readouterr().out
    assert "map trials failed" in text
    assert "no evidence" in text
    assert main(["explain", run, "--task", task, "--point", "3"]) == 0
    assert "Point 3 (" in capsys.readouterr().out
    assert main(["explain", run, "--task", task, "--point", "99999"]) == 2
    assert "There is no point 99999" in capsys.readouterr().err


class Rare(Ruled):
    @staticmethod
    def rule(v, noise):
        return np.where(v["wind_m_s"] > 0.094, -1.0, 0.01 + 0.001 * v["goal_x_m"])  # 3 % fail, far below all else


def test_few_failures_far_below_all_else_make_it_the_rank_too(tmp_path):
    found = told(qualified(tmp_path / "a", Rare()), Rare(), rows=64).found["sensitivity"]
    assert found["of"] == "rank of the margin"
    assert max(found["factors"], key=lambda f: f["total"])["name"] == "goal_x_m"
    assert all(f["total"] <= 1.2 for f in found["factors"])
