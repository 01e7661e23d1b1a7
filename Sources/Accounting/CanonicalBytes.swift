public import Automata

/// Bytes that say the same on every machine: numbers of eight bytes, most significant first, and texts after their
/// length. What is digested is written with it.
struct CanonicalBytes {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ value: UInt64) {
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    mutating func add(_ value: Int64) { add(UInt64(bitPattern: value)) }

    mutating func add(_ text: String) {
        add(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func add(_ peer: PeerID) {
        add(peer.high)
        add(peer.low)
    }

    mutating func add(_ period: Period) {
        add(period.start.milliseconds)
        add(period.end.milliseconds)
    }

    mutating func add(_ money: Money) {
        add(UInt64(truncatingIfNeeded: money.trillionths >> 64))
        add(UInt64(truncatingIfNeeded: money.trillionths))
    }

    mutating func add(_ text: String?) {
        add(UInt64(text == nil ? 0 : 1))
        if let text { add(text) }
    }

    /// For long documents: hands the bytes over and begins anew.
    mutating func take() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }
}

extension Invoice {
    /// The digest of all that it says, and so of all documents of its series before it.
    public var digest: Digest {
        var builder = DigestBuilder()
        var bytes = CanonicalBytes()
        bytes.add("palmier.invoice/1")
        add(to: &bytes)
        for line in lines {
            line.add(to: &bytes)
            if bytes.bytes.count > 32_768 { builder.update(bytes.take()) }
        }
        builder.update(bytes.take())
        return builder.finish()
    }

    private func add(to bytes: inout CanonicalBytes) {
        bytes.add(number.issuer.name)
        bytes.add(number.ordinal)
        if case .creditNote(let credited, let incident) = kind {
            bytes.add(credited.issuer.name)
            bytes.add(credited.ordinal)
            bytes.add(incident.name)
        }
        for party in [issuer, customer] {
            bytes.add(party.id.name)
            bytes.add(party.kind.rawValue)
            bytes.add(party.title)
            let address = party.address
            for text in [address?.street, address?.city, address?.postcode, address?.country] { bytes.add(text) }
        }
        bytes.add(currency.code)
        bytes.add(issuedAt.milliseconds)
        bytes.add(Int64(due.dayNumber))
        bytes.add(period)
        bytes.add(total)
        for byte in previous.bytes { bytes.add(UInt64(byte)) }
        bytes.add(UInt64(lines.count))
    }
}

extension Invoice.Line {
    fileprivate func add(to bytes: inout CanonicalBytes) {
        bytes.add(UInt64(ordinal))
        bytes.add(title)
        bytes.add(resource?.name)
        bytes.add(unit.rawValue)
        bytes.add(quantity.millionths)
        bytes.add(price.millionths)
        bytes.add(period)
        bytes.add(exact)
        bytes.add(amount)
        for text in [
            trail.project?.name, trail.instance?.name, trail.subscription?.name, trail.release?.name,
            trail.contract?.name, trail.incident?.name,
        ] {
            bytes.add(text)
        }
        bytes.add(trail.machine ?? PeerID(high: 0, low: 0))
        bytes.add(Int64(trail.partition?.value ?? -1))
    }
}
