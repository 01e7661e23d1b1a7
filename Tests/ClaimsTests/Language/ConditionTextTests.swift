import Automata
import Testing

@testable import Claims

@Suite("the text of a condition")
struct ConditionTextTests {
    @Test(
        "every comparison is read and printed",
        arguments: [
            "cpu = 4", "cpu != 4", "cpu < 4", "cpu <= 4", "cpu > 4", "cpu >= 4", "cpu in (2, 4)", "cpu not in (2, 4)",
            "region = fr", "region != fr", "region in (de, fr)", "region not in (de, fr)", "kernel >= 6.1",
            "kernel in (5.10, 6.1)", "memory > 8GiB", "memory in (1GB, 1GiB)", "ipv6 = yes", "ipv6 = no",
            "isolation in (bubblewrap, users)", "node != box-1", "load < 0.8", "price <= 0.02", "installed = yes",
            "lan = 192.0.2.0/24", "lan = 2001:db8::/64", "architecture = arm64", "gpu-model = \"RTX 4090\"",
            "country = fr", "continent = eu", "state = idle", "free >= 1", "disk >= 20GB", "gpu >= 1",
        ])
    func canonical(text: String) throws {
        #expect(try Condition(text).description == text)
    }

    @Test("every property is read by its name, in any case")
    func properties() throws {
        for property in Property.allCases {
            let example = try Condition(property.example)
            #expect(example.terms.map(\.property) == [property])
            let name = property.rawValue
            #expect(try Condition(name.uppercased() + property.example.dropFirst(name.count)) == example)
            #expect(try Condition(example.description) == example)
        }
    }

    @Test(
        "what people write otherwise becomes the canonical text",
        arguments: [
            ("cpu>=4", "cpu >= 4"), ("  CPU\t>=\n04 ", "cpu >= 4"), ("ram >= 8 GiB", "memory >= 8GiB"),
            ("cores >= 2, gpus >= 1", "cpu >= 2 and gpu >= 1"), ("arch = amd64", "architecture = x86-64"),
            ("architecture in (x86_64, aarch64)", "architecture in (arm64, x86-64)"), ("machine = box", "node = box"),
            ("gpu_model = A100", "gpu-model = A100"), ("ipv6", "ipv6 = yes"), ("not ipv6", "ipv6 = no"),
            ("ipv6 != yes", "ipv6 = no"), ("ipv6 = True", "ipv6 = yes"), ("installed = FALSE", "installed = no"),
            ("region in [fr, de]", "region in (de, fr)"), ("region in (fr)", "region = fr"),
            ("region not in (fr)", "region != fr"), ("region in (fr, de, FR, fr)", "region in (de, fr)"),
            ("cpu in (10, 9, 9.0)", "cpu in (9, 10)"), ("memory in (1GiB, 1024MiB)", "memory = 1GiB"),
            ("kernel >= 6.1.0", "kernel >= 6.1"), ("kernel = 0.0", "kernel = 0"), ("kernel = 06.01", "kernel = 6.1"),
            ("state = IDLE", "state = idle"), ("isolation = Users", "isolation = users"),
            ("region = FR", "region = FR"),
            ("region = 'fr'", "region = fr"), ("region = 'New York'", "region = \"New York\""),
            ("region = 'a \"b\"'", "region = \"a \"\"b\"\"\""), ("region = \"it''s\"", "region = \"it''s\""),
            ("region = 'it''s'", "region = \"it's\""), ("region = \"\"", "region = \"\""),
            ("region = \"and\"", "region = \"and\""), ("region = \"Not\"", "region = \"Not\""),
            ("region = cpu", "region = cpu"), ("load < 80%", "load < 0.8"), ("load < 80 %", "load < 0.8"),
            ("load < 0.01%", "load < 0.0001"), ("cpu > -1", "cpu > -1"), ("cpu > -0.5", "cpu > -0.5"),
            ("cpu = -0", "cpu = 0"), ("cpu >= 4, cpu >= 4.0", "cpu >= 4"), ("region\u{a0}=\u{2003}fr", "region = fr"),
        ])
    func rewritten(text: String, canonical: String) throws {
        let condition = try Condition(text)
        #expect(condition.description == canonical)
        #expect(try Condition(canonical) == condition)
    }

    @Test(
        "every unit is read; the canonical one has the fewest digits, and of two is a power of 1,024",
        arguments: [
            ("1B", 1, "1B"), ("1", 1, "1B"), ("0", 0, "0B"), ("1kB", 1_000, "1kB"), ("1MB", 1_000_000, "1MB"),
            ("1GB", 1_000_000_000, "1GB"), ("1TB", 1_000_000_000_000, "1TB"), ("1KiB", 1_024, "1KiB"),
            ("1MiB", 1 << 20, "1MiB"), ("1GiB", 1 << 30, "1GiB"), ("1TiB", 1 << 40, "1TiB"), ("1024", 1_024, "1KiB"),
            ("1536MiB", 1_536 << 20, "1536MiB"), ("1024000", 1_024_000, "1000KiB"), ("0.5GiB", 1 << 29, "512MiB"),
            ("0.000001TB", 1_000_000, "1MB"), ("1.5kB", 1_500, "1500B"), ("8388607TiB", 8_388_607 << 40, "8388607TiB"),
            ("9223372036854775807", .max, "9223372036854775807B"), ("-1KiB", -1_024, "-1KiB"),
        ] as [(String, Int64, String)])
    func units(text: String, bytes: Int64, canonical: String) throws {
        let condition = try Condition("memory = \(text)")
        #expect(condition == .term(Condition.Term(.memory, .equal, [.bytes(ByteCount(bytes))])))
        #expect(condition.description == "memory = \(canonical)")
    }

    @Test("a part of a byte is rounded so that the same whole numbers of bytes meet the term")
    func partsOfBytes() throws {
        // 0.1 GiB are 107,374,182.4 bytes.
        let (below, above) = (ByteCount(107_374_182), ByteCount(107_374_183))
        for (sign, isBelow, isAbove) in [
            (">=", false, true), (">", false, true), ("<", true, false), ("<=", true, false),
        ] {
            let term = try #require(try Condition("memory \(sign) 0.1GiB").terms.first)
            #expect(term.holds(for: .bytes(below)) == isBelow, "\(term)")
            #expect(term.holds(for: .bytes(above)) == isAbove, "\(term)")
        }
        #expect(try Condition("memory > -0.5").terms.first?.values == [.bytes(ByteCount(-1))])
        #expect(try Condition("memory >= -0.5").terms.first?.values == [.bytes(.zero)])
    }

    @Test(
        "not binds closer than and, and closer than or, or closer than the comma",
        arguments: [
            ("cpu = 1 or cpu = 2, ipv4", "(cpu = 1 or cpu = 2) and ipv4 = yes"),
            ("ipv4, cpu = 1 or cpu = 2", "ipv4 = yes and (cpu = 1 or cpu = 2)"),
            ("cpu = 1 or cpu = 2 and ipv4", "cpu = 1 or cpu = 2 and ipv4 = yes"),
            ("cpu = 1 and ipv4 or cpu = 2", "cpu = 1 and ipv4 = yes or cpu = 2"),
            ("(cpu = 1 or cpu = 2) and ipv4", "(cpu = 1 or cpu = 2) and ipv4 = yes"),
            ("cpu = 1, cpu = 2 and ipv4, ipv6", "cpu = 1 and cpu = 2 and ipv4 = yes and ipv6 = yes"),
            ("not ipv4 and ipv6", "ipv4 = no and ipv6 = yes"), ("not ipv4 or ipv6", "ipv4 = no or ipv6 = yes"),
            ("(ipv4, ipv6) or cpu = 1", "ipv4 = yes and ipv6 = yes or cpu = 1"),
            ("((ipv4) and ((ipv6)))", "ipv4 = yes and ipv6 = yes"),
            ("cpu = 1 or (cpu = 2 or (cpu = 3 or cpu = 1))", "cpu = 1 or cpu = 2 or cpu = 3"),
            ("(ipv4 or ipv6) and (ipv4 or ipv6)", "ipv4 = yes or ipv6 = yes"),
            ("IPV4 AND NOT (IPV6 OR CPU IN (1,2))", "ipv4 = yes and ipv6 = no and cpu not in (1, 2)"),
        ])
    func precedence(text: String, canonical: String) throws {
        #expect(try Condition(text).description == canonical)
        #expect(try Condition(canonical) == Condition(text))
    }

    @Test(
        "what is denied is written as its opposite",
        arguments: [
            ("not cpu = 4", "cpu != 4"), ("not cpu != 4", "cpu = 4"), ("not cpu < 4", "cpu >= 4"),
            ("not cpu <= 4", "cpu > 4"), ("not cpu > 4", "cpu <= 4"), ("not cpu >= 4", "cpu < 4"),
            ("not cpu in (1, 2)", "cpu not in (1, 2)"), ("not cpu not in (1, 2)", "cpu in (1, 2)"),
            ("not not ipv4", "ipv4 = yes"), ("not (ipv4 and cpu > 1)", "ipv4 = no or cpu <= 1"),
            ("not (ipv4 or cpu > 1)", "ipv4 = no and cpu <= 1"),
            ("not (ipv4 and (cpu > 1 or region = fr))", "ipv4 = no or cpu <= 1 and region != fr"),
            ("not (ipv4, not (ipv6, free > 1))", "ipv4 = no or ipv6 = yes and free > 1"),
        ])
    func denied(text: String, canonical: String) throws {
        #expect(try Condition(text).description == canonical)
    }

    @Test("nested conjunctions and disjunctions are flat, and what stands twice stands once")
    func form() throws {
        let (four, six) = (Condition.term(Self.flag(.ipv4)), Condition.term(Self.flag(.ipv6)))
        #expect(try Condition("ipv4") == four)
        #expect(try Condition("ipv4, (ipv6 and (ipv4, ipv6))") == .all([four, six]))
        #expect(try Condition("ipv4 or (ipv6 or ipv4)") == .any([four, six]))
        #expect(try Condition("ipv4 and (ipv4 or ipv6)") == .all([four, .any([four, six])]))
    }

    private static func flag(_ property: Property) -> Condition.Term { Condition.Term(property, .equal, [.flag(true)]) }

    @Test(
        "a value that was found reads as people write it",
        arguments: [
            (.cpu, .number(2_000_000), "cpu = 2"), (.price, .number(20_000), "price = 0.02"),
            (.load, .number(850_000), "load = 0.85"), (.memory, .bytes(.mebibytes(512)), "memory = 512MiB"),
            (.disk, .bytes(ByteCount(20_000_000_000)), "disk = 20GB"), (.memory, .bytes(.zero), "memory = 0B"),
            // One byte less than 8 GiB must not read as 8.
            (.memory, .bytes(ByteCount((8 << 30) - 1)), "memory = 7.99GiB"),
            (.disk, .bytes(ByteCount(123_456_789_012)), "disk = 114.97GiB"),
            (.memory, .bytes(ByteCount(.max)), "memory = 8388607.99TiB"),
            (.region, .word("fr"), "region = fr"), (.region, .word(""), "no region"),
            (.gpuModel, .word("RTX 4090"), "gpu-model = \"RTX 4090\""),
            (.kernel, .version([6, 1, 0]), "kernel = 6.1.0"),
            (.kernel, .version([]), "no known kernel"), (.isolation, .words([]), "no isolation"),
            (.isolation, .words(["none", "users"]), "isolation = none, users"),
            (.node, .words(["box", "7f3a09c1", "7f3a-09c1"]), "node = box"), (.ipv6, .flag(false), "ipv6 = no"),
        ] as [(Property, PropertyValue, String)])
    func found(property: Property, value: PropertyValue, text: String) {
        #expect(value.description(of: property) == text)
    }
}
