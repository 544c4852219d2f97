// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let package = Package(
  name: "fuzzers",
  dependencies: [.package(name: "flowd", path: "../..")],
  targets: [
    .executableTarget(
      name: "fuzzers", dependencies: [.product(name: "FlowReaders", package: "flowd")],
      swiftSettings: [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
      ])
  ]
)
