import Automata

extension Property {
    /// By its name, or another one by which people know it; nil: there is none of that name. Case does not count, and `_`
    /// is as good as `-`.
    init?(named text: String) {
        let name = String(text.lowercased().map { $0 == "_" ? "-" : $0 })
        guard let property = Property(rawValue: name) ?? Self.otherNames.first(where: { $0.name == name })?.property
        else {
            return nil
        }
        self = property
    }

    private static let otherNames: [(name: String, property: Property)] = [
        ("name", .node), ("machine", .node), ("host", .node), ("arch", .architecture), ("cpus", .cpu), ("core", .cpu),
        ("cores", .cpu), ("mem", .memory), ("ram", .memory), ("storage", .disk), ("gpus", .gpu), ("network", .lan),
        ("subnet", .lan), ("partitions", .free), ("cost", .price),
    ]

    /// The property whose name is like that; nil when none is.
    static func nearest(to text: String) -> Property? {
        NearestWord.of(text, among: allCases.map(\.rawValue) + otherNames.map(\.name)).flatMap { Property(named: $0) }
    }

    /// All words that it can have; nil: any word.
    var knownWords: [String]? {
        switch self {
        case .state: MachineState.allCases.map(\.rawValue)
        case .isolation: ["none", "users", "bubblewrap"]
        case .continent: ["af", "an", "as", "eu", "na", "oc", "sa"]
        default: nil
        }
    }

    /// Whether a machine may have no word for it, so that the empty one can be asked for.
    var canBeUnknown: Bool { kind == .word && self != .state }

    /// As machines say it, where people have several words for one thing.
    func usual(_ word: String) -> String {
        switch (self, word.lowercased()) {
        case (.architecture, "x86_64"), (.architecture, "amd64"), (.architecture, "x64"): "x86-64"
        case (.architecture, "aarch64"): "arm64"
        default: knownWords?.first { $0 == word.lowercased() } ?? word
        }
    }

    /// For messages: a term that asks for it.
    var example: String {
        switch kind {
        case .number: self == .load ? "\(rawValue) < 80%" : self == .price ? "\(rawValue) <= 0.02" : "\(rawValue) >= 4"
        case .bytes: "\(rawValue) >= 8GiB"
        case .version: "\(rawValue) >= 6.1"
        case .flag: "\(rawValue) = yes"
        case .word, .words:
            switch self {
            case .architecture: "architecture = x86-64"
            case .region: "region = eu-west"
            case .country: "country = fr"
            case .lan: "lan = 192.0.2.0/24"
            case .node: "node = box-1"
            case .gpuModel: "gpu-model = \"RTX 4090\""
            default: "\(rawValue) = \(knownWords?.first ?? "word")"
            }
        }
    }
}

extension Property.Kind {
    /// For messages, as in "cpu is …".
    var isWhat: String {
        switch self {
        case .word: "a word"
        case .words: "one of several words"
        case .number: "a number"
        case .bytes: "an amount of bytes"
        case .version: "a version"
        case .flag: "yes or no"
        }
    }

    /// Whether one value of it is more than another.
    var isOrdered: Bool {
        switch self {
        case .number, .bytes, .version: true
        case .word, .words, .flag: false
        }
    }
}
