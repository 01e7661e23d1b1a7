/// # Wire: the automata's words as bytes, and back
///
/// One codec for both hosts: `Runtime` sends these bytes through its transport and stores them on its disk,
/// `Simulation` passes every message through them. The schema, its units and its bounds stand in `Specs/wire/*.proto`;
/// `WireSchema` is generated from it.
///
///     PeerMessage ──encoded()──▶ bytes ──▶ (transport, modelled network) ──▶ PeerMessage(decoding:) ──▶ Peer
///     Entry, PartitionRecord, [Advertisement], LogEntry, CheckpointHead ──encoded()──▶ bytes ──▶ (disk) ──▶ init(decoding:)
///     Books ──encoded()──▶ bytes ──▶ (disk, or another replica) ──▶ init(decoding:)
///
/// ## What is promised
/// - **What arrives is data and may be wrong.** Decoding checks every length, range and list, and refuses with a
///   `WireError`; it never traps and never accepts a value whose later arithmetic could.
/// - **Encoding never fails**, and the same value gives the same bytes: there are no maps, and fields stand in the order
///   of their numbers. Texts that only people read (reasons, refusals) are cut to their bound, and durations are brought
///   into theirs, so that a long excuse never makes a message that its receiver must refuse. Of contacts, which are hints,
///   those beyond their bound are left out.
/// - Whatever was accepted encodes to bytes that decode to an equal value.
///
/// ## A later version's words
/// - An unknown *kind* (a message's case, an enum's value) is `WireError.Code.unknownKind`: the host counts the message
///   and ignores it.
/// - An unknown *field* is ignored in messages. Of an `Entry` those at its top level are kept and written back: a
///   replica passes entries on that another master wrote. Nothing else is passed on as it came: a forwarded call is
///   written anew by the master that forwards it, in that master's version.
/// - An entry of a replicated log (`LogEntry`) has no fields but those that its digest covers: how replicas of different
///   versions share a log, `Specs/wire/entries.md` says.
/// - Instants carry nanoseconds, since only their own writer reads them and it must find them unchanged; durations carry
///   milliseconds, rounded down, so that a lease never grows on its way.
public struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The bytes are no Protocol Buffers message of this type: cut short, garbled, not UTF-8, too deep.
        case malformed
        /// Something that every writer must say is not there.
        case missing
        /// A length, a number or a list is outside what the schema allows.
        case outOfBounds
        /// A case or an enum's value of a later version: count it, ignore it, change nothing.
        case unknownKind
    }

    public let code: Code
    /// Which value, what was found, and what is allowed.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code.rawValue): \(message)" }
}

/// The most that a message may hold; for whoever takes words from users and must refuse them in time.
public enum WireBounds {
    /// One message between peers; the transport's frame.
    public static let messageBytesMax = 1 << 20
    /// A customer, a reference, an instance type, the name of a machine that is asked for.
    public static let nameBytesMax = 128
    /// The name of a peer or a fabric: a DNS label.
    public static let labelBytesMax = 63
    /// Of a condition, and of a policy, as text.
    public static let conditionBytesMax = 1_024
    public static let policyBytesMax = 256
    /// RFC 1035, 2.3.4.
    public static let hostBytesMax = 255
    /// Who admitted whom.
    public static let authorBytesMax = 256
    public static let urlBytesMax = 2 << 10
    public static let releaseBytesMax = 64 << 10
    public static let parametersBytesMax = 64 << 10
    public static let connectionBytesMax = 16 << 10
    /// A reason or a refusal; longer ones are cut.
    public static let reasonBytesMax = 4 << 10
    /// The name of a rule of the books.
    public static let ruleBytesMax = 64
    /// A piece of a log.
    public static let logBytesMax = 256 << 10
    public static let endpointsMax = 8
    /// Contacts beside one message.
    public static let contactsMax = 128
    /// A leaf set.
    public static let leavesMax = 64
    /// Failed peers in a leaf set exchange.
    public static let failedLeavesMax = 32
    /// Peers that a traced message passed.
    public static let traceMax = 64
    /// Peers that those on a join's way told of, some rows of 15 each.
    public static let joinTraceMax = 512
    /// Contacts in one answer to a question for them.
    public static let nearbyMax = 64
    /// 128 bits are 32 digits of 4.
    public static let tableRowMax: UInt32 = 31
    /// What a routed message carries: an object of 64 KiB with what belongs to it.
    public static let payloadBytesMax = 96 << 10
    /// Of a multicast, of a search, of the answer to it.
    public static let groupPayloadBytesMax = 64 << 10
    /// A peer's ancestors in a group's tree.
    public static let pathMax = 64
    public static let objectBytesMax = 64 << 10
    /// Ids of objects in one message.
    public static let objectKeysMax = 512
    /// Peers nearest to an object's id.
    public static let nearestMax = 64
    /// Elements of a list where nothing else is said.
    public static let elementsMax = 1_024
    /// Requests in one answer to `list`.
    public static let requestsMax = 10_000
    public static let partitionsMax = 10_000
    /// Cores or accelerators of one machine.
    public static let coresMax: UInt32 = 65_535
    /// Processes that want to run for each core, in hundredths.
    public static let loadMax: UInt32 = 10_000_000
    /// Kinds by which one machine keeps instances apart.
    public static let isolationMax = 4
    /// What invoices call something; the lines of an address.
    public static let titleBytesMax = 256
    public static let resourceBytesMax = 64
    /// Two names and what stands between them.
    public static let instanceBytesMax = 320
    /// What a release is known by in the books.
    public static let releaseNameBytesMax = 512
    public static let incidentBytesMax = 1 << 10
    /// The most that a balance may be, in whole units of a currency.
    public static let moneyUnitsMax: Int64 = 1_000_000_000_000_000_000
    /// The end of the year 2261, where the books end.
    public static let periodMillisecondsMax: Int64 = 9_214_646_400_000
    /// 0001-01-01 to 9999-12-31, in days since 1970-01-01.
    public static let days: ClosedRange<Int32> = -719_162...2_932_896
    /// Requests, notes, tokens and releases in a checkpoint of a ledger's books.
    public static let booksElementsMax = 1 << 20
    /// Entries of one prepare: a primary's batch.
    public static let prepareEntriesMax = 256
    /// Entries of one answer: more than fit into a frame's 1 MiB by the 96 bytes that the smallest is counted as.
    public static let replicaEntriesMax = 12_000
    /// Places of a log in a vote or a question: what is behind the newest checkpoint, when nobody knows what of it is
    /// committed, and what waits for a majority.
    public static let placesMax = 20_000
    public static let membersMax = 7
    /// Clients' sessions in the head of a checkpoint.
    public static let sessionsMax = 10_000
    /// What a client asks of a replicated log: 64 KiB below a frame, for what stands around it and around 256 entries.
    public static let operationBytesMax = 960 << 10
    public static let durationMax: Duration = .seconds(366 * 86_400)
    /// What one request may ask for: 256 TiB, so that a sum over all partitions of a machine stays far below 2^63.
    public static let memoryBytesMax: Int64 = 1 << 48
    /// What a machine may have left, either way.
    public static let memoryLeftBytesMax: Int64 = 1 << 62
    /// Prices and places in a log: what every JSON reader can hold (RFC 8259, 6).
    public static let numberMax: Int64 = 1 << 53
}
