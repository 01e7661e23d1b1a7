import API
import Automata
import Releases

/// What a machine offers, as far as its owner says: where it stands, what it costs, when and how much of it is for others.
extension HostSettings {
    func region() throws(Refusal) -> String {
        try read("region", "1 to 63 letters, digits, -, _ and ., such as eu-west") { text in
            let isWord = text.utf8.allSatisfy { byte in
                Self.isLetter(byte) || Self.isLetter(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_.".utf8.contains(byte)
            }
            return isWord && (1...63).contains(text.utf8.count) ? text : nil
        } ?? ""
    }

    func country() throws(Refusal) -> String {
        try read("country", "two lower-case letters (ISO 3166-1), such as fr") { text in
            text.utf8.count == 2 && text.utf8.allSatisfy { Self.isLetter($0) } ? text : nil
        } ?? ""
    }

    /// UN M49's continents, as they are usually abbreviated.
    private static let continents = ["af", "an", "as", "eu", "na", "oc", "sa"]

    func continent() throws(Refusal) -> String {
        try read("continent", "one of \(Self.continents.joined(separator: ", "))") { text in
            Self.continents.contains(text) ? text : nil
        } ?? ""
    }

    /// Lower-case.
    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

    func prices() throws(Refusal) -> PriceList {
        guard let text = values["price"]?.first else { return PriceList() }
        do throws(PriceList.Problem) {
            return try PriceList(text)
        } catch {
            throw wrong("price", "\(PriceList.expected) (\(error.message))", error.part)
        }
    }

    /// What its owner asks beside a partition's price, and allows.
    func terms(_ prices: PriceList) throws(Refusal) -> OwnerTerms {
        OwnerTerms(
            rates: prices.rates,
            hours: try read("hours", "two times of the day in UTC, such as 19:00-07:00") { OwnerHours($0) },
            memoryMax: try read("max-memory", "an amount above 0 such as 512MiB or 8GiB") {
                ByteCount(text: $0).flatMap { (ByteCount(1)...Bounds.machineMemoryMax).contains($0) ? $0 : nil }
            },
            coresMax: try cores("max-cpus"))
    }

    func cores(_ name: String) throws(Refusal) -> Int? {
        try integer(name, 1...65_535).map { Int($0) }
    }
}
