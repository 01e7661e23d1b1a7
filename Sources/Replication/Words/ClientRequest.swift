/// Whose requests are told apart from each other, so that each is executed once: 128 bits, drawn by the client.
public struct SessionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public static func < (left: SessionID, right: SessionID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
    public var description: String { String(high, radix: 16) + "-" + String(low, radix: 16) }
}

/// A request's name for all time: repeated with the same name it is executed once.
public struct RequestID: Hashable, Sendable, CustomStringConvertible {
    public let session: SessionID
    /// 1 opens the session and executes nothing; afterwards each request is one larger than the one before, and is sent
    /// when that one is answered.
    public let number: UInt64

    public init(session: SessionID, number: UInt64) {
        self.session = session
        self.number = number
    }

    public var description: String { "\(session)#\(number)" }
}

/// What a client asks: an operation on the replicated state, executed once however often it is sent.
public struct ClientRequest: Hashable, Sendable {
    public let id: RequestID
    /// Empty for the request that opens the session.
    public let operation: [UInt8]

    public init(id: RequestID, operation: [UInt8]) {
        self.id = id
        self.operation = operation
    }
}

/// What became of a request.
public enum ClientAnswer: Hashable, Sendable {
    /// It is in the log at this place, on the disks of a majority.
    case committed(OpNumber)
    /// Ask this one: it leads the view, as far as is known here; nil: nobody does now.
    case elsewhere(View, primary: Member?)
    /// Too much is waiting, or the disk is full; ask again later.
    case busy(String)
    case tooLarge(bytes: Int, max: Int)
    /// The session was never opened here, or was the one unused for longest when there were too many.
    case sessionExpired
    /// A later request of the session is known, so that nobody waits for this one.
    case stale
}
