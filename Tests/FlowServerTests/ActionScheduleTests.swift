// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import FlowServer

@Suite("Schedules of actions")
struct ActionScheduleTests {
  private func actions(_ schedule: ActionSchedule, _ frames: Range<Int>) -> [Int] {
    var schedule = schedule
    return frames.map { schedule.take($0).action }
  }

  @Test("without a plan the default action is taken")
  func byDefault() {
    #expect(actions(ActionSchedule(defaultAction: 2), 0..<3) == [2, 2, 2])
  }

  @Test("a list is taken run by run, then the default action")
  func list() {
    var schedule = ActionSchedule(defaultAction: 0)
    schedule.run([(1, 2), (2, 1)], from: 0)
    #expect(actions(schedule, 0..<5) == [1, 1, 2, 0, 0])
  }

  @Test("an empty list means the default action from there on")
  func emptyList() {
    var schedule = ActionSchedule(defaultAction: 0)
    schedule.hold(1, from: 0)
    schedule.run([], from: 2)
    #expect(actions(schedule, 0..<4) == [1, 1, 0, 0])
  }

  @Test("a change replaces what was planned from there on, and nothing before")
  func change() {
    var schedule = ActionSchedule(defaultAction: 0)
    schedule.run([(1, 4), (2, 4)], from: 0)
    schedule.hold(3, from: 6, control: 9)
    #expect(actions(schedule, 0..<9) == [1, 1, 1, 1, 2, 2, 3, 3, 3])
    schedule.hold(4, from: 2)
    #expect(actions(schedule, 0..<9) == [1, 1, 4, 4, 4, 4, 4, 4, 4])
  }

  @Test("a choice tells which control decided it")
  func control() {
    var schedule = ActionSchedule(defaultAction: 0)
    schedule.run([(1, 1)], from: 1, control: 7)
    #expect((0..<4).map { schedule.take($0).control } == [nil, 7, 7, 7])
  }

  @Test("room is bounded, what is replaced or past does not count")
  func room() {
    var schedule = ActionSchedule(defaultAction: 0)
    for frame in 1..<ActionSchedule.maximumSegments { schedule.hold(1, from: frame) }
    let end = ActionSchedule.maximumSegments
    #expect(!schedule.hasRoom(for: 1, from: end))
    #expect(schedule.hasRoom(for: 1, from: end - 1) && !schedule.hasRoom(for: 2, from: end - 1))
    _ = schedule.take(1)
    #expect(schedule.hasRoom(for: 1, from: end))
  }
}
