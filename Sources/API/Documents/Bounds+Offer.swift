import Wire

/// What an owner may say of a machine's offer, the same for every surface.
extension Bounds {
    public static let regionExpected = "1 to 63 letters, digits, -, _ and ., such as eu-west"
    public static let countryExpected = "two lower-case letters (ISO 3166-1), such as fr"
    public static let hoursExpected = "two times of the day in UTC, such as 19:00-07:00"
    public static let continentExpected = "one of \(continents.joined(separator: ", "))"
    /// UN M49's continents, as they are usually abbreviated.
    private static let continents = ["af", "an", "as", "eu", "na", "oc", "sa"]
    public static let coresRange: ClosedRange<Int64> = 1...65_535

    public static func isRegion(_ text: String) -> Bool {
        let isWord = text.utf8.allSatisfy { byte in
            isLetter(byte) || isLetter(byte | 0x20) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || "-_.".utf8.contains(byte)
        }
        return isWord && (1...63).contains(text.utf8.count)
    }

    public static func isCountry(_ text: String) -> Bool {
        text.utf8.count == 2 && text.utf8.allSatisfy { isLetter($0) }
    }

    public static func isContinent(_ text: String) -> Bool { continents.contains(text) }

    /// Lower-case.
    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
}
