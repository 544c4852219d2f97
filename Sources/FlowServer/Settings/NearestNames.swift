// SPDX-License-Identifier: Apache-2.0

/// What to write instead of `name`: the names most like it or, if none is like it, all of them.
func suggestion(for name: String, among known: [String]) -> String {
  guard !known.isEmpty else { return "there are none" }
  let ranked = known.map { (name: $0, distance: editDistance(name, $0)) }
    .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
  let bound = min(max(2, name.count / 3), ranked[0].distance + 1)
  let near = ranked.prefix(3).filter { $0.distance <= bound }
  if near.isEmpty { return "there are \(known.sorted().joined(separator: ", "))" }
  return "the nearest: \(near.map(\.name).joined(separator: ", "))"
}

/// How many letters must be put in, left out or changed to make `left` of `right`, whatever their case.
private func editDistance(_ left: String, _ right: String) -> Int {
  let left = Array(left.lowercased()), right = Array(right.lowercased())
  var row = Array(0...right.count)
  for (i, letter) in left.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, other) in right.enumerated() {
      let change = diagonal + (letter == other ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(change, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[right.count]
}
