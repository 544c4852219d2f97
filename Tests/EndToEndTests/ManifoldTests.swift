// SPDX-License-Identifier: Apache-2.0

import FlowTestSupport
import FlowWire
import FoundationEssentials
import Glibc
import Testing

/// What `flowctl generate-manifold --json` prints when it is done.
private struct PointReport: Decodable {
  let points: Int
  let ambient: Int
  let nfe: Int
  let geometry: String
  let sha256: String
  let points_per_second: Double

  init(_ text: String) throws { self = try JSONDecoder().decode(Self.self, from: Data(text.utf8)) }
}

extension EndToEnd {
  @Suite("Points")
  struct Manifolds {
    private func generate(_ stage: Stage, _ options: String, output: String) throws -> Child.Ending {
      try stage.flowctl(
        ["generate-manifold", "--json", "-o", output] + options.split(separator: " ").map(String.init))
    }

    private func report(_ stage: Stage, _ options: String, output: String) throws -> PointReport {
      let ending = try generate(stage, options, output: output)
      try #require(ending.status == 0, "\(ending.errors)")
      return try PointReport(output == "-" ? ending.errors : ending.text)
    }

    private func floats(_ bytes: some Sequence<UInt8>) -> [Float] {
      Array(bytes).withUnsafeBytes { bytes in
        (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
      }
    }

    @Test("all formats hold the same points, and the digest is that of the stream")
    func formats() throws {
      let stage = try Stage()
      let wish = "--model globe -n 1000 --nfe 2 --seed 7 --batch 300"
      let bare = try report(stage, wish, output: stage.file("a.f32"))
      #expect(bare.points == 1000 && bare.ambient == 3 && bare.nfe == 2 && bare.geometry == "sphere(2)")
      let bytes = try #require(stage.contents("a.f32"))
      #expect(bare.sha256 == sha256(bytes) && bytes.count == 12_000 && bare.points_per_second > 0)
      for point in 0..<1000 {
        let x = floats(bytes[12 * point..<12 * point + 12])
        #expect(abs(x.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
      }
      for name in ["a.npy", "a.safetensors"] {
        #expect(try report(stage, wish, output: stage.file(name)).sha256 == bare.sha256)
        #expect(try #require(stage.contents(name)).suffix(12_000) == bytes[...])
      }
      #expect(try report(stage, wish, output: stage.file("a.csv")).sha256 == bare.sha256)
      let lines = String(decoding: try #require(stage.contents("a.csv")), as: UTF8.self).split(
        separator: "\n")
      #expect(lines.count == 1001 && lines[0] == "x,y,z")
      #expect(lines[1].split(separator: ",").compactMap { Float($0) } == Array(floats(bytes[..<12])))
      let piped = try generate(stage, wish, output: "-")
      #expect(piped.output == stage.contents("a.csv"))
      try stage.close()
    }

    @Test("NumPy and safetensors read what is written")
    func readers() throws {
      let stage = try Stage()
      let wish = "--model globe -n 70 --nfe 3 --seed 7 --trajectory"
      _ = try report(stage, wish, output: stage.file("a.npy"))
      _ = try report(stage, wish, output: stage.file("a.safetensors"))
      let script = """
        import json, struct, sys
        npy, st = (open(path, "rb").read() for path in sys.argv[1:])
        head = eval(npy[10:10 + npy[8] + 256 * npy[9]].decode())
        assert npy[:8] == b"\\x93NUMPY\\x01\\x00" and (10 + npy[8] + 256 * npy[9]) % 64 == 0, npy[:12]
        assert head == {"descr": "<f4", "fortran_order": False, "shape": (70, 4, 3)}, head
        size = struct.unpack("<Q", st[:8])[0]
        tensors = json.loads(st[8:8 + size])
        assert tensors["points"]["shape"] == [70, 4, 3] and tensors["__metadata__"]["seed"] == "7", tensors
        start, end = tensors["points"]["data_offsets"]
        assert len(st) == 8 + size + end and st[8 + size:] == npy[-end:]
        """
      let ending = try Child(
        "/usr/bin/python3", ["-c", script, stage.file("a.npy"), stage.file("a.safetensors")]
      ).end()
      #expect(ending.status == 0, "\(ending.errors)")
      try stage.close()
    }

    @Test("what was generated can be walked on, from a file of any format")
    func transport() throws {
      let stage = try Stage()
      _ = try report(stage, "--model globe -n 50 --seed 7 -s 0.5", output: stage.file("half.npy"))
      _ = try report(stage, "--model globe -n 50 --seed 7 -s 0.5", output: stage.file("half.csv"))
      var digests: Set<String> = []
      for name in ["half.npy", "half.csv"] {
        let rest = try report(
          stage, "--model globe --start \(stage.file(name)) -t 0.5", output: stage.file("rest.npy"))
        #expect(rest.points == 50)
        digests.insert(rest.sha256)
      }
      #expect(digests.count == 1)
      try Data("0.6,0.8,0\n0.5,0.5,0.5\n".utf8).write(to: URL(filePath: stage.file("bad.csv")))
      let ending = try generate(
        stage, "--model globe --start \(stage.file("bad.csv"))", output: stage.file("b.npy"))
      #expect(ending.status == 4 && ending.errors.contains("point 1 of start is 0.13"), "\(ending.errors)")
      #expect(stage.contents("b.npy") == nil && stage.contents("b.npy.partial") == nil)
      try stage.close()
    }

    @Test("a map is drawn of every kind of manifold", arguments: ["globe", "angles", "turns", "plane"])
    func plot(model: String) throws {
      let stage = try Stage()
      _ = try report(
        stage, "--model \(model) -n 2000 --seed 7 --plot \(stage.file("map.svg"))",
        output: stage.file("a.npy"))
      let svg = String(decoding: try #require(stage.contents("map.svg")), as: UTF8.self)
      #expect(svg.hasPrefix("<svg") && svg.contains("2000 points of ") && svg.utf8.count > 2000)
      try stage.close()
    }

    @Test("an interrupted stream leaves a file whose head says how many points it has")
    func interrupted() throws {
      let stage = try Stage()
      let client = try Child(
        "flowctl",
        [
          "generate-manifold", "--model", "globe", "-n", "1000000000", "--nfe", "50", "--json", "-o",
          stage.file("a.npy"),
          "--connect", stage.endpoint,
        ])
      try stage.awaitStatus { ($0.sessions.first?.done ?? 0) > 0 && $0.pointsGenerated > 100_000 }
      client.signal(SIGINT)
      let ending = client.end()
      #expect(ending.status == 130, "\(ending.errors)")
      let points = try PointReport(ending.text).points
      let bytes = try #require(stage.contents("a.npy"))
      #expect(points > 0 && bytes.count == 128 + 12 * points)
      #expect(String(decoding: bytes.prefix(128), as: UTF8.self).contains("'shape': (\(points), 3)"))
      try stage.close()
    }

    @Test("models that make something else are refused, and the command that fits is named")
    func otherKind() throws {
      let stage = try Stage()
      let points = try generate(stage, "--model tiny -n 3", output: stage.file("a.npy"))
      #expect(points.status == 4 && points.errors.contains("makes video"), "\(points.errors)")
      let video = try stage.flowctl([
        "generate-video", "--model", "globe", "--frames", "2", "-o", stage.file("a.mp4"),
      ])
      #expect(video.status == 4 && video.errors.contains("makes points of sphere(2)"), "\(video.errors)")
      let listing = try stage.flowctl(["models"])
      #expect(listing.text.contains("sphere(2)") && listing.text.contains("1 (1…1000)"), "\(listing.text)")
      try stage.close()
    }

    @Test("the Python client prints its points, and their digest is that of flowctl's")
    func python() throws {
      let stage = try Stage()
      let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
      let map = stage.file("map.svg")
      let ending = try Child(
        "/usr/bin/python3",
        [root.path + "/tools/clients/python/points.py", stage.endpoint, "globe", "500", map]
      ).end()
      try #require(ending.status == 0, "\(ending.text)\(ending.errors)")
      let digest = try report(stage, "--model globe -n 500 --seed 7", output: stage.file("a.npy")).sha256
      #expect(
        ending.text.contains("500 points of sphere(2)") && ending.text.contains(digest), "\(ending.text)")
      #expect(String(decoding: try #require(stage.contents("map.svg")), as: UTF8.self).hasPrefix("<svg"))
      try stage.close()
    }
  }
}
