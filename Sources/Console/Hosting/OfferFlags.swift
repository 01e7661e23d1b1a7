public import API
import Accounting
public import Automata
import Releases

/// What `palmier node offer` was given, before it is the document that masters read.
public struct OfferFlags: Sendable {
    /// As `palmier agent --price` takes it: `core-hour=0.01,gpu-hour=1`.
    public var price: [String] = []
    /// `19:00-07:00`, `always`.
    public var hours: String?
    /// `8GiB`; `0` or empty: what there is.
    public var maxMemory: String?
    public var maxCpus: String?
    /// Empty: none.
    public var region: String?
    public var country: String?
    public var continent: String?

    public init() {}

    /// - Throws: `invalid` with the flag, what was expected and what was found.
    public func request() throws(Refusal) -> NodeOfferRequest {
        var request = NodeOfferRequest()
        if !price.isEmpty {
            let prices: PriceList
            do throws(PriceList.Problem) {
                prices = try PriceList(price.joined(separator: ","))
            } catch {
                throw Self.wrong("--price", "\(PriceList.expected) (\(error.message))", error.part)
            }
            request.partitionHour = prices.partition.map { Decimal6($0).description }
            request.coreHour = prices.core.map { Decimal6($0).description }
            request.memoryHour = prices.memory.map { Decimal6($0).description }
            request.gpuHour = prices.gpu.map { Decimal6($0).description }
        }
        request.hours = try Self.read(hours, "--hours", Bounds.hoursExpected + ", or always") {
            $0.isEmpty || $0 == "always" ? "always" : OwnerHours($0)?.description
        }
        request.maxMemoryBytes = try Self.read(maxMemory, "--max-memory", "an amount such as 8GiB, or 0 for any") {
            if $0.isEmpty || $0 == "0" { return 0 }
            return ByteCount(text: $0).flatMap {
                (ByteCount(1)...Bounds.machineMemoryMax).contains($0) ? $0.bytes : nil
            }
        }
        request.maxCpus = try Self.read(maxCpus, "--max-cpus", "a whole number, or 0 for any") {
            if $0.isEmpty || $0 == "0" { return 0 }
            return Int64($0).flatMap { Bounds.coresRange.contains($0) ? Int($0) : nil }
        }
        request.region = try Self.read(region, "--region", Bounds.regionExpected) {
            $0.isEmpty || Bounds.isRegion($0) ? $0 : nil
        }
        request.country = try Self.read(country, "--country", Bounds.countryExpected) {
            $0.isEmpty || Bounds.isCountry($0) ? $0 : nil
        }
        request.continent = try Self.read(continent, "--continent", Bounds.continentExpected) {
            $0.isEmpty || Bounds.isContinent($0) ? $0 : nil
        }
        return request
    }

    private static func read<Value>(
        _ text: String?, _ flag: String, _ expected: String, _ convert: (String) -> Value?
    ) throws(Refusal) -> Value? {
        guard let text else { return nil }
        guard let value = convert(text) else { throw wrong(flag, expected, text) }
        return value
    }

    private static func wrong(_ flag: String, _ expected: String, _ found: String) -> Refusal {
        Refusal(.invalid, "\(flag): expected \(expected), found \"\(found)\"", remedy: "correct it")
    }
}
