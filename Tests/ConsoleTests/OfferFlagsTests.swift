import API
import Automata
import Console
import Testing

@Suite("What an owner says of an offer on the command line")
struct OfferFlagsTests {
    @Test("each flag becomes its field, in exact decimals and in bytes; what is not given is not said")
    func fields() throws {
        var flags = OfferFlags()
        #expect(try flags.request() == NodeOfferRequest())
        flags.price = ["core-hour=0.01,gpu-hour=1", "partition-hour=0.05"]
        (flags.hours, flags.maxMemory, flags.maxCpus) = ("19:00-7:00", "8GiB", "4")
        (flags.region, flags.country, flags.continent) = ("eu-west", "fr", "eu")
        var request = NodeOfferRequest()
        (request.coreHour, request.gpuHour, request.partitionHour) = ("0.01", "1", "0.05")
        (request.hours, request.maxMemoryBytes, request.maxCpus) = ("19:00-07:00", 8 << 30, 4)
        (request.region, request.country, request.continent) = ("eu-west", "fr", "eu")
        #expect(try flags.request() == request)
    }

    @Test("limits and places are taken away by 0 and by nothing")
    func taken() throws {
        var flags = OfferFlags()
        (flags.hours, flags.maxMemory, flags.maxCpus, flags.region) = ("always", "0", "0", "")
        var request = NodeOfferRequest()
        (request.hours, request.maxMemoryBytes, request.maxCpus, request.region) = ("always", 0, 0, "")
        #expect(try flags.request() == request)
    }

    @Test(
        "what cannot be meant is refused with its flag and what was expected",
        arguments: [
            (\OfferFlags.hours, "19-7", "--hours: expected two times of the day"),
            (\OfferFlags.maxMemory, "much", "--max-memory: expected an amount"),
            (\OfferFlags.maxCpus, "-1", "--max-cpus: expected a whole number"),
            (\OfferFlags.country, "FR", "--country: expected two lower-case letters"),
            (\OfferFlags.continent, "xx", "--continent: expected one of af"),
        ])
    func refused(field: any WritableKeyPath<OfferFlags, String?> & Sendable, text: String, words: String) {
        var flags = OfferFlags()
        flags[keyPath: field] = text
        let refusal = #expect(throws: Refusal.self) { try flags.request() }
        #expect(refusal?.message.hasPrefix(words) == true && refusal?.message.contains("\"\(text)\"") == true)
        flags = OfferFlags()
        flags.price = ["cor-hour=1"]
        let price = #expect(throws: Refusal.self) { try flags.request() }
        #expect(price?.message.contains("did you mean \"core-hour\"?") == true)
    }
}
