import Automata
import WireSchema

extension WireMachineFacts {
    init(_ facts: MachineFacts) {
        self.init()
        architecture = facts.architecture
        cores = UInt32(clamping: facts.cores)
        memoryBytes = facts.memory.bytes
        diskBytes = facts.disk.bytes
        gpus = UInt32(clamping: facts.gpus)
        gpuModel = facts.gpuModel
        kernel = facts.kernel
        isolation = facts.isolation
        hasIpv4_p = facts.hasIPv4
        hasIpv6_p = facts.hasIPv6
        country = facts.country
        continent = facts.continent
        load = UInt32(clamping: min(facts.load, Int(WireBounds.loadMax)))
        if facts.terms != OwnerTerms() { terms = WireOwnerTerms(facts.terms) }
        reserved = UInt32(clamping: facts.reserved)
        installed = Array(facts.installed.prefix(MachineFacts.installedMax))
    }

    func decoded() throws(WireError) -> MachineFacts {
        let label = 0...WireBounds.labelBytesMax
        let amount = 0...WireBounds.memoryLeftBytesMax
        let kinds = try list(isolation, "kinds of isolation", max: WireBounds.isolationMax) {
            (kind) throws(WireError) in
            try text(kind, "a kind of isolation", bytes: 1...WireBounds.labelBytesMax)
        }
        var facts = MachineFacts(
            architecture: try text(architecture, "an architecture", bytes: label),
            cores: Int(try number(cores, "a machine's cores", 0...WireBounds.coresMax)),
            memory: ByteCount(try number(memoryBytes, "a machine's memory", amount)),
            disk: ByteCount(try number(diskBytes, "free disk", amount)),
            gpus: Int(try number(gpus, "a machine's accelerators", 0...WireBounds.coresMax)),
            gpuModel: try text(gpuModel, "a model of accelerators", bytes: label),
            kernel: try text(kernel, "a kernel", bytes: label), isolation: kinds, hasIPv4: hasIpv4_p,
            hasIPv6: hasIpv6_p, country: try letters(country, "a country"),
            continent: try letters(continent, "a continent"),
            load: Int(try number(load, "a load", 0...WireBounds.loadMax)),
            terms: hasTerms ? try terms.decoded() : OwnerTerms(),
            installed: try list(installed, "installed releases", max: MachineFacts.installedMax) {
                (digest) throws(WireError) in digest
            })
        facts.reserved = Int(try number(reserved, "reserved partitions", 0...UInt32(WireBounds.partitionsMax)))
        return facts
    }
}

/// Two lower-case letters, or nothing.
func letters(_ value: String, _ what: StaticString) throws(WireError) -> String {
    let isLetters = value.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
    guard value.isEmpty || (value.utf8.count == 2 && isLetters) else {
        throw WireError(.outOfBounds, "\(what) is not two lower-case letters")
    }
    return value
}

extension WireOwnerTerms {
    init(_ terms: OwnerTerms) {
        self.init()
        coreRate = terms.rates.core
        memoryRate = terms.rates.memory
        gpuRate = terms.rates.gpu
        if let hours = terms.hours { self.hours = WireOwnerHours(hours) }
        if let most = terms.memoryMax { memoryMaxBytes = most.bytes }
        if let most = terms.coresMax { coresMax = UInt32(clamping: most) }
    }

    func decoded() throws(WireError) -> OwnerTerms {
        let rate = 0...WireBounds.numberMax
        return OwnerTerms(
            rates: OwnerTerms.Rates(
                core: try number(coreRate, "a core's rate", rate),
                memory: try number(memoryRate, "a gigabyte's rate", rate),
                gpu: try number(gpuRate, "an accelerator's rate", rate)),
            hours: hasHours ? try hours.decoded() : nil,
            memoryMax: hasMemoryMaxBytes
                ? ByteCount(
                    try number(memoryMaxBytes, "the most memory of an instance", 0...WireBounds.memoryLeftBytesMax))
                : nil,
            coresMax: hasCoresMax
                ? Int(try number(coresMax, "the most cores of an instance", 0...WireBounds.coresMax)) : nil)
    }
}

extension WireOwnerHours {
    init(_ hours: OwnerHours) {
        self.init()
        from = UInt32(hours.from)
        until = UInt32(hours.until)
    }

    func decoded() throws(WireError) -> OwnerHours {
        guard let from = Int(exactly: from), let until = Int(exactly: until),
            let hours = OwnerHours(from: from, until: until)
        else { throw WireError(.outOfBounds, "an owner's hours are \(from) to \(until), allowed is 0 to 1439") }
        return hours
    }
}
