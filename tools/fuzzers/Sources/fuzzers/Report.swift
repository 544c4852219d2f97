// SPDX-License-Identifier: Apache-2.0

internal import FlowClient

/// The report of a video that is to be made once more.
let reportTarget = Target(
  "report",
  seeds: {
    let open = #"{"v":1,"op":"open","model":"a","seed":7,"frames":9,"steps":2,"actions":[["left",9]]}"#
    let rest = #""format":"mp4","model_sha256":"ab","sha256":"cd","interrupted":false"#
    return [Array("{\(rest),\"open\":\(open)}".utf8), Array("{\(rest)}".utf8)]
  }
) { bytes in
  do throws(ClientError) {
    let log = try StreamLog(report: bytes)
    expect((try? log.place(path: nil)) == .file("/dev/null"), "nothing is kept unless somebody asks")
  } catch {
    expect(error.kind == .usage && !error.message.isEmpty, "an error blames the report")
  }
}
