public import Automata

/// What can be asked of a machine, by the name that every surface uses.
public enum Property: String, Hashable, Sendable, CaseIterable {
    /// The machine itself: its name, its id or its fingerprint.
    case node
    case architecture
    /// Cores that are not reserved.
    case cpu
    /// Memory that is not reserved.
    case memory
    case disk
    /// Accelerators that are not reserved.
    case gpu
    case gpuModel = "gpu-model"
    case kernel
    case isolation
    case ipv4, ipv6
    case region, country, continent, lan
    /// Partitions without a tenant.
    case free
    case load
    /// What an hour of the request costs there.
    case price
    /// Whether the request's release is there already.
    case installed
    case state

    /// Of which kind its values are.
    public enum Kind: Hashable, Sendable {
        case word, words, number, bytes, version, flag
    }

    public var kind: Kind {
        switch self {
        case .node, .isolation: .words
        case .architecture, .gpuModel, .region, .country, .continent, .lan, .state: .word
        case .cpu, .gpu, .free, .load, .price: .number
        case .memory, .disk: .bytes
        case .kernel: .version
        case .ipv4, .ipv6, .installed: .flag
        }
    }

    /// Whether the value changes while the machine stays what it is.
    var isFleeting: Bool {
        switch self {
        case .cpu, .memory, .disk, .gpu, .free, .load, .installed, .state: true
        case .node, .architecture, .gpuModel, .kernel, .isolation, .ipv4, .ipv6, .region, .country, .continent, .lan,
            .price:
            false
        }
    }
}

/// A value of a property, found at a machine or asked for.
public enum PropertyValue: Hashable, Sendable {
    /// Compared without regard to case.
    case word(String)
    /// Found only: several words, each of which the machine answers to.
    case words([String])
    /// In millionths.
    case number(Int64)
    case bytes(ByteCount)
    /// As in 6.1.0: each part counts, those that are missing are 0.
    case version([Int])
    case flag(Bool)
}
