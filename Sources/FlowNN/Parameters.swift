// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
public import FlowTensor
internal import Glibc

/// How a parameter begins.
public enum Initializer: Sendable, Equatable {
  /// Zeros: a branch that starts as nothing.
  case zeros
  /// Ones.
  case ones
  /// Normal with this standard deviation.
  case normal(Float)
}

/// A handle to one parameter of a model, resolved in ``Parameters``.
public struct Parameter: Sendable, Hashable {
  let index: Int
}

/// The names, shapes and beginnings of a model's parameters, in order of declaration.
public struct ParameterLayout: Sendable {
  /// What is known of one parameter.
  public struct Declaration: Sendable {
    /// Unique, dotted, as in the weights file.
    public let name: String
    /// The extents.
    public let shape: Shape
    /// How it begins.
    public let initializer: Initializer
  }

  /// All parameters.
  public private(set) var declarations: [Declaration] = []

  /// No parameters yet.
  public init() {}

  /// The number of weights.
  public var count: Int { declarations.reduce(0) { $0 + $1.shape.count } }

  /// Declares a parameter.
  public mutating func declare(_ name: String, _ shape: Shape, _ initializer: Initializer) -> Parameter {
    precondition(!declarations.contains { $0.name == name }, "ParameterLayout: \(name) declared twice")
    declarations.append(Declaration(name: name, shape: shape, initializer: initializer))
    return Parameter(index: declarations.count - 1)
  }

  /// Declares all parameters of another layout under a name; where they stand.
  public mutating func declare(_ other: ParameterLayout, under name: String) -> Range<Int> {
    let first = declarations.count
    for declaration in other.declarations {
      _ = declare("\(name).\(declaration.name)", declaration.shape, declaration.initializer)
    }
    return first..<declarations.count
  }

  /// Fresh weights; the same seed gives the same weights.
  public func initialize(seed: UInt64) -> [Tensor] {
    declarations.enumerated().map { index, declaration in
      switch declaration.initializer {
      case .zeros: Tensor.zeros(declaration.shape)
      case .ones: Tensor(repeating: 1, shape: declaration.shape)
      case .normal(let deviation):
        {
          var random = Random(key: seed, stream: UInt64(index))
          return random.normal(declaration.shape).affine(scale: deviation)
        }()
      }
    }
  }
}

/// The values of a model's parameters: weights to run it, recorded variables to train it.
public struct Parameters {
  /// One value a declaration, in the same order.
  public let values: [Variable]

  /// Values in the order of the layout.
  public init(_ values: [Variable]) { self.values = values }

  /// Constant weights in the order of the layout.
  public init(_ tensors: [Tensor]) { values = tensors.map { Variable($0) } }

  /// The parameters that stand there: those of a model whose layout was declared within another.
  public func part(_ range: Range<Int>) -> Parameters { Parameters(Array(values[range])) }

  /// The same, as constants.
  public var detached: Parameters { Parameters(values.map(\.detached)) }

  /// The value of one parameter.
  public subscript(parameter: Parameter) -> Variable { values[parameter.index] }
}
