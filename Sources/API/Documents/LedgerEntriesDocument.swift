import Automata
import Foundation
public import Replication
import Wire

/// A stretch of a ledger's log as the master that answers has it on its own disk: for whoever recomputes what a ledger says
/// and believes nobody.
///
/// Each entry's digest covers the entry and the digest in front of it; the first entry follows the SHA-256 of the ledger's
/// id (16 bytes). Whether it all holds is the reader's to compute.
public struct LedgerEntriesDocument: Codable, Hashable, Sendable {
    public var schema = "palmier.entries/1"
    /// 32 hexadecimal digits: the ledger's id.
    public var ledger: String
    public var name: String
    /// The master that answers.
    public var master: String
    public var masterFingerprint: String
    /// The last entry of which that master knows that it is committed; nothing behind it is told.
    public var commit: UInt64
    /// The oldest entry that it keeps; above 1 what lies in front is in a checkpoint only, and is not told.
    public var first: UInt64
    /// As it was asked: the place in front of the first entry here.
    public var after: UInt64
    /// The last entry here; `after` when there is none.
    public var through: UInt64
    /// What to ask as `after` for what follows; nil when all that is committed there was told.
    public var next: UInt64?
    /// A place behind `through` that was written, and that the disk does not give back; nil when there is none. What stands
    /// behind it is had by asking with it as `after`.
    public var damaged: UInt64?
    /// The entries, one behind the other in the layout of Specs/wire/entries.md, as base64 (RFC 4648, section 4).
    public var entries: String

    /// The most that one answer carries: a million entries are some fifty answers.
    public static let countMax = 20_000
    /// Of entries' bytes; one that is larger comes alone.
    public static let bytesMax = 4 << 20

    public init(
        ledger: String, name: String, master: String, masterFingerprint: String, commit: UInt64, first: UInt64,
        after: UInt64, through: UInt64, next: UInt64?, damaged: UInt64?, entries: String
    ) {
        self.ledger = ledger
        self.name = name
        self.master = master
        self.masterFingerprint = masterFingerprint
        self.commit = commit
        self.first = first
        self.after = after
        self.through = through
        self.next = next
        self.damaged = damaged
        self.entries = entries
    }

    /// The entries, read back; not checked yet.
    ///
    /// - Throws: `failed` for what no palmier of this version writes.
    public func decoded() throws(ClientError) -> [LogEntry] {
        guard let bytes = Base64.decode(entries) else {
            throw unreadable("its entries are no base64")
        }
        do throws(WireError) {
            return try [LogEntry](packed: Data(bytes), max: Self.countMax)
        } catch {
            throw unreadable("\(error)")
        }
    }

    private func unreadable(_ why: String) -> ClientError {
        ClientError(
            .failed, "what \(master) says of the ledger \(name) behind entry \(after) cannot be read: \(why)",
            remedy: "use the same version of palmier on both sides")
    }
}
