// SPDX-License-Identifier: Apache-2.0

extension ServerStatus {
  /// The fields of a `status` reply, without those that every message has.
  public var json: JSONObject {
    var object = JSONObject()
    append(to: &object)
    return object
  }
}
