import Automata
import Testing

@testable import Claims

@Suite("what is wrong with the text of a condition")
struct ConditionErrorTests {
    private func error(_ text: String) throws -> LanguageError {
        try #require(throws: LanguageError.self) { try Condition(text) }
    }

    @Test(
        "an unknown property is an error with its place and the nearest known one",
        arguments: [
            ("cpi >= 4", 0, "cpi", "cpu"), ("cpu >= 4, memry >= 8GiB", 10, "memry", "memory"),
            ("cpu >= 4 and (corse = 2)", 14, "corse", "cpu"), ("not regoin = fr", 4, "regoin", "region"),
            ("kern >= 6", 0, "kern", "kernel"), ("é = 1 ", 0, "é", nil),
            ("isolation = users, IPV5", 19, "IPV5", "ipv4"),
            ("weather = fine", 0, "weather", nil), ("zz", 0, "zz", nil),
        ])
    func unknownProperty(text: String, offset: Int, found: String, nearest: String?) throws {
        let error = try error(text)
        #expect(error.code == .unknownProperty)
        #expect((error.offset, error.found) == (offset, found))
        #expect(error.nearest == nearest)
        #expect(error.message.contains("\"\(found)\"") && error.message.contains("byte \(offset)"))
        #expect(error.remedy.contains("gpu-model"), "all properties are told")
        if let nearest { #expect(error.remedy.contains("did you mean \"\(nearest)\"?")) }
    }

    @Test("offsets are bytes, not characters")
    func bytes() throws {
        let text = "region = \"Île-de-France\" and cpi > 1"
        let error = try error(text)
        #expect(error.offset == 30)
        #expect(String(Array(text.utf8)[error.offset...].prefix(3).map { Character(Unicode.Scalar($0)) }) == "cpi")
    }

    @Test(
        "an unknown unit is an error with the nearest known one",
        arguments: [
            ("memory >= 8G", 11, "G", "GiB"), ("memory >= 8 gb", 12, "gb", "GB"), ("memory >= 8Mi", 11, "Mi", "MiB"),
            ("disk > 1KB", 8, "KB", "kB"), ("disk > 1 GIB", 9, "GIB", "GiB"), ("memory >= 8 apples", 12, "apples", nil),
            ("memory > 50%", 11, "%", nil), ("cpu >= 4GiB", 8, "GiB", nil), ("cpu >= 4 cats", 9, "cats", nil),
            ("load < 1e3", 8, "e3", nil), ("memory in (1GiB, 2TiG)", 18, "TiG", "TiB"),
        ])
    func unknownUnit(text: String, offset: Int, found: String, nearest: String?) throws {
        let error = try error(text)
        #expect(error.code == .unknownUnit)
        #expect((error.offset, error.found) == (offset, found))
        #expect(error.nearest == nearest)
    }

    @Test(
        "a word that is not of a closed set is an error with the nearest of it",
        arguments: [
            ("state = idel", 8, "idle"), ("state in (idle, wroker)", 16, "worker"), ("isolation = user", 12, "users"),
            ("isolation != bubblewarp", 13, "bubblewrap"), ("continent = europe", 12, nil), ("state = tired", 8, nil),
        ])
    func unknownWord(text: String, offset: Int, nearest: String?) throws {
        let error = try error(text)
        #expect(error.code == .unknownWord)
        #expect(error.offset == offset)
        #expect(error.nearest == nearest)
    }

    @Test(
        "a value or a comparison of another kind is an error that says which it takes",
        arguments: [
            ("cpu >= four", 7), ("cpu = \"4\"", 6), ("cpu >= .5", 7), ("cpu >= 1.", 7), ("cpu >= 1.2.3", 7),
            ("cpu = -", 6), ("cpu = +4", 6), ("cpu = ٣", 6), ("memory >= much", 10), ("kernel >= 6.1-rc1", 10),
            ("kernel = 6..1", 9), ("kernel = new", 9), ("kernel = -1", 9), ("kernel = 1.2.3.4.5.6.7.8.9", 9),
            ("kernel = 1234567890", 9), ("ipv6 = maybe", 7), ("ipv6 = 1", 7), ("ipv6 in (yes)", 5),
            ("ipv6 not in (yes)", 9), ("ipv4 > no", 5), ("region < fr", 7), ("isolation >= none", 10),
            ("node > a", 5), ("country = france", 10), ("country = f1", 10), ("state = \"\"", 8),
            ("isolation = ''", 12), ("node in (box, \"\")", 14),
        ])
    func wrongKind(text: String, offset: Int) throws {
        let error = try error(text)
        #expect(error.code == .wrongKind, "\(error)")
        #expect(error.offset == offset)
        #expect(!error.remedy.isEmpty)
    }

    @Test(
        "what cannot be counted exactly is an error, never another number",
        arguments: [
            ("cpu >= 9223372036855", 7), ("cpu >= 1000000000000000000", 7), ("cpu >= 9999999999999999999999999", 7),
            ("price < 0.0000001", 8), ("load < 0.00001%", 7), ("memory >= 9223372036854775808", 10),
            ("memory >= 8388608TiB", 10), ("memory = 0.1GiB", 9), ("memory in (1GiB, 0.3B)", 17),
            ("memory != 1.5", 10), ("disk < -9000000000000TB", 7),
        ])
    func outOfRange(text: String, offset: Int) throws {
        let error = try error(text)
        #expect(error.code == .outOfRange, "\(error)")
        #expect(error.offset == offset)
    }

    @Test(
        "words that do not stand as they must are an error at the first of them, which says what to write",
        arguments: [
            ("", 0, "a term is missing before the end"), ("   ", 3, "a term is missing before the end"),
            ("cpu", 3, "a comparison is missing"), ("cpu 4", 4, "a comparison is missing"),
            ("cpu >=", 6, "a value of cpu is missing before the end"),
            ("cpu >= and", 7, "a value of cpu is missing before \"and\""), ("region = or", 9, "in quotes"),
            ("cpu >= 4,", 9, "a term is missing before the end"), (", cpu >= 4", 0, "a term is missing before \",\""),
            ("cpu >= 4 and", 12, "a term is missing before the end"), ("or cpu >= 4", 0, "before \"or\""),
            (">= 4", 0, "nothing stands before \">=\""), ("in (4)", 0, "nothing stands before \"in\""),
            ("4 <= cpu", 0, "write the property first"), ("load < 0,5", 9, "decimals with a point"),
            ("cpu >= 4 memory >= 8GiB", 9, "write \"and\""), ("cpu >= 4 memry >= 8GiB", 9, "write \"and\""),
            ("region = New York", 13, "in quotes"), ("ipv6 ipv4", 5, "a comparison is missing"),
            ("(cpu >= 4", 0, "a parenthesis has no end"), ("cpu >= 4)", 8, "a ) without its ("),
            ("()", 1, "a term is missing before \")\""), ("[cpu >= 4]", 0, "a term is missing before \"[\""),
            ("cpu >= 4]", 8, "outside of a list"), ("region in fr", 10, "a list is missing before \"fr\""),
            ("region in ()", 11, "a value of region is missing before \")\""),
            ("region in (fr de)", 14, "write a comma"), ("region in (fr, de", 17, "write a comma"),
            ("region in (fr]", 13, "write a comma"), ("region in [fr)", 13, "]"),
            ("region in (fr,)", 14, "a value of region is missing"), ("region not = fr", 7, "a comparison is missing"),
            ("cpu == 4", 4, "write ="), ("cpu => 4", 4, "write >="), ("cpu =< 4", 4, "write <="),
            ("cpu ≥ 4", 4, "write >="), ("cpu ≤ 4", 4, "write <="), ("cpu ≠ 4", 4, "write !="),
            ("cpu <> 4", 4, "write !="), ("ipv4 && ipv6", 5, "write and"), ("ipv4 || ipv6", 5, "write or"),
            ("!ipv4", 0, "write not"), ("cpu >>> 4", 4, "no comparison"), ("region = \"fr", 9, "has no end"),
            ("region = 'fr\"", 9, "has no end"), ("region = “fr”", 9, "write \" or '"),
            ("region = f\u{200B}r", 10, "U+200B"), ("region = \"f\u{7}r\"", 11, "U+0007"),
            ("cpu\u{0} = 1", 3, "U+0000"),
            ("\"cpu\" = 1", 0, "a term is missing before \"cpu\""),
        ])
    func syntax(text: String, offset: Int, said: String) throws {
        let error = try error(text)
        #expect(error.code == .syntax)
        #expect(error.offset == offset, "\(error)")
        #expect(error.description.contains(said), "\(error)")
    }

    @Test("a text of more bytes than are kept is refused before it is read, and so is one that grows beyond")
    func tooLong() throws {
        let long = "region = \"" + String(repeating: "x", count: Condition.bytesMax) + "\""
        #expect(try error(long).code == .tooLong)
        #expect(try error(String(repeating: "(", count: 100_000)).code == .tooLong)
        let ends = "region = \"\""
        let fits = "region = \"" + String(repeating: " ", count: Condition.bytesMax - ends.utf8.count) + "\""
        #expect(try Condition(fits).description == fits)
        // `ram` is written out as `memory`.
        let growing = (1...64).map { "ram!=\($0)kB" }.joined(separator: ",")
        let grown = try error(growing)
        #expect(growing.utf8.count < Condition.bytesMax)
        #expect(grown.code == .tooLong && grown.message.contains("written out"), "\(grown)")
    }

    @Test("as many terms as there may be are read, one more is refused")
    func tooManyTerms() throws {
        let terms = (0...Condition.termsMax).map { "cpu != \($0)" }
        #expect(try Condition(terms.dropLast().joined(separator: ",")).terms.count == Condition.termsMax)
        let error = try error(terms.joined(separator: ","))
        #expect(error.code == .tooLong && error.message.contains("\(terms.count) terms"), "\(error)")
    }

    @Test("as many parentheses and denials within each other as there may be are read, one more is refused")
    func tooDeep() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "not (", count: depth / 2) + "ipv4" + String(repeating: ")", count: depth / 2)
        }
        #expect(try Condition(nested(Condition.depthMax)) == Condition("ipv4"))
        let error = try error(nested(Condition.depthMax + 2))
        #expect(error.code == .tooDeep)
        #expect(error.offset == 5 * Condition.depthMax / 2)
        // Beside each other they are not counted.
        let beside = (0..<Condition.depthMax + 1).map { "(cpu != \($0))" }.joined(separator: ",")
        #expect(try Condition(beside).terms.count == Condition.depthMax + 1)
    }

    @Test("what was found is cut, and every surface can refuse with it")
    func refusal() throws {
        let error = try error(String(repeating: "é", count: 100) + " = 1")
        #expect(error.found == String(repeating: "é", count: 31))
        #expect(error.refusal == Refusal(.invalid, error.message, remedy: error.remedy, rule: "unknown-property"))
        #expect(error.refusal.description == error.description)
    }
}
