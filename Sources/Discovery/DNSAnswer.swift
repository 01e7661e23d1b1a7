import CResolv

/// The records of a DNS answer (RFC 1035, section 4), from whoever sent it.
struct DNSAnswer {
    struct Record: Hashable {
        enum Content: Hashable {
            case pointer(String)
            case service(priority: UInt32, weight: UInt32, port: UInt16, target: String)
            case text([[UInt8]])
            /// 4 or 16 bytes.
            case address([UInt8])
            case other
        }

        /// As people write it, special characters escaped, in lower case: names are compared so.
        var name: String
        var content: Content
    }

    /// Those of the answer section first; at most 64.
    var records: [Record]

    private static let recordsMax = 64

    /// - Returns: nil when it cannot be read to its end.
    init?(_ message: [UInt8]) {
        var room = [cresolv_record](repeating: cresolv_record(), count: Self.recordsMax)
        let records: [Record]? = message.withUnsafeBufferPointer { message in
            let count = cresolv_records(message.baseAddress, Int32(message.count), &room, Int32(room.count))
            return count < 0 ? nil : room.prefix(Int(count)).map(Record.init)
        }
        guard let records else { return nil }
        self.records = records
    }

    /// What is said of a name.
    func contents(of name: String) -> [Record.Content] { records.filter { $0.name == name }.map(\.content) }
}

extension DNSAnswer.Record {
    /// The answer that it was read of must still be there.
    fileprivate init(_ record: cresolv_record) {
        var record = record
        let data = UnsafeRawBufferPointer(start: record.data, count: Int(record.length))
        name = withUnsafeBytes(of: &record.name, Self.string)
        let target = withUnsafeBytes(of: &record.target, Self.string)
        switch (DNSRecord.Kind(rawValue: UInt16(truncatingIfNeeded: record.type)), data.count) {
        case (.pointer, _): content = .pointer(target)
        case (.service, _):
            content = .service(
                priority: record.priority, weight: record.weight, port: UInt16(truncatingIfNeeded: record.port),
                target: target)
        case (.text, _): content = .text(strings(ofWire: data))
        case (.address, 4), (.address6, 16): content = .address(Array(data))
        case (.address, _), (.address6, _), (nil, _): content = .other
        }
    }

    private static func string(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self).lowercased()
    }
}
