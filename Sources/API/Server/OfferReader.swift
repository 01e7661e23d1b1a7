import Accounting
import Automata

/// Reads what an owner says of a machine's offer: the body of `POST /v1/nodes/{node}/offer`.
struct OfferReader {
    let order: OwnerOrder

    private static let fields = [
        "partitionHour", "coreHour", "memoryHour", "gpuHour", "hours", "maxMemoryBytes", "maxCpus", "region", "country",
        "continent",
    ]

    init(_ body: String) throws(ProblemDocument) {
        let reader = try BodyReader(body, known: Self.fields + ["reset"])
        let said = Self.fields.filter { reader.has($0) }
        if try reader.boolean("reset") == true {
            guard said.isEmpty else {
                throw ProblemDocument(
                    .invalid, "reset: \(said.joined(separator: ", ")) cannot be said beside it",
                    remedy: "reset first, then say what shall differ", field: "reset")
            }
            order = .resetOffer
            return
        }
        guard !said.isEmpty else {
            throw ProblemDocument(
                .invalid, "the body says nothing of the offer",
                remedy: "say one of \(Self.fields.joined(separator: ", ")), or reset")
        }
        var word = OfferWord()
        word.price = try Self.price(reader, "partitionHour")
        word.coreRate = try Self.price(reader, "coreHour")
        word.memoryRate = try Self.price(reader, "memoryHour")
        word.gpuRate = try Self.price(reader, "gpuHour")
        word.hours = try Self.text(reader, "hours", Bounds.hoursExpected + ", or always") {
            $0 == "always" ? .always : OwnerHours($0)
        }
        word.memoryMax = try reader.integer("maxMemoryBytes", in: 0...Bounds.machineMemoryMax.bytes).map {
            ByteCount($0)
        }
        word.coresMax = try reader.integer("maxCpus", in: 0...Bounds.coresRange.upperBound).map { Int($0) }
        word.region = try Self.text(reader, "region", Bounds.regionExpected + ", or nothing") {
            $0.isEmpty || Bounds.isRegion($0) ? $0 : nil
        }
        word.country = try Self.text(reader, "country", Bounds.countryExpected + ", or nothing") {
            $0.isEmpty || Bounds.isCountry($0) ? $0 : nil
        }
        word.continent = try Self.text(reader, "continent", Bounds.continentExpected + ", or nothing") {
            $0.isEmpty || Bounds.isContinent($0) ? $0 : nil
        }
        order = .offer(word)
    }

    private static func price(_ reader: BodyReader, _ field: String) throws(ProblemDocument) -> Int64? {
        try text(reader, field, "a decimal from 0 on with at most six digits behind the point, such as 0.01") { text in
            Price(text).flatMap { (0...Bounds.numberMax).contains($0.millionths) ? $0.millionths : nil }
        }
    }

    private static func text<Value>(
        _ reader: BodyReader, _ field: String, _ expected: String, _ convert: (String) -> Value?
    ) throws(ProblemDocument) -> Value? {
        guard let text = try reader.text(field) else { return nil }
        guard let value = convert(text) else {
            throw ProblemDocument(
                .invalid, "\(field): expected \(expected), found \"\(text.prefix(64))\"", remedy: "correct it",
                field: field)
        }
        return value
    }
}
