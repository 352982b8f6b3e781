"""Driving in recorded scenarios, in closed loop: courses, planners, the drive itself, who judges it, and studies.

scenario = read_commonroad("USA_US101-4_1_T-1.xml")
drive(scenario, scenario.problems[0], Proposals(), replay="reactive").outcome   # "goal"
summary(study([scenario]))                                            # goal rate, crashes, costs

course      the way over lanes to a goal as one line, with the lanes beside it
foresight   where the others will be in the next seconds
proposals   ways to go on, each driven ahead in thought and weighed
planners    the rule-based planner and its baselines
ride        the closed loop: recorded traffic, a vehicle and its limits
judge       contact, edge of the road, costs: also of a trajectory that somebody else has planned
solutions   stored CommonRoad solutions
study       many problems, planners and replays in one table
"""
