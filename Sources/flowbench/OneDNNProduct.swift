// SPDX-License-Identifier: Apache-2.0

internal import COneDNN
internal import FlowTensor

/// C = A·B by oneDNN's matmul on the calling thread, B packed as oneDNN likes it best.
///
/// In int8, A is unsigned, B signed, and C in 32-bit integers; in bfloat16 C is in float32.
final class OneDNNProduct {
  private let engine: dnnl_engine_t
  private let stream: dnnl_stream_t
  private let primitive: dnnl_primitive_t
  private let a: OneDNNMemory
  private let b: OneDNNMemory
  private let c: OneDNNMemory
  private let shape: Shape

  init(a: Tensor, b: Tensor, precision: InferencePrecision) {
    flow_onednn_use_one_thread()
    shape = [a.shape[0], b.shape[1]]
    var engine: dnnl_engine_t?
    check(dnnl_engine_create(&engine, dnnl_cpu, 0))
    self.engine = engine!
    var stream: dnnl_stream_t?
    check(dnnl_stream_create(&stream, engine, UInt32(dnnl_stream_default_flags.rawValue)))
    self.stream = stream!

    let types = precision.oneDNNTypes
    let source = OneDNNMemory.description(a.shape, types.a, dnnl_ab)
    let result = OneDNNMemory.description(shape, types.c, dnnl_ab)
    var layouts = (source, OneDNNMemory.description(b.shape, types.b, dnnl_format_tag_any), result)
    var operation = dnnl_matmul_desc_t()
    check(dnnl_matmul_desc_init(&operation, &layouts.0, &layouts.1, nil, &layouts.2))
    var description: dnnl_primitive_desc_t?
    check(dnnl_primitive_desc_create(&description, &operation, nil, engine, nil))
    defer { dnnl_primitive_desc_destroy(description) }
    let packed = dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0).pointee
    var primitive: dnnl_primitive_t?
    check(dnnl_primitive_create(&primitive, description))
    self.primitive = primitive!

    self.a = OneDNNMemory(source, engine!)
    self.b = OneDNNMemory(packed, engine!)
    c = OneDNNMemory(result, engine!)
    for (tensor, memory) in [(a, self.a), (b, self.b)] {
      let plain = OneDNNMemory(OneDNNMemory.description(tensor.shape, dnnl_f32, dnnl_ab), engine!)
      tensor.withElements { plain.bytes.copyMemory(from: $0.baseAddress!, byteCount: 4 * $0.count) }
      memory.convert(from: plain, self.engine, self.stream)
    }
  }

  deinit {
    dnnl_primitive_destroy(primitive)
    dnnl_stream_destroy(stream)
    dnnl_engine_destroy(engine)
  }

  func run() {
    flow_onednn_use_one_thread()
    withUnsafeTemporaryAllocation(of: dnnl_exec_arg_t.self, capacity: 3) { arguments in
      arguments.initializeElement(at: 0, to: dnnl_exec_arg_t(arg: DNNL_ARG_SRC, memory: a.handle))
      arguments.initializeElement(at: 1, to: dnnl_exec_arg_t(arg: DNNL_ARG_WEIGHTS, memory: b.handle))
      arguments.initializeElement(at: 2, to: dnnl_exec_arg_t(arg: DNNL_ARG_DST, memory: c.handle))
      check(dnnl_primitive_execute(primitive, stream, 3, arguments.baseAddress))
    }
  }

  /// C of the last run, in float32.
  var output: Tensor {
    run()
    let plain = OneDNNMemory(OneDNNMemory.description(shape, dnnl_f32, dnnl_ab), engine)
    plain.convert(from: c, engine, stream)
    return Tensor(
      Array(UnsafeBufferPointer(start: plain.bytes.assumingMemoryBound(to: Float.self), count: shape.count)),
      shape: shape)
  }
}

/// Memory that oneDNN describes and we own.
final class OneDNNMemory {
  let handle: dnnl_memory_t
  let bytes: UnsafeMutableRawPointer

  init(_ description: dnnl_memory_desc_t, _ engine: dnnl_engine_t) {
    var description = description
    bytes = .allocate(byteCount: dnnl_memory_desc_get_size(&description), alignment: 64)
    var handle: dnnl_memory_t?
    check(dnnl_memory_create(&handle, &description, engine, bytes))
    self.handle = handle!
  }

  deinit {
    dnnl_memory_destroy(handle)
    bytes.deallocate()
  }

  static func description(_ shape: Shape, _ type: dnnl_data_type_t, _ tag: dnnl_format_tag_t)
    -> dnnl_memory_desc_t
  {
    var description = dnnl_memory_desc_t()
    let extents = shape.extents.map(Int64.init)
    check(dnnl_memory_desc_init_by_tag(&description, Int32(extents.count), extents, type, tag))
    return description
  }

  /// Copies, changing the element type and the layout.
  func convert(from other: OneDNNMemory, _ engine: dnnl_engine_t, _ stream: dnnl_stream_t) {
    var from: UnsafePointer<dnnl_memory_desc_t>?, to: UnsafePointer<dnnl_memory_desc_t>?
    check(dnnl_memory_get_memory_desc(other.handle, &from))
    check(dnnl_memory_get_memory_desc(handle, &to))
    var description: dnnl_primitive_desc_t?
    check(dnnl_reorder_primitive_desc_create(&description, from, engine, to, engine, nil))
    defer { dnnl_primitive_desc_destroy(description) }
    var reorder: dnnl_primitive_t?
    check(dnnl_primitive_create(&reorder, description))
    defer { dnnl_primitive_destroy(reorder) }
    let arguments = [
      dnnl_exec_arg_t(arg: DNNL_ARG_FROM, memory: other.handle),
      dnnl_exec_arg_t(arg: DNNL_ARG_TO, memory: handle),
    ]
    check(dnnl_primitive_execute(reorder, stream, 2, arguments))
  }
}

extension InferencePrecision {
  fileprivate var oneDNNTypes: (a: dnnl_data_type_t, b: dnnl_data_type_t, c: dnnl_data_type_t) {
    switch self {
    case .float32: (dnnl_f32, dnnl_f32, dnnl_f32)
    case .bfloat16: (dnnl_bf16, dnnl_bf16, dnnl_f32)
    case .int8: (dnnl_u8, dnnl_s8, dnnl_s32)
    }
  }
}

private func check(_ status: dnnl_status_t) {
  precondition(status == dnnl_success, "oneDNN refused with status \(status.rawValue)")
}
