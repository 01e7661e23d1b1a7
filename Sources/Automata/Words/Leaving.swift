/// Why the tenants of a machine are to go. Soft state, told again and again while it is so.
public struct Leaving: Hashable, Sendable, CustomStringConvertible {
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        /// Its owner has said so.
        case drained
        /// The hours in which it is for others end, or have ended.
        case hours
        /// The machine is not, or has not, what the tenant asks for now.
        case unfit
        /// Its place is kept for a reservation.
        case reserved
    }

    public var reason: Reason
    /// How long the machine is still for others; nil: it has no end, or that is over. A length and no instant, since two
    /// clocks need not agree.
    public var within: Duration?
    /// Of `unfit`: what is not as asked, as the rest of a sentence about the machine; at most `detailBytesMax`.
    public var detail: String
    /// Of `reserved`: for which reservation; at most 63 bytes.
    public var reservation: String

    public static let detailBytesMax = 512

    public init(reason: Reason, within: Duration? = nil, detail: String = "", reservation: String = "") {
        self.reservation = reservation
        self.reason = reason
        self.within = within
        self.detail = detail
    }

    /// As the rest of a sentence about the machine.
    public var description: String {
        switch reason {
        case .drained: "drains"
        case .hours: "is for its owner alone \(within == nil ? "now" : "soon")"
        case .unfit: detail.isEmpty ? "is not as asked any more" : detail
        case .reserved: "keeps the place for the reservation \(reservation)"
        }
    }
}
