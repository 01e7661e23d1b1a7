/// How a result is written.
public enum OutputFormat: String, Hashable, Sendable, CaseIterable {
    /// For people: the columns that matter most.
    case table
    /// For people: all columns.
    case wide
    /// For scripts: one document with a `schema`; streams are one document a line.
    case json
    /// The same document.
    case yaml
    /// Names alone, one a line.
    case name

    /// Whether an error is a document too.
    public var isForPrograms: Bool { self == .json || self == .yaml }
}

/// Whether results are coloured.
public enum ColorChoice: String, Hashable, Sendable, CaseIterable {
    /// On a terminal, unless `NO_COLOR` is set.
    case auto, always, never
}
