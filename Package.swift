// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target is compiled with.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// Element loops are compiled optimised in debug builds too, so that debug test runs stay usable.
let kernels: [CSetting] = [
  .unsafeFlags(["-O3", "-fno-math-errno", "-Wall", "-Wextra", "-Werror", "-Wno-psabi"])
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let settings = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let http = [
  Target.Dependency.product(name: "FlyingFox", package: "FlyingFox"),
  Target.Dependency.product(name: "FlyingSocks", package: "FlyingFox"),
]
let yaml = Target.Dependency.product(name: "Yams", package: "Yams")

/// A library target of ours; `Sources/NAME` holds it.
func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// A thin executable: arguments, wiring, exit codes.
func executable(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// The tests of one library; `Tests/NAMETests` holds them.
func tests(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, resources: resources,
    swiftSettings: strict)
}

let package = Package(
  name: "flowd",
  products: [
    .executable(name: "flowd", targets: ["flowd"]),
    .executable(name: "flowctl", targets: ["flowctl"]),
    .executable(name: "flowtrain", targets: ["flowtrain"]),
    // What reads bytes from outside, for tools/fuzzers.
    .library(
      name: "FlowReaders",
      targets: [
        "FlowWire", "FlowClient", "FlowCheckpoint", "FlowGeneration", "FlowTraining", "FlowVideo",
        "FlowManifolds",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.2.0"),
    .package(
      url: "https://github.com/apple/swift-configuration", from: "1.0.0",
      traits: ["YAML", "CommandLineArguments"]),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/swhitty/FlyingFox", from: "0.26.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
  ],
  targets: [
    // Row 7: executables.
    executable("flowd", ["FlowServer", "FlowGeneration", "FlowTensor", argumentParser, logging]),
    executable("flowctl", ["FlowClient", argumentParser]),
    executable(
      "flowtrain", ["FlowTraining", "FlowGeneration", "FlowCheckpoint", "FlowTensor", argumentParser]),
    executable(
      "flowbench",
      [
        "FlowGeneration", "FlowManifolds", "FlowNN", "FlowMaps", "FlowAutodiff", "FlowCheckpoint",
        "FlowTensor", "FlowTestSupport",
        "COneDNN", argumentParser,
      ]),

    // Row 6: the daemon and the client, without main.
    library(
      "FlowServer",
      [
        "FlowGeneration", "FlowManifolds", "FlowTensor", "FlowVideo", "FlowWire", "FlowZeroMQ", "FlowDigest",
        deque, logging, settings, yaml,
      ] + http),
    library("FlowClient", ["FlowWire", "FlowZeroMQ", "FlowDigest", "FlowPlot"]),

    // Row 5: generating and training.
    library("FlowGeneration", ["FlowNN", "FlowMaps", "FlowManifolds", "FlowCheckpoint", "FlowDigest"]),
    library(
      "FlowTraining",
      [
        "FlowGeneration", "FlowNN", "FlowMaps", "FlowManifolds", "FlowCheckpoint", "FlowVideo", "FlowPlot",
        "CZlib", yaml,
      ]),

    // Rows 2 to 4: the mathematics.
    library("FlowMaps", ["FlowManifolds", "FlowAutodiff", "FlowTensor"]),
    library("FlowManifolds", ["FlowAutodiff", "FlowTensor"]),
    library("FlowNN", ["FlowAutodiff", "FlowTensor"]),
    library("FlowAutodiff", ["FlowTensor"]),
    library("FlowCheckpoint", ["FlowTensor", "FlowDigest"]),

    // Row 1: tensors and the kernels under them.
    library("FlowTensor", ["CFlowKernels", "COneDNN", "COpenBLAS"]),
    .target(
      name: "CFlowKernels", cSettings: kernels, linkerSettings: [.linkedLibrary("m"), .linkedLibrary("dnnl")]),
    .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),

    // Aside: what meets the outside world.
    library("FlowWire"),
    library("FlowPlot"),
    library("FlowDigest", ["COpenSSL"]),
    library("FlowZeroMQ", ["CZeroMQ"]),
    library("FlowVideo", ["CFFmpeg"]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
    .systemLibrary(
      name: "CFFmpeg", pkgConfig: "libavcodec",
      providers: [.apt(["libavcodec-dev", "libavformat-dev", "libswscale-dev", "libavutil-dev"])]),

    // Tests.
    tests("FlowTensor", ["ThreadPlacement"]),
    .target(name: "ThreadPlacement", path: "Tests/ThreadPlacement"),
    tests("FlowAutodiff", ["FlowTensor"]),
    tests("FlowCheckpoint", ["FlowDigest"], resources: [.copy("Fixtures")]),
    tests("FlowNN", ["FlowAutodiff", "FlowTensor", "FlowCheckpoint"], resources: [.copy("Fixtures")]),
    tests("FlowManifolds", ["FlowAutodiff", "FlowTensor", "FlowCheckpoint"], resources: [.copy("Fixtures")]),
    tests("FlowMaps", ["FlowManifolds", "FlowAutodiff", "FlowTensor"]),
    tests(
      "FlowGeneration",
      [
        "FlowManifolds", "FlowMaps", "FlowNN", "FlowAutodiff", "FlowTensor", "FlowCheckpoint",
        "AllocationCounter",
        "FlowTestSupport",
      ]),
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    tests(
      "FlowTraining",
      [
        "FlowGeneration", "FlowManifolds", "FlowMaps", "FlowNN", "FlowAutodiff", "FlowTensor",
        "FlowCheckpoint", "FlowTestSupport", "flowtrain",
      ]
    ),
    tests("FlowVideo", ["CFFmpeg"]),
    tests("FlowWire"),
    tests("FlowPlot"),
    tests("FlowDigest"),
    tests("FlowZeroMQ", ["FlowTestSupport"]),
    tests(
      "FlowServer",
      [
        "FlowGeneration", "FlowTensor", "FlowWire", "FlowZeroMQ", "FlowVideo", "FlowDigest",
        "FlowTestSupport", "flowd", logging,
      ]),
    tests("FlowClient", ["FlowWire", "FlowZeroMQ", "FlowDigest", "FlowTestSupport", "flowctl"]),
    .testTarget(
      name: "EndToEndTests",
      dependencies: ["FlowTestSupport", "FlowWire", "FlowZeroMQ", "FlowDigest", "flowd", "flowctl"],
      swiftSettings: strict),
    .target(
      name: "FlowTestSupport", dependencies: ["FlowGeneration", "FlowManifolds", "FlowNN", "FlowTensor"],
      path: "Tests/FlowTestSupport", swiftSettings: strict),
  ]
)
