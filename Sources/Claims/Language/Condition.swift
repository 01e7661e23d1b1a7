public import Automata

/// What must hold at a machine: terms, joined by *and* and *or*. What is denied is written as the opposite term, so that
/// there is no *not* here, and the same condition has one form.
///
/// As text: `cpu >= 4 and memory >= 8GiB and (region = fr or region = de)`; see `Specs/rendezvous.md`.
public indirect enum Condition: Hashable, Sendable {
    case term(Term)
    /// Two or more, none of which is `all`.
    case all([Condition])
    /// Two or more, none of which is `any`.
    case any([Condition])

    /// The most terms, and the most bytes of the text.
    public static let termsMax = 64
    public static let bytesMax = 1_024

    /// What is compared with what.
    public struct Term: Hashable, Sendable {
        public enum Comparison: String, Hashable, Sendable, CaseIterable {
            case equal = "=", notEqual = "!=", less = "<", atMost = "<=", more = ">", atLeast = ">="
            /// One of several values, or none of them.
            case among = "in", notAmong = "not in"

            public var opposite: Comparison {
                switch self {
                case .equal: .notEqual
                case .notEqual: .equal
                case .less: .atLeast
                case .atMost: .more
                case .more: .atMost
                case .atLeast: .less
                case .among: .notAmong
                case .notAmong: .among
                }
            }
        }

        public var property: Property
        public var comparison: Comparison
        /// Of the property's kind (a word where that is `words`); one, or for `in` one or more, sorted.
        public var values: [PropertyValue]

        public init(_ property: Property, _ comparison: Comparison, _ values: [PropertyValue]) {
            self.property = property
            self.comparison = comparison
            self.values = values
        }

        /// Whether what was found at a machine is as asked.
        public func holds(for found: PropertyValue) -> Bool {
            switch comparison {
            case .equal, .among: values.contains { $0.isMet(by: found) }
            case .notEqual, .notAmong: !values.contains { $0.isMet(by: found) }
            case .less, .atMost, .more, .atLeast:
                values.first.flatMap { found.compared(to: $0) }.map { comparison.allows($0) } ?? false
            }
        }
    }

    /// Every term, in the order of the text.
    public var terms: [Term] {
        switch self {
        case .term(let term): [term]
        case .all(let parts), .any(let parts): parts.flatMap(\.terms)
        }
    }
}

extension Condition.Term.Comparison {
    /// - Parameter order: of what was found, compared with what is asked: below 0, 0 or above.
    func allows(_ order: Int) -> Bool {
        switch self {
        case .less: order < 0
        case .atMost: order <= 0
        case .more: order > 0
        case .atLeast: order >= 0
        case .equal, .among: order == 0
        case .notEqual, .notAmong: order != 0
        }
    }
}

extension PropertyValue {
    /// Whether this, which is asked for, is what was found, or one of it.
    func isMet(by found: PropertyValue) -> Bool {
        if case .word(let wanted) = self, case .words(let words) = found {
            return words.contains { $0.lowercased() == wanted.lowercased() }
        }
        return found.compared(to: self) == 0
    }

    /// Below 0, 0 or above; nil where the two are of different kinds.
    func compared(to other: PropertyValue) -> Int? {
        switch (self, other) {
        case (.word(let left), .word(let right)): Self.order(left.lowercased(), right.lowercased())
        case (.number(let left), .number(let right)): Self.order(left, right)
        case (.bytes(let left), .bytes(let right)): Self.order(left, right)
        case (.flag(let left), .flag(let right)): Self.order(left ? 1 : 0, right ? 1 : 0)
        case (.version(let left), .version(let right)):
            (0..<max(left.count, right.count)).lazy.map { index in
                Self.order(index < left.count ? left[index] : 0, index < right.count ? right[index] : 0)
            }.first { $0 != 0 } ?? 0
        case (.word, _), (.words, _), (.number, _), (.bytes, _), (.flag, _), (.version, _): nil
        }
    }

    private static func order<Value: Comparable>(_ left: Value, _ right: Value) -> Int {
        left < right ? -1 : left == right ? 0 : 1
    }
}

/// What a request reserves of a machine: what its requirements ask at least, wherever they are met.
public struct Demand: Hashable, Sendable {
    public var cores: Int
    public var memory: ByteCount
    public var gpus: Int

    public static let none = Demand()

    public init(cores: Int = 0, memory: ByteCount = .zero, gpus: Int = 0) {
        self.cores = cores
        self.memory = memory
        self.gpus = gpus
    }

    /// What the condition alone asks: of what must all hold the most, of what one may hold the least.
    public init(of condition: Condition) {
        switch condition {
        case .term(let term): self.init(of: term)
        case .all(let parts):
            self = parts.reduce(.none) { $0.joined(with: Demand(of: $1), by: { max($0, $1) }) }
        case .any(let parts):
            let demands = parts.map { Demand(of: $0) }
            self = demands.dropFirst().reduce(demands.first ?? .none) { $0.joined(with: $1, by: { min($0, $1) }) }
        }
    }

    private init(of term: Condition.Term) {
        self.init()
        let least = term.values.compactMap { term.least(of: $0) }
        // One of several is at least the least of them.
        guard least.count == term.values.count, let least = least.min() else { return }
        switch term.property {
        case .cpu: cores = Int(clamping: least)
        case .memory: memory = ByteCount(least)
        case .gpu: gpus = Int(clamping: least)
        default: return
        }
    }

    /// What requirements reserve. A condition that cannot be read asks for nothing: whoever granted it could read it.
    public init(of requirements: Requirements) {
        self.init(of: requirements.condition.isEmpty ? nil : try? Condition(requirements.condition), requirements)
    }

    init(of condition: Condition?, _ requirements: Requirements) {
        let asked = condition.map { Demand(of: $0) } ?? .none
        self = asked.joined(with: Demand(memory: requirements.memory)) { max($0, $1) }
    }

    func joined(with other: Demand, by choose: (Int64, Int64) -> Int64) -> Demand {
        Demand(
            cores: Int(choose(Int64(cores), Int64(other.cores))),
            memory: ByteCount(choose(memory.bytes, other.memory.bytes)),
            gpus: Int(choose(Int64(gpus), Int64(other.gpus))))
    }

    public static func + (left: Demand, right: Demand) -> Demand {
        left.joined(with: right) { $0.addingReportingOverflow($1).overflow ? .max : $0 + $1 }
    }
}

extension Condition.Term {
    /// What a term asks at least, in whole units or bytes; nil where it sets no lower end.
    fileprivate func least(of value: PropertyValue) -> Int64? {
        let million: Int64 = 1_000_000
        let (least, next): (Int64, Int64)
        switch value {
        case .number(let millionths):
            let up = millionths / million + (millionths % million > 0 ? 1 : 0)
            (least, next) = (up, millionths % million == 0 ? up + 1 : up)
        case .bytes(let count): (least, next) = (count.bytes, count.bytes == .max ? .max : count.bytes + 1)
        case .word, .words, .version, .flag: return nil
        }
        return switch comparison {
        case .atLeast, .equal, .among: Swift.max(0, least)
        case .more: Swift.max(0, next)
        case .less, .atMost, .notEqual, .notAmong: nil
        }
    }
}
