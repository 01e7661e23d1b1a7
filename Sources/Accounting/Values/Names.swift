public import Automata

/// Who gives and takes: a person or an organisation. 1 to 128 bytes without space, so that every export can carry it.
public struct AccountID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    /// The account of whoever asks under a certificate's name.
    public init(_ customer: Customer) { name = customer.name }
    public static func < (left: AccountID, right: AccountID) -> Bool { left.name < right.name }
    public var description: String { name }
}

/// What a customer keeps a ceiling for; 1 to 128 bytes without space.
public struct ProjectID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    public static func < (left: ProjectID, right: ProjectID) -> Bool { left.name < right.name }
    public var description: String { name }
}

/// What is moved: `cpu`, `partition`, `support`. 1 to 64 ASCII letters, digits, `-`, `_` and `.`.
public struct ResourceID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    public static func < (left: ResourceID, right: ResourceID) -> Bool { left.name < right.name }
    public var description: String { name }
}

/// A running release in a partition, for the life of its request; 1 to 320 bytes.
public struct InstanceID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    /// One request is one instance, on whichever machine.
    public init(_ request: RequestKey) { name = request.description }
    public static func < (left: InstanceID, right: InstanceID) -> Bool { left.name < right.name }
    public var description: String { name }
}

/// What a release is known by: its address, or its digest; 1 to 512 bytes.
public struct ReleaseName: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    public static func < (left: ReleaseName, right: ReleaseName) -> Bool { left.name < right.name }
    public var description: String { name }
}

/// A resource that is charged again in every cycle; 1 to 128 bytes without space.
public struct SubscriptionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    public static func < (left: SubscriptionID, right: SubscriptionID) -> Bool { left.name < right.name }
    public var description: String { name }
}

/// An agreement of two ledgers; 1 to 128 bytes without space.
public struct ContractID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    public static func < (left: ContractID, right: ContractID) -> Bool { left.name < right.name }
    public var description: String { name }
}

/// Something that went wrong and may be credited; 1 to 128 bytes without space.
public struct IncidentID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    public static func < (left: IncidentID, right: IncidentID) -> Bool { left.name < right.name }
    public var description: String { name }
}

/// What a payment is known by at the bank; 1 to 128 bytes without space. One reference pays an invoice once.
public struct PaymentID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    public static func < (left: PaymentID, right: PaymentID) -> Bool { left.name < right.name }
    public var description: String { name }
}

/// What a correction by hand is known by, as on its voucher; 1 to 128 bytes without space.
public struct PostingID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    public static func < (left: PostingID, right: PostingID) -> Bool { left.name < right.name }
    public var description: String { name }
}

/// The place of a movement in its books; the first is 1.
public struct MovementNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: UInt64
    public init(_ value: UInt64) { self.value = value }
    public static let zero = MovementNumber(0)
    public static func < (left: MovementNumber, right: MovementNumber) -> Bool { left.value < right.value }
    public var description: String { String(value) }
}

/// The number of an invoice or a credit note: one series per issuer, from 1, without gaps.
public struct InvoiceNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let issuer: AccountID
    public let ordinal: UInt64

    public init(issuer: AccountID, ordinal: UInt64) {
        self.issuer = issuer
        self.ordinal = ordinal
    }

    /// Reads what `description` writes, and fewer zeros; nil for anything else.
    public init?(_ text: String) {
        guard let dash = text.lastIndex(of: "-"), dash > text.startIndex else { return nil }
        let digits = text[text.index(after: dash)...]
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let ordinal = UInt64(digits), ordinal > 0
        else { return nil }
        self.init(issuer: AccountID(String(text[..<dash])), ordinal: ordinal)
    }

    public static func < (left: InvoiceNumber, right: InvoiceNumber) -> Bool {
        (left.issuer, left.ordinal) < (right.issuer, right.ordinal)
    }
    /// `lab-000042`
    public var description: String {
        let digits = String(ordinal)
        return "\(issuer)-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }
}

/// What a name may be made of.
enum NameRule {
    /// Any text without control characters.
    static func isText(_ text: String, bytesMax: Int, isEmptyAllowed: Bool = false) -> Bool {
        let count = text.utf8.count
        return count <= bytesMax && (count > 0 || isEmptyAllowed)
            && text.unicodeScalars.allSatisfy {
                $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) && $0.value != 0x2028 && $0.value != 0x2029
                    // XML 1.0 cannot carry these two, not even escaped.
                    && $0.value != 0xfffe && $0.value != 0xffff
            }
    }

    /// Letters, digits, a few signs, and whatever lies beyond ASCII, without space: safe in a journal and in a table.
    static func isName(_ text: String, bytesMax: Int = 128) -> Bool {
        isText(text, bytesMax: bytesMax)
            && text.unicodeScalars.allSatisfy {
                $0.isASCII
                    ? isWord($0.value) || "@+/".unicodeScalars.contains($0) : !$0.properties.isWhitespace
            }
    }

    /// ASCII letters, digits, `-`, `_`, `.`.
    static func isResource(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 64 && text.utf8.allSatisfy { isWord(UInt32($0)) }
    }

    private static func isWord(_ value: UInt32) -> Bool {
        switch value {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
        default: false
        }
    }
}
