/// How a run is done, and what is kept of it; nothing here changes what happens, but for the sabotage.
public struct RunOptions: Sendable {
    /// A known bug, by name.
    public var sabotage: String?
    /// Keep the last messages and events in words.
    public var keepsTrace = false
    /// Takes every event as a line of JSON.
    public var trace: (@Sendable (String) -> Void)?
    /// Told now and then: virtual time, its end, events so far.
    public var progress: (@Sendable (Duration, Duration, Int) -> Void)?

    public init(sabotage: String? = nil, keepsTrace: Bool = false) {
        self.sabotage = sabotage
        self.keepsTrace = keepsTrace
    }
}

/// A measured value.
public struct Figure: Hashable, Sendable {
    public var name: String
    public var value: Double
    public var unit: String

    public init(_ name: String, _ value: Double, _ unit: String) {
        self.name = name
        self.value = value
        self.unit = unit
    }
}
