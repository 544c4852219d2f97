// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The memory that this process may use.
enum MachineMemory {
  /// Half of it, in bytes.
  static let half = available / 2

  /// What the machine has or, where that is less, what the process's control group allows.
  private static let available: Int = {
    let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    return min(machine, groupLimit() ?? machine)
  }()

  /// The limit of the control group of version 2; nil if there is none, or "max".
  private static func groupLimit() -> Int? {
    guard let groups = text(of: "/proc/self/cgroup"),
      let line = groups.split(separator: "\n").first(where: { $0.hasPrefix("0::") }),
      let limit = text(of: "/sys/fs/cgroup\(line.dropFirst(3))/memory.max")
    else { return nil }
    return Int(limit.prefix { $0.isNumber })
  }

  /// The bytes that this process holds in memory now; 0 where the system does not tell.
  static func resident() -> Int {
    let numbers = text(of: "/proc/self/statm")?.split(separator: " ") ?? []
    guard numbers.count > 1, let pages = Int(numbers[1]) else { return 0 }
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }

  private static func text(of path: String) -> String? {
    guard let bytes = try? readWholeFile(path) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// The bytes of a file; throws the number of the system's error.
func readWholeFile(_ path: String) throws(SystemFailure) -> [UInt8] {
  guard let file = fopen(path, "re") else { throw SystemFailure(code: errno) }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer.prefix(count) }
  guard ferror(file) == 0 else { throw SystemFailure(code: errno) }
  return bytes
}

/// A system call that failed.
struct SystemFailure: Error, CustomStringConvertible {
  /// The system's number of the error.
  let code: Int32

  /// Whether there is no such file.
  var isMissingFile: Bool { code == ENOENT }

  var description: String { String(cString: strerror(code)) }
}
