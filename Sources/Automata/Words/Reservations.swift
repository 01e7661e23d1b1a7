/// What a place that is asked for ahead of time belongs to, and when it is to be kept.
public struct BookingTerms: Hashable, Sendable {
    /// The reservation's name in its ledger; 1 to `nameBytesMax` bytes.
    public var reservation: String
    /// By the clock of whoever keeps the place, which runs by the wall's.
    public var from: Instant
    /// The first instant at which it is not kept any more.
    public var until: Instant

    public static let nameBytesMax = 63
    /// The longest time for which a place is kept.
    public static let lengthMax: Duration = .seconds(31 * 86_400)
    /// How far ahead one may be asked for.
    public static let aheadMax: Duration = .seconds(366 * 86_400)

    public init(reservation: String, from: Instant, until: Instant) {
        self.reservation = reservation
        self.from = from
        self.until = until
    }

    /// Whether one place cannot be kept for both.
    public func overlaps(_ other: BookingTerms) -> Bool { from < other.until && other.from < until }

    /// Letters, digits, `-`, `_` and `.`, so that it is one word everywhere.
    public static func isName(_ text: String) -> Bool {
        (1...nameBytesMax).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { scalar in
                scalar.isASCII
                    && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                        || "-_.".unicodeScalars.contains(scalar))
            }
    }
}

extension FencingNumber {
    /// Bookings are counted apart from tenancies, and have numbers that no tenancy reaches: a claim says by itself what it is.
    public static let firstBooking = FencingNumber(1 << 62)

    public var isBooking: Bool { self >= .firstBooking }
}

extension RequestKey {
    /// What a place of a reservation is searched under: no user's request has such a name, since theirs have no control
    /// characters.
    ///
    /// - Parameter number: 1 for the first place.
    public init(placeOf reservation: String, number: Int) {
        self.init(customer: Customer("\u{1}reservation"), reference: "\(reservation) \(number)")
    }

    /// Which place of which reservation it stands for; nil: it is a request's.
    public var reservedPlace: (reservation: String, number: Int)? {
        guard customer.name == "\u{1}reservation", let space = reference.lastIndex(of: " "),
            let number = Int(reference[reference.index(after: space)...]), number > 0
        else { return nil }
        return (String(reference[..<space]), number)
    }
}
