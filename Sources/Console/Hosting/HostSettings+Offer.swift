import API
import Automata
import Releases

/// What a machine offers, as far as its owner says: where it stands, what it costs, when and how much of it is for others.
extension HostSettings {
    func region() throws(Refusal) -> String {
        try read("region", Bounds.regionExpected) { Bounds.isRegion($0) ? $0 : nil } ?? ""
    }

    func country() throws(Refusal) -> String {
        try read("country", Bounds.countryExpected) { Bounds.isCountry($0) ? $0 : nil } ?? ""
    }

    func continent() throws(Refusal) -> String {
        try read("continent", Bounds.continentExpected) { Bounds.isContinent($0) ? $0 : nil } ?? ""
    }

    /// What of the offer is said in flags, environment or file: at this start it holds, whatever the machine has kept.
    func said(_ prices: PriceList) throws(Refusal) -> OfferWord {
        let terms = try terms(prices)
        var said = OfferWord()
        (said.price, said.coreRate) = (prices.partition, prices.core)
        (said.memoryRate, said.gpuRate) = (prices.memory, prices.gpu)
        (said.hours, said.memoryMax, said.coresMax) = (terms.hours, terms.memoryMax, terms.coresMax)
        if values["region"] != nil { said.region = try region() }
        if values["country"] != nil { said.country = try country() }
        if values["continent"] != nil { said.continent = try continent() }
        return said
    }

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
            hours: try read("hours", Bounds.hoursExpected) { OwnerHours($0) },
            memoryMax: try read("max-memory", "an amount above 0 such as 512MiB or 8GiB") {
                ByteCount(text: $0).flatMap { (ByteCount(1)...Bounds.machineMemoryMax).contains($0) ? $0 : nil }
            },
            coresMax: try cores("max-cpus"))
    }

    func hoursNotice() throws(Refusal) -> Duration? {
        try read("hours-notice", "a time from 0s to 12h, such as 10m") { text in
            Wording.duration(text).flatMap { (.zero...(.seconds(43_200))).contains($0) ? $0 : nil }
        }
    }

    func cores(_ name: String) throws(Refusal) -> Int? {
        try integer(name, 1...65_535).map { Int($0) }
    }
}
