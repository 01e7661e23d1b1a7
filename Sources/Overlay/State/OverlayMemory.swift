import Automata

/// Where the memory lies that most inputs read, so that a host of very many peers can ask the processor for it ahead of
/// time. Says how things lie, never what they are.
package struct OverlayMemory: Sendable {
    /// So many bytes at the start of an `Overlay` are read by nearly every input.
    package let hotBytes: Int
    /// Offsets in an `Overlay` of references to arrays: the table's cells and entries, the leaves, and what waits for
    /// acknowledgement.
    package let cells: Int
    package let entries: Int
    package let leaves: Int
    package let unacknowledged: Int
    /// Of an entry, and of a leaf.
    package let entryStride: Int
}

extension Overlay {
    package static let memory: OverlayMemory = {
        func offset(_ path: PartialKeyPath<Overlay>) -> Int {
            guard let offset = MemoryLayout<Overlay>.offset(of: path) else {
                preconditionFailure("\(path) is not stored")
            }
            return offset
        }
        return OverlayMemory(
            hotBytes: offset(\.nextNumber), cells: offset(\.table.cells), entries: offset(\.table.entries),
            leaves: offset(\.leaves.contacts), unacknowledged: offset(\.unacknowledged),
            entryStride: MemoryLayout<Contact>.stride)
    }()

    /// The table's entry that a message for the key would look at. Mutating, since a value that lies behind a pointer would
    /// else be copied to be asked; nothing changes.
    package mutating func tableIndex(toward key: Key) -> Int? { table.index(toward: key) }
}
