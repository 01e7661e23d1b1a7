public import Automata

/// Names one call for the length of its answer; unique on one peer while it runs.
public struct CallID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: UInt64
    public init(_ value: UInt64) { self.value = value }
    public static func < (left: CallID, right: CallID) -> Bool { left.value < right.value }
    public var description: String { String(value) }
}

/// What a user may ask about one request.
public enum RequestCall: Hashable, Sendable {
    /// Makes the request, or changes it to say exactly this; the same again changes nothing.
    ///
    /// `basedOn` is the revision that the change was made from; when the request has moved on, the answer is a conflict.
    case ask(RequestKey, Specification, basedOn: Revision?, wait: Wait?)
    case read(RequestKey, wait: Wait?)

    public var key: RequestKey {
        switch self {
        case .ask(let key, _, _, _), .read(let key, _): key
        }
    }
}

/// For what an answer is held back, and how long at most.
public struct Wait: Hashable, Sendable {
    /// `running`, `stopped` or `destroyed`.
    public var until: DesiredState
    public var timeout: Duration

    public init(until: DesiredState, timeout: Duration) {
        self.until = until
        self.timeout = timeout
    }

    /// Whether there is nothing more to wait for: reached, or failed for good.
    func isOver(for request: Request) -> Bool {
        guard request.status.revision >= request.revision else { return false }
        return switch (until, request.status.state) {
        case (.running, .running), (.stopped, .stopped): true
        case (.running, .failed), (.stopped, .failed): true
        default: false
        }
    }
}

/// The answer to a `RequestCall`.
public enum RequestAnswer: Hashable, Sendable {
    case request(Request)
    /// No such request, or it is destroyed.
    case gone(RequestKey)
    /// Another master holds it.
    case moved(RequestKey, PeerID)
    /// The ledger is led by another replica now, or by none: to be asked again there.
    case elsewhere(RequestKey)
    case refused(Refusal)
}
