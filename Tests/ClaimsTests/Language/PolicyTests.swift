import Testing

@testable import Claims

@Suite("policies")
struct PolicyTests {
    private func error(_ text: String) throws -> LanguageError {
        try #require(throws: LanguageError.self) { try Policy(text) }
    }

    @Test(
        "an unknown word is an error with the nearest known one",
        arguments: [
            ("prize", 0, "price"), ("price, laod", 7, "load"), ("-mem", 0, "memory"), ("chepaest", 0, "cheapest"),
            ("fewest", 0, "fewest-installs"), ("luck", 0, nil), ("-", 0, nil), ("price, --load", 7, "load"),
            ("inn", 0, nil), ("price,and", 6, nil),
        ])
    func unknown(text: String, offset: Int, nearest: String?) throws {
        let error = try error(text)
        #expect(error.code == .unknownPolicy)
        #expect(error.offset == offset)
        #expect(error.nearest == nearest)
        #expect(error.remedy.contains("fewest-installs"))
    }

    @Test(
        "what does not stand as it must is an error",
        arguments: [
            ("price,", 6, "a key is missing before the end"), (",price", 0, "a key is missing"),
            ("price load", 6, "write a comma"), ("price = 1", 6, "write a comma"), ("\"price\"", 0, "a key is missing"),
            ("price, price", 7, "earlier key"), ("price, -price", 7, "earlier key"), ("spread, pack", 8, "earlier key"),
            ("cheapest, price", 10, "earlier key"), ("-cheapest", 0, "-price"), ("-fewest-installs", 0, "-installed"),
            ("(price)", 0, "a key is missing"),
        ])
    func syntax(text: String, offset: Int, said: String) throws {
        let error = try error(text)
        #expect(error.code == .syntax)
        #expect(error.offset == offset)
        #expect(error.description.contains(said), "\(error)")
    }

    @Test("a text of more bytes than are kept is refused")
    func tooLong() throws {
        #expect(try error(String(repeating: " ", count: Policy.bytesMax + 1)).code == .tooLong)
        #expect(try Policy("price" + String(repeating: " ", count: Policy.bytesMax - 5)).description == "price")
    }

    @Test("nothing is the usual policy: the largest free share first", arguments: ["", "  ", "spread", "-pack"])
    func usual(text: String) throws {
        #expect(try Policy(text) == .usual)
        #expect(Policy.usual.keys == [Policy.Key(.spread)])
        #expect(Policy.usual.description == "spread")
    }

    @Test("every key is read, and turned round by -")
    func keys() throws {
        for word in Policy.Key.Word.allCases {
            #expect(try Policy(word.rawValue.uppercased()).keys == [Policy.Key(word)])
            let reversed = try Policy("-\(word.rawValue)")
            #expect(reversed.keys == [Policy.Key(word, isReversed: true)])
            #expect(try Policy(reversed.description) == reversed)
        }
        #expect(Policy.Key(.price, isReversed: true).isReversed)
        #expect(Policy.Key(.spread, isReversed: true) == Policy.Key(.pack))
    }

    @Test(
        "keys stay in their order; names are for keys, and ties of named policies go to the largest free share",
        arguments: [
            ("price,load", "price, load"), (" Load ,  -PRICE", "load, -price"), ("cheapest", "price, spread"),
            ("nearest", "near, spread"), ("fewest-installs", "installed, spread"),
            ("cheapest, nearest", "price, near, spread"),
            ("nearest, load", "near, load, spread"), ("cheapest, pack", "price, pack"),
            ("spread, cheapest", "spread, price"),
            ("-spread", "pack"), ("-memory, -cpu, disk, free", "-memory, -cpu, disk, free"),
        ])
    func canonical(text: String, canonical: String) throws {
        let policy = try Policy(text)
        #expect(policy.description == canonical)
        #expect(try Policy(canonical) == policy)
    }
}
