public import Automata

/// Decides which changes of a machine are worth telling: an idle one stays quiet.
///
/// A value without clock or I/O. Load and free disk vary all the time and are told when they have moved by a step since they
/// were told last; whatever else changes is told at once.
public struct MachineGauge: Sendable {
    /// A quarter of a process for each core, in hundredths.
    static let loadStep = 25
    /// A tenth of what was told.
    static let diskShare: Int64 = 10

    public private(set) var told: MachineFacts

    /// - Parameter told: what others have heard already.
    public init(told: MachineFacts) { self.told = told }

    /// - Returns: what to tell now; nil when nothing is worth it.
    public mutating func take(_ facts: MachineFacts) -> MachineFacts? {
        var rest = facts
        (rest.load, rest.disk) = (told.load, told.disk)
        let isMoved = abs(facts.load - told.load) >= Self.loadStep
        let distance = abs(facts.disk.bytes - told.disk.bytes)
        guard rest != told || isMoved || distance > told.disk.bytes / Self.diskShare else { return nil }
        told = facts
        return facts
    }
}
