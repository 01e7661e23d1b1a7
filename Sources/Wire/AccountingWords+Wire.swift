import Accounting
import Automata
import Foundation
import SwiftProtobuf
import WireSchema

// Amounts, periods, names: the words that acts and invoices share.

extension WireMoney {
    init(_ money: Money) {
        self.init()
        let (whole, rest) = money.trillionths.quotientAndRemainder(dividingBy: Int128(Self.trillionthsMax + 1))
        // What the books take is far below the bound; what is beyond it is beyond it for the reader too, and refused.
        units = Int64(clamping: whole)
        trillionths = Int64(rest)
    }

    private static let trillionthsMax: Int64 = 999_999_999_999

    func decoded(_ what: StaticString) throws(WireError) -> Money {
        let whole = try number(units, what, -WireBounds.moneyUnitsMax...WireBounds.moneyUnitsMax)
        let rest = try number(trillionths, what, -Self.trillionthsMax...Self.trillionthsMax)
        guard whole.signum() * rest.signum() >= 0 else {
            throw WireError(.outOfBounds, "\(what) has \(whole) units and \(rest) trillionths, of two signs")
        }
        return Money(trillionths: Int128(whole) * Int128(Self.trillionthsMax + 1) + Int128(rest))
    }
}

extension WirePeriod {
    init(_ period: Period) {
        self.init()
        startMilliseconds = period.start.milliseconds
        endMilliseconds = period.end.milliseconds
    }

    func decoded(_ what: StaticString) throws(WireError) -> Period {
        let bounds = 0...WireBounds.periodMillisecondsMax
        return Period(
            from: Instant(milliseconds: try number(startMilliseconds, what, bounds)),
            to: Instant(milliseconds: try number(endMilliseconds, what, bounds)))
    }
}

extension WireCycle {
    init(_ cycle: Cycle) {
        self =
            switch cycle {
            case .day: .day
            case .week: .week
            case .month: .month
            case .year: .year
            }
    }

    func decoded() throws(WireError) -> Cycle {
        switch self {
        case .day: .day
        case .week: .week
        case .month: .month
        case .year: .year
        case .unspecified, .UNRECOGNIZED: throw noCase("a cycle", rawValue)
        }
    }
}

extension WireUnit {
    init(_ unit: Accounting.Unit) {
        self =
            switch unit {
            case .piece: .piece
            case .second: .second
            case .hour: .hour
            case .day: .day
            case .week: .week
            case .month: .month
            case .year: .year
            case .megabyte: .megabyte
            case .gigabyte: .gigabyte
            case .kilowattHour: .kilowattHour
            case .gigabyteHour: .gigabyteHour
            }
    }

    func decoded() throws(WireError) -> Accounting.Unit {
        switch self {
        case .piece: .piece
        case .second: .second
        case .hour: .hour
        case .day: .day
        case .week: .week
        case .month: .month
        case .year: .year
        case .megabyte: .megabyte
        case .gigabyte: .gigabyte
        case .kilowattHour: .kilowattHour
        case .gigabyteHour: .gigabyteHour
        case .unspecified, .UNRECOGNIZED: throw noCase("a unit", rawValue)
        }
    }
}

extension WireAccountKind {
    init(_ kind: Account.Kind) {
        self =
            switch kind {
            case .person: .person
            case .organisation: .organisation
            }
    }

    func decoded() throws(WireError) -> Account.Kind {
        switch self {
        case .person: .person
        case .organisation: .organisation
        case .unspecified, .UNRECOGNIZED: throw noCase("an account's kind", rawValue)
        }
    }
}

extension WireInvoiceNumber {
    init(_ number: InvoiceNumber) {
        self.init()
        issuer = number.issuer.name
        ordinal = number.ordinal
    }

    func decoded() throws(WireError) -> InvoiceNumber {
        InvoiceNumber(
            issuer: try accountID(issuer, "an invoice's issuer"),
            ordinal: try counter(ordinal, "an invoice's number", from: 1))
    }
}

extension WirePostalAddress {
    init(_ address: PostalAddress) {
        self.init()
        street = address.street
        city = address.city
        postcode = address.postcode
        country = address.country
    }

    func decoded() throws(WireError) -> PostalAddress {
        let bounds = 0...WireBounds.titleBytesMax
        return PostalAddress(
            street: try text(street, "a street", bytes: bounds), city: try text(city, "a city", bytes: bounds),
            postcode: try text(postcode, "a postcode", bytes: bounds),
            country: try text(country, "a country", bytes: bounds))
    }
}

// MARK: Names

/// The name of an account, a project, a subscription, a contract, an incident or a payment.
func bookName(_ value: String, _ what: StaticString) throws(WireError) -> String {
    try text(value, what, bytes: 1...WireBounds.nameBytesMax)
}

func accountID(_ value: String, _ what: StaticString) throws(WireError) -> AccountID {
    AccountID(try bookName(value, what))
}

func resourceID(_ value: String) throws(WireError) -> ResourceID {
    ResourceID(try text(value, "a resource", bytes: 1...WireBounds.resourceBytesMax))
}

func instanceID(_ value: String) throws(WireError) -> InstanceID {
    InstanceID(try text(value, "an instance", bytes: 1...WireBounds.instanceBytesMax))
}

func releaseName(_ value: String) throws(WireError) -> ReleaseName {
    ReleaseName(try text(value, "a release's name", bytes: 1...WireBounds.releaseNameBytesMax))
}

func title(_ value: String, _ what: StaticString) throws(WireError) -> String {
    try text(value, what, bytes: 1...WireBounds.titleBytesMax)
}

func currencyCode(_ value: String) throws(WireError) -> Currency {
    guard let currency = Currency(value) else {
        throw WireError(.outOfBounds, "a currency has \(value.utf8.count) bytes that are not three capital letters")
    }
    return currency
}
